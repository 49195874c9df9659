"""How long a daemon's book takes to be ready: nothing compiled yet, then everything on the disk already.

Each start is a process of its own, and the clock is that process's own CPU time, from the interpreter's first
step on, so a neighbour on the machine does not lengthen it. Numba writes its cache into a directory that the
first start finds empty and the second one full.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.benchmarks.table import Row

USUAL = ("tiered", "multi_assets", "bybit_unified", "bybit_isolated")
MANY = (
    *USUAL,
    *("deribit_inverse", "deribit_linear", "deribit_portfolio", "okx_single", "portfolio_unimmr"),
    *("dydx", "gmx", "drift"),
)
COLD_S, WARM_S = 15.0, 3.0  # at most, of the usual models
TIMEOUT_S = 300


class Start(NamedTuple):
    """CPU seconds of one process, how many of them its imports took, and how many models it compiled."""

    total_s: float
    imports_s: float
    compiled: int


def run() -> Iterator[Row]:
    """The usual models cold and from the cache, then three times as many."""
    with TemporaryDirectory() as usual, TemporaryDirectory() as many:
        cold, warm = started(USUAL, usual), started(USUAL, usual)
        all_cold, all_warm = started(MANY, many), started(MANY, many)
    count, more = len(USUAL), len(MANY)
    what = f"cold start of the book, {count} models"
    beside = f"imports {cold.imports_s:.1f} s of it; {cold.compiled} models compiled"
    yield Row(what, f"{cold.total_s:.1f} s of CPU", beside, f"at most {COLD_S:g} s", cold.total_s <= COLD_S)
    beside = f"imports {warm.imports_s:.1f} s of it; {warm.compiled} models compiled"
    ours = f"{warm.total_s:.1f} s of CPU"
    yield Row("the same from the cache", ours, beside, f"at most {WARM_S:g} s", warm.total_s <= WARM_S)
    ours = f"{all_cold.total_s:.1f} s of CPU, from the cache {all_warm.total_s:.1f} s"
    beside = f"{count} models {cold.total_s:.1f} s; {all_cold.compiled} models compiled"
    is_kept = (cold.compiled, all_cold.compiled) == (count, more)
    yield Row(f"cold start with {more} models", ours, beside, "the configured models compile alone", is_kept)


def started(models: Sequence[str], cache_dir: str) -> Start:
    """One start, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.models_start", *models]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache_dir}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, cwd=root, env=environment
    )
    return Start(*json.loads(done.stdout))


def start(models: Sequence[str]) -> Start:
    """Imports the book and builds it empty, as the daemon does before its first socket opens."""
    from numba.core import event

    from monitor.book.live_book import LiveBook
    from monitor.book.settings import BookSettings, LevelRow
    from monitor.margin.models import MODELS

    imports_s = time.process_time()
    levels = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
    with event.install_recorder("numba:compile") as recorder:
        LiveBook(BookSettings(tuple(models), lambda *_: levels))
    formulas = {model.assess for model in MODELS.values()}
    done = [found.data["dispatcher"].py_func for _, found in recorder.buffer if found.is_start]
    return Start(time.process_time(), imports_s, sum(function in formulas for function in done))


if __name__ == "__main__":
    print(json.dumps(start(sys.argv[1:])))
