"""One run: the tests once without a mutant, every mutant, the table."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

import pytest

from tests.benchmarks.table import headline
from tests.mutation.checks import Check, Checks, Reached
from tests.mutation.fates import Fate, fates
from tests.mutation.mutants import Mutant, mutants, unchanged
from tests.mutation.reasons import read_reasons, untrue
from tests.mutation.report import score, survivors, table

ROOT = Path(__file__).resolve().parents[2]
MARGIN = ROOT / "monitor" / "margin"
REASONS = Path(__file__).parent / "survivors.toml"
TESTS = ["tests/margin", "tests/bookfile/test_stated_facts.py"]
LEAST_SCORE = 0.85
CONTROL = 5  # tests of each file
LEFT_OUT = {
    "__init__.py": "empty",
    "rows.py": "the columns: names and types, nothing that computes",
    "models.py": "a table of what each model declares; it is built before a mutant can be put in its place",
    "formula.py": "tells numba that a function is there, which plain Python does not see",
}
# Not slow, no sockets, no folder beside the repository: what every clone has, in plain Python, in order.
PYTEST = [
    *("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no"),
    *("-o", "addopts=--import-mode=importlib -p no:valkey", "-o", "timeout=0"),
    *("-m", "not slow and not integration and not soak"),
]


class Plan(NamedTuple):
    """What is changed, by which tests that is to be noticed, and how often."""

    files: Sequence[Path]
    tests: Sequence[str]
    reasons: Path
    at_least: float


class Run:
    """What pytest hands its tests to."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        self.fates: list[Fate] = []

    def mutate(self, reached: Reached) -> None:
        """Every mutant; before them each file as it stands, which its tests may not notice."""

        tests = {check.name: check.seconds for found in reached.values() for check in found}
        _tell(f"{len(tests)} tests reach them, in {sum(tests.values()):.0f} s of processor time")
        modules = {path.name: _module(path) for path in self.files}

        def checks_of(mutant: Mutant) -> Sequence[Check]:
            return _checks(mutant, modules[mutant.file], reached)

        at_once = os.cpu_count() or 1
        control = [unchanged(path) for path in self.files]
        for fate in fates(control, modules, lambda mutant: checks_of(mutant)[:CONTROL], at_once):
            assert not fate.is_killed, f"{fate.mutant.file} is noticed as it stands"
        made = [mutant for path in self.files for mutant in mutants(path)]
        for fate in fates(made, modules, checks_of, at_once):
            self.fates.append(fate)
            if len(self.fates) % 100 == 0:
                _tell(f"{len(self.fates)} of {len(made)}")


def run(plan: Plan) -> int:
    """Prints the run; 0 where enough is killed and the list of reasons is true."""
    began = time.monotonic()
    files = list(plan.files) or [path for path in sorted(MARGIN.glob("*.py")) if path.name not in LEFT_OUT]
    print(f"{headline()}\n", flush=True)
    os.environ["MARGIND_SHARED"] = os.devnull  # the folder beside the repository may not be there
    work = Run(files)
    code = pytest.main([*PYTEST, f"--rootdir={ROOT}", *plan.tests], [Checks(files, work.mutate)])
    if code != pytest.ExitCode.OK:
        return int(code)
    return _told(plan, [path.name for path in files], work.fates, time.monotonic() - began)


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def _told(plan: Plan, files: Sequence[str], found: Sequence[Fate], seconds: float) -> int:
    reasons = read_reasons(plan.reasons)
    print("\n".join([*table(files, found), f"\n{seconds / 60:.1f} minutes\n", *survivors(found, reasons)]))
    stale = untrue(reasons, files, found)
    for entry in stale:
        print(f"in {plan.reasons.name}, but killed or gone: {entry}")
    if score(found) < plan.at_least:
        print(f"fewer than {plan.at_least:.0%} are killed")
    return int(bool(stale) or score(found) < plan.at_least)


def _module(path: Path) -> ModuleType:
    return import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _checks(mutant: Mutant, module: ModuleType, reached: Reached) -> Sequence[Check]:
    """The tests that run the function (of a constant: any function of its file), those of the file first,
    then the quickest."""
    if isinstance(vars(module).get(mutant.holder), FunctionType):
        checks = reached.get((mutant.file, mutant.holder), [])
    else:
        of_file = (found for (file, _), found in reached.items() if file == mutant.file)
        checks = list({check.name: check for found in of_file for check in found}.values())
    own = f"test_{Path(mutant.file).stem}"
    return sorted(checks, key=lambda check: (own not in check.name, check.seconds))
