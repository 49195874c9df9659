"""How long a daemon's book takes to be ready: nothing compiled yet, then everything on the disk already.

Each start is a process of its own, timed by the clock on the wall, because a first start compiles on two
cores; the CPU time beside it is of both processes, and no neighbour on the machine lengthens that. Numba
writes its cache into a directory that the first start finds empty and the second one full.
"""

from __future__ import annotations

import json
import os
import resource
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
    """Seconds until the book is ready, CPU seconds of all processes, how many of those the imports took, and
    how many models were compiled."""

    wall_s: float
    cpu_s: float
    imports_s: float
    compiled: int


def run() -> Iterator[Row]:
    """The usual models cold and from the cache, then three times as many."""
    with TemporaryDirectory() as usual, TemporaryDirectory() as many:
        cold, warm = started(USUAL, usual), started(USUAL, usual)
        all_cold, all_warm = started(MANY, many), started(MANY, many)
    count, more = len(USUAL), len(MANY)
    what = f"cold start of the book, {count} models"
    yield Row(what, f"{cold.wall_s:.1f} s", _beside(cold), f"at most {COLD_S:g} s", cold.wall_s <= COLD_S)
    ours = f"{warm.wall_s:.1f} s"
    yield Row("the same from the cache", ours, _beside(warm), f"at most {WARM_S:g} s", warm.wall_s <= WARM_S)
    ours = f"{all_cold.wall_s:.1f} s, from the cache {all_warm.wall_s:.1f} s"
    beside = f"{count} models {cold.wall_s:.1f} s; {all_cold.compiled} models compiled"
    is_kept = (cold.compiled, all_cold.compiled) == (count, more)
    yield Row(f"cold start with {more} models", ours, beside, "the configured models compile alone", is_kept)


def _beside(start: Start) -> str:
    spent = f"{start.cpu_s:.1f} s of CPU, imports {start.imports_s:.1f} s of it"
    return f"{spent}; {start.compiled} models compiled"


def started(models: Sequence[str], cache_dir: str) -> Start:
    """One start, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.models_start", *models]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache_dir}
    root = Path(__file__).resolve().parents[2]
    began_s = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, cwd=root, env=environment
    )
    return Start(time.monotonic() - began_s, *json.loads(done.stdout))


def start(models: Sequence[str]) -> tuple[float, float, int]:
    """Imports the book and builds it empty, as the daemon does before its first socket opens. Its cost."""
    from monitor.book import warming

    warming.begin()

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
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = time.process_time() + others.ru_utime + others.ru_stime
    return cpu_s, imports_s, sum(function in formulas for function in done)


if __name__ == "__main__":
    print(json.dumps(start(sys.argv[1:])))
