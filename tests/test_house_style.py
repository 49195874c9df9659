"""The house style, as far as a machine can read it; `make ratchet` writes the counts that may only fall."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parent.parent
RATCHET = ROOT / "tests" / "ratchet.json"
SHIPPED = ("monitor", "adapters", "alerts")
FOLDERS = (*SHIPPED, "deploy", "tests")
FUNCTION_LIMIT, FUNCTION_SMELL = 60, 40
FILE_LIMIT, FILE_SMELL = 500, 300
MAY_CATCH_ALL = {"adapters/session.py", "alerts/deliver.py", "monitor/supervise.py"}
PROMISES = re.compile(rf"\b({'TO' + 'DO'}|{'FIX' + 'ME'})\b")  # in halves: this file is read too
PROSE = frozenset({".py", ".toml", ".md", ".yml", ".yaml", ".html", ".js", ".css", ".sh", ".service", ""})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str, suffixes: frozenset[str] = frozenset({".py"})) -> Iterator[tuple[str, str]]:
    """Each file of the folders, as its path from the root and its text."""
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*")):
        if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def top_level_files() -> Iterator[tuple[str, str]]:
    """Each readable file beside the folders, as its name and its text."""
    for path in sorted([*ROOT.glob("*"), *ROOT.glob(".ci/*")]):
        if path.is_file() and path.suffix in PROSE:
            yield path.name, path.read_text(encoding="utf-8")


@cache
def parsed_folder(folder: str) -> tuple[tuple[str, ast.Module], ...]:
    """Each Python file of a folder, as its path from the root and its tree: read once for all tests."""
    return tuple((path, ast.parse(text)) for path, text in files(folder))


def parsed(*folders: str) -> list[tuple[str, ast.Module]]:
    """The same of several folders."""
    return [found for folder in folders for found in parsed_folder(folder)]


@cache
def functions_of(tree: ast.AST) -> list[Function]:
    """Every function of a file, also inside others: looked for once for all tests."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def functions_over(limit: int, tree: ast.AST) -> Iterator[str]:
    """The functions longer than the limit, from `def` to the last line, docstring and all."""
    for node in functions_of(tree):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > limit:
            yield f"{node.lineno} {node.name} ({length} lines)"


def long_functions(limit: int) -> list[str]:
    """The functions of the whole repository that are longer than the limit."""
    return [f"{path}:{found}" for path, tree in parsed(*FOLDERS) for found in functions_over(limit, tree)]


def long_files(limit: int) -> list[str]:
    """The files of the whole repository that are longer than the limit."""
    lengths = ((path, text.count("\n")) for path, text in files(*FOLDERS))
    return [f"{path} ({length} lines)" for path, length in lengths if length > limit]


def counts() -> dict[str, int]:
    """What the ratchet holds: these may only fall."""
    return {
        f"functions over {FUNCTION_SMELL} lines": len(long_functions(FUNCTION_SMELL)),
        f"files over {FILE_SMELL} lines": len(long_files(FILE_SMELL)),
    }


def smells(name: str) -> str:
    """Where to look when a count of the ratchet rises."""
    found = long_functions(FUNCTION_SMELL) if name.startswith("functions") else long_files(FILE_SMELL)
    return "\n".join(found)


def catches_all(handler: ast.ExceptHandler) -> bool:
    """True for a bare `except`, for Exception, and for BaseException unless it is raised again at the end."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    last = handler.body[-1]
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    return handler.type is None or "Exception" in names or ("BaseException" in names and not raises_again)


def blind_handlers(tree: ast.AST) -> list[int]:
    """The lines of the handlers that catch everything."""
    return [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and catches_all(n)]


def silent_tests(tree: ast.AST) -> list[str]:
    """The tests that do not say the rule that they prove."""
    tests = (test for test in functions_of(tree) if test.name.startswith("test_"))
    return [test.name for test in tests if not ast.get_docstring(test)]


def public_functions(tree: ast.Module) -> list[str]:
    """The functions that a module offers to others."""
    return [n.name for n in tree.body if isinstance(n, Function) and not n.name.startswith("_")]


def names_used(tree: ast.AST) -> set[str]:
    """Every name that is read, alone or as part of something; a definition and an import use none."""
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return found | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def test_no_formula_is_there_for_tests_alone() -> None:
    """What `monitor/margin` offers is used by what is shipped: what only a test asks for is nobody's."""
    used = set().union(*(names_used(tree) for _, tree in parsed(*SHIPPED)))
    found = [
        f"{path}: {name}"
        for path, tree in parsed("monitor")
        if path.startswith("monitor/margin/")
        for name in public_functions(tree)
        if name not in used
    ]
    assert found == []


def test_nobody_waits_with_wait_for() -> None:
    """In Python 3.11 `asyncio.wait_for` loses a cancellation that comes with the result: a stop hangs."""
    users = [path for path, text in files(*SHIPPED) if "asyncio.wait_for(" in text]
    assert users == []


def test_no_function_is_past_one_screen() -> None:
    """A function of more than 60 lines is two functions."""
    assert long_functions(FUNCTION_LIMIT) == []


def test_no_file_is_past_its_limit() -> None:
    """A file of more than 500 lines is two files."""
    assert long_files(FILE_LIMIT) == []


def test_long_functions_and_files_only_become_fewer() -> None:
    """The counts equal tests/ratchet.json: never above it, and `make ratchet` writes down what was won."""
    held = json.loads(RATCHET.read_text(encoding="utf-8"))
    for name, count in counts().items():
        assert count <= held[name], f"{name}: {count}, {held[name]} allowed\n{smells(name)}"
        assert count >= held[name], f"{name}: only {count} are left of {held[name]}: run `make ratchet`"


def test_everything_is_caught_in_three_places_only() -> None:
    """`except Exception` lives in session, deliver and supervise only, where a crash has a policy."""
    found = [
        f"{path}:{line}"
        for path, tree in parsed(*SHIPPED)
        if path not in MAY_CATCH_ALL
        for line in blind_handlers(tree)
    ]
    assert found == []


def test_nothing_is_left_as_a_promise() -> None:
    """What is not done is an issue, not a comment."""
    everywhere = [*files(*FOLDERS, suffixes=PROSE), *top_level_files()]
    assert [path for path, text in everywhere if PROMISES.search(text)] == []


def test_every_test_says_its_rule() -> None:
    """A test's docstring is the rule that it proves."""
    found = [f"{path}: {name}" for path, tree in parsed("tests") for name in silent_tests(tree)]
    assert found == []


def test_the_measures_see_what_they_are_for() -> None:
    """Each measure finds the fault in a text that has it, and none in a text that does not."""
    faulty = ast.parse(
        dedent("""
        def test_silent():
            try:
                pass
            except (KeyError, Exception):
                pass
            except BaseException:
                pass
        """)
    )
    sound = ast.parse(
        'def test_said():\n    "A rule."\n    try:\n        pass\n    except BaseException:\n        raise'
    )
    assert blind_handlers(faulty) == [5, 7]
    assert silent_tests(faulty) == ["test_silent"]
    assert [*functions_over(6, faulty)] == ["2 test_silent (7 lines)"]
    assert (blind_handlers(sound), silent_tests(sound), [*functions_over(6, sound)]) == ([], [], [])
    offered = ast.parse("from a import lost\ndef lost(): pass\ndef kept(): pass\ndef _own(): kept(a.b)")
    assert public_functions(offered) == ["lost", "kept"]
    assert names_used(offered) == {"kept", "a", "b"}


def write_ratchet() -> None:
    """Puts today's counts in the place of the old ones."""
    RATCHET.write_text(json.dumps(counts(), indent=4) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_ratchet()
