"""What the history costs: a turn of the loop that hands it over, and a flush of the thread beside it.

Real: the keeper, its columns, its file on a disk. Doubled: the book; its views change in every pool each
time, which no market does.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from monitor.clock import SystemClock
from monitor.config import Config, Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import Turn
from monitor.history.keeper import HistoryKeeper
from monitor.names import Metrics
from tests.benchmarks.table import Row, quantile
from tests.support.alerting import a_state
from tests.support.views import label, turn_of, view_of

POOLS, MANY = 10_000, 100_000
TURNS, FLUSHES = 400, 6
LIMIT_US = 100.0  # a twentieth of the 2 ms that a turn of so many pools takes


def run() -> Iterator[Row]:
    """The loop's turns while the thread writes, and the thread's flushes."""
    alone_us, beside_us = _turns_us(is_writing=False), _turns_us(is_writing=True)
    told = ", ".join(f"{quantile(beside_us, share):.1f} us" for share in (0.5, 0.99))
    alone = ", ".join(f"{quantile(alone_us, share):.1f} us" for share in (0.5, 0.99))
    what = f"history: the loop's cost of a turn, {POOLS:,} pools that all change, p50, p99"
    is_kept = quantile(beside_us, 0.99) <= LIMIT_US
    yield Row(what, told, f"nobody writes: {alone}", f"p99 at most {LIMIT_US:g} us", is_kept)
    for pools in (POOLS, MANY):
        flushes_ms = _flushes_ms(pools)
        what = f"history: a flush of the thread, all of {pools:,} pools changed"
        yield Row(what, f"{quantile(flushes_ms, 0.5):.0f} ms", "once a second")


def _turns(pools: int) -> list[Turn]:
    """Three turns that differ in every pool; every second pool of ten crosses in the third."""
    clock, rng = SystemClock(), np.random.default_rng(1)
    labels = tuple(label(number) for number in range(pools))
    views = [view_of(labels, clock, equity=1000 + 200 * rng.random(pools)) for _ in range(3)]
    crossed = tuple(a_state(each.id, RiskBand.WARNING) for each in labels[:10])
    turns = [turn_of(view) for view in views]
    return [*turns[:2], msgspec.structs.replace(turns[2], changed=crossed)]


def _keeper(folder: Path) -> HistoryKeeper:
    config = Config(Daemon(str(folder)), (), (), ())
    return HistoryKeeper(config, SystemClock(), Metrics())


def _turns_us(*, is_writing: bool) -> list[float]:
    found, turns = [], _turns(POOLS)
    with tempfile.TemporaryDirectory() as folder:
        keeper, over = _keeper(Path(folder)), threading.Event()

        def write() -> None:
            while not over.wait(0.01):  # a hundred times as often as the daemon does
                keeper.flush()

        writer = threading.Thread(target=write)
        if is_writing:
            writer.start()
        for number in range(TURNS):
            began_s = time.perf_counter()
            keeper.offer(turns[number % 3])
            found.append(1e6 * (time.perf_counter() - began_s))
            time.sleep(0.002)
        over.set()
        if is_writing:
            writer.join()
    return found


def _flushes_ms(pools: int) -> list[float]:
    found, turns = [], _turns(pools)
    with tempfile.TemporaryDirectory() as folder:
        keeper = _keeper(Path(folder))
        for number in range(FLUSHES + 1):
            keeper.offer(turns[number % 3])
            began_s = time.perf_counter()
            keeper.flush()
            found.append(1e3 * (time.perf_counter() - began_s))
    return found[1:]


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
