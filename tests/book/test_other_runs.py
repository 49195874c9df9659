"""The same tests once as plain Python, and once compiled with every index checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = (
    "tests/margin/test_models.py",
    "tests/margin/test_band.py",
    "tests/book/test_sweep.py",
)
# Plain Python walks for minutes: there the models that our adapters feed; the others run so over Decimal.
LIVE = "tiered or multi_assets or bybit_unified or bybit_isolated or venue_ratio"
NEAR = "tests/book/test_near.py"  # minutes as plain Python
TIMEOUT_S = 900


def run(tmp_path: Path, *files: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The contract suite in an interpreter and with a cache of its own: the switches are read at import."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-k",
        LIVE,
        *files,
    ]
    few = {"MARGIND_EXAMPLES": "few"}  # the modes are what is tried here; all examples are drawn elsewhere
    environment = {**os.environ, **few, "NUMBA_CACHE_DIR": str(tmp_path), **variables}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("switch", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_the_contract_suite_holds_in_every_mode(tmp_path: Path, switch: str) -> None:
    """No index leaves its table (compiled loops do not look), and plain Python gives the same verdicts."""
    files = (*CONTRACT, NEAR) if switch == "NUMBA_BOUNDSCHECK" else ("-k", LIVE, *CONTRACT)
    found = run(tmp_path, *files, **{switch: "1"})
    assert found.returncode == 0, found.stdout[-4000:]
    assert " passed" in found.stdout
