"""The runner: it sees what is noticed, what is not, and whether the list of reasons is true."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ("tests/mutation/sample.py", "--tests", "tests/mutation/sample_checks.py")
REASON = """
[[survivor]]
why = "nobody calls it"
mutants = [{}]
"""
UNTESTED = "sample.py doubled: size * 2 -> size / 2"
LOOPS_FOREVER = "sample.py tens_off: size -= TEN -> nothing"


def mutated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, because the formulas must be plain Python there."""
    command = [sys.executable, "-m", "tests.mutation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_what_is_tested_is_killed_and_what_is_not_survives(tmp_path: Path) -> None:
    """A mutant that gives another number or never ends is killed; one that no test sees is told of, with its
    reason, and fails the run below the share that is asked for."""
    reasons = tmp_path / "survivors.toml"
    reasons.write_text(REASON.format(f'"{UNTESTED}"'), encoding="utf-8")
    found = mutated(*SAMPLE, "--reasons", str(reasons))
    assert "| sample.py | 11 | 8 | 3 | 72.7% |" in found.stdout
    assert "- sample.py:17 doubled: size * 2 -> size / 2 (no test runs it)\n  nobody calls it" in found.stdout
    assert found.stdout.count("no reason is given") == 2
    assert "tens_off" not in found.stdout
    assert "fewer than 85% are killed" in found.stdout
    assert found.returncode == 1


@pytest.mark.slow
def test_a_reason_for_what_is_killed_or_gone_is_an_error(tmp_path: Path) -> None:
    """The list of reasons holds survivors and nothing else."""
    reasons = tmp_path / "survivors.toml"
    reasons.write_text(
        REASON.format(f'"{UNTESTED}", "{LOOPS_FOREVER}", "sample.py gone: 1 -> 2"'), encoding="utf-8"
    )
    found = mutated(*SAMPLE, "--reasons", str(reasons), "--at-least", "0.5")
    assert [line for line in found.stdout.splitlines() if "killed or gone" in line] == [
        f"in survivors.toml, but killed or gone: {LOOPS_FOREVER}",
        "in survivors.toml, but killed or gone: sample.py gone: 1 -> 2",
    ]
    assert found.returncode == 1


@pytest.mark.soak
def test_the_formulas_are_proven_by_their_tests(report: Callable[[str], None]) -> None:
    """At least 85 % of the mutants of monitor/margin are killed, and the list of survivors is true."""
    found = mutated()
    report(f"\n{found.stdout}{found.stderr}")
    assert found.returncode == 0
