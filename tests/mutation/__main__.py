"""`python -m tests.mutation [FILE ...]`: changes monitor/margin in one place at a time, and counts how often
a test notices. Fails where fewer than 85 % are noticed, or where the list of reasons is not true.

The formulas run as plain Python here: compiling each mutant would take a minute.
"""

from __future__ import annotations

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"  # before anything imports numba
os.environ["MARGIND_EXAMPLES"] = "mutation"  # before tests/conftest.py loads a profile of hypothesis

import argparse
import sys
from pathlib import Path

from tests.mutation.run import LEAST_SCORE, MARGIN, REASONS, ROOT, TESTS, Plan, run


def main() -> int:
    """0 where at least 85 % are killed and the list of reasons is true."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help="of monitor/margin, or paths; all of monitor/margin without")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="what may kill a mutant")
    parser.add_argument("--reasons", type=Path, default=REASONS, help="why a mutant may survive")
    parser.add_argument("--at-least", type=float, default=LEAST_SCORE, help="share to be killed")
    asked = parser.parse_args()
    files = [ROOT / name if "/" in name else MARGIN / name for name in asked.files]
    return run(Plan(files, asked.tests, asked.reasons, asked.at_least))


if __name__ == "__main__":
    sys.exit(main())
