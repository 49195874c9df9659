"""All mutants of a file: its syntax tree with one thing changed, compiled.

Changed are the functions, the module's constants and the defaults of its classes. Not changed: documentation,
annotations, messages, and what only compiled code runs (`@overload`), because the mutants run as plain
Python.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from tests.mutation.operators import alternatives

WHOLE = ast.Compare | ast.BinOp | ast.BoolOp | ast.Call | ast.IfExp | ast.stmt  # what reads well on its own
NUMBERS = ("N", "float", "int", "Decimal")


class Mutant(NamedTuple):
    """One change of one function or constant (`holder`). `code` is the whole module with it."""

    file: str
    holder: str
    line: int
    change: str
    code: CodeType

    @property
    def name(self) -> str:
        """Where it is and what was changed, without the line, which moves."""
        return f"{self.file} {self.holder}: {self.change}"


class Place(NamedTuple):
    """Where a node hangs: in a field of its parent, or in the list that the field is."""

    parent: Any
    field: str
    at: int | None

    def put(self, node: ast.AST) -> None:
        """Another node here."""
        if self.at is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.at] = node


def unchanged(path: Path) -> Mutant:
    """The file as it stands, to be tried like a mutant."""
    return Mutant(path.name, "", 0, "", compile(path.read_text(encoding="utf-8"), str(path), "exec"))


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a file; where a change is made twice in a function, the later ones are numbered."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    seen: Counter[str] = Counter()
    found = []
    for mutant in (each for statement in tree.body for each in _of_statement(tree, statement, path)):
        seen[mutant.name] += 1
        nth = seen[mutant.name]
        found.append(mutant if nth == 1 else mutant._replace(change=f"{mutant.change} ({nth})"))
    return found


def _of_statement(tree: ast.Module, statement: ast.stmt, path: Path) -> Iterator[Mutant]:
    holder = _holder(statement)
    if holder is None:
        return
    for place, node, shown in _nodes(statement):
        for other in _alternatives(statement, node):
            before = _text(shown)
            place.put(ast.copy_location(other, node))
            ast.fix_missing_locations(tree)
            after = _text(other if shown is node else shown)
            code = compile(tree, str(path), "exec")
            place.put(node)
            yield Mutant(path.name, holder, getattr(node, "lineno", 0), f"{before} -> {after}", code)


def _holder(statement: ast.stmt) -> str | None:
    """The name of what may be changed; None where nothing may."""
    if isinstance(statement, ast.FunctionDef):
        is_compiled = any("overload" in ast.unparse(mark) for mark in statement.decorator_list)
        return None if is_compiled else statement.name
    if isinstance(statement, ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _nodes(parent: ast.AST, around: ast.AST | None = None) -> Iterator[tuple[Place, ast.AST, ast.AST]]:
    """Each node under a statement with its place, and the nearest thing around it that reads well."""
    for place, node in _children(parent):
        shown = node if isinstance(node, WHOLE) else around or parent
        yield place, node, shown
        yield from _nodes(node, shown)


def _children(parent: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "bases", "ctx", "op", "ops", "func"):
            continue
        if isinstance(value, ast.AST):
            yield Place(parent, field, None), value
        elif isinstance(value, list):
            for index, node in enumerate(value):
                if isinstance(node, ast.AST):
                    yield Place(parent, field, index), node


def _alternatives(root: ast.stmt, node: ast.AST) -> Iterator[ast.AST]:
    yield from alternatives(node)
    if isinstance(root, ast.FunctionDef):
        if isinstance(node, ast.Assign) and _is_bound_before(root, node):
            yield ast.Pass()
        if isinstance(node, ast.Return) and node.value and _text(root.returns) in NUMBERS:
            yield ast.Return(ast.UnaryOp(ast.USub(), node.value))


def _is_bound_before(function: ast.FunctionDef, assign: ast.Assign) -> bool:
    """Whether the name has a value without this line, which may then be left out."""
    if not isinstance(assign.targets[0], ast.Name):
        return False
    name = assign.targets[0].id
    arguments = {argument.arg for argument in function.args.args}
    earlier = (
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign | ast.AugAssign) and node.lineno < assign.lineno
        for target in ast.walk(node)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    )
    return name in arguments or name in earlier


def _text(node: ast.AST | None) -> str:
    """One line: of a block its head."""
    if node is None:
        return ""
    if isinstance(node, ast.Pass):
        return "nothing"
    return ast.unparse(node).splitlines()[0]
