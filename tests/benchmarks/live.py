"""What the live book does beside its sweeps: a mark in and a turn out, pictures of pools, distances."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from monitor.book.live_book import LiveBook
from monitor.domain.assessment import RiskBand
from tests.benchmarks.live_books import EVERYWHERE, NOW_NS, live_book, mark
from tests.benchmarks.table import quantile, seconds

POOLS = 10_000
TURNS = 100
PICTURES = 300


class Cost(NamedTuple):
    """A turn with a mark that all pools read, one picture of a pool, and all distances."""

    turn_p50_ms: float
    turn_p99_ms: float
    sweep_ms: float
    clear_us: float
    troubled_us: float
    distances_s: float


def run() -> Cost:
    """One book for all."""
    book = live_book(POOLS)
    turns = [_turn_s(book, number) for number in range(TURNS)]
    rows = np.arange(len(book.placing.by_row))
    sweeps = [_sweep_s(book, rows) for _ in range(TURNS)]
    bands = book.assessor.figures["band"]
    return Cost(
        1e3 * quantile(turns, 0.5),
        1e3 * quantile(turns, 0.99),
        1e3 * quantile(sweeps, 0.5),
        1e6 * _picture_s(book, np.flatnonzero(bands == RiskBand.CLEAR)),
        1e6 * _picture_s(book, np.flatnonzero(bands > RiskBand.CLEAR)),
        seconds(lambda: book.refresh_distances(POOLS)),
    )


def _turn_s(book: LiveBook, number: int) -> float:
    now_ns = NOW_NS + number * 1_000_000
    price = 100 + 0.01 * (number % 2)
    event = mark(EVERYWHERE, price, now_ns)

    def turn() -> None:
        book.apply_prices((event,), (), 0)
        assert book.turn(now_ns, now_ns, now_ns).assessed == POOLS

    return seconds(turn)


def _sweep_s(book: LiveBook, rows: np.ndarray) -> float:
    book.placing.touched[rows] = True
    return seconds(book.assessor.sweep)


def _picture_s(book: LiveBook, rows: np.ndarray) -> float:
    now_ns = NOW_NS + TURNS * 1_000_000
    pools = [pool for row in rows[:PICTURES] if (pool := book.placing.by_row[row]) is not None]
    return quantile([seconds(partial(book.describe, pool.id, now_ns, now_ns)) for pool in pools], 0.5)
