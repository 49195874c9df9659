"""One mark moves: the pools that read it are assessed again, few or all, beside a sweep over everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.benchmarks.big_books import EVERYWHERE, LEGS, RARE, BigBook, big_book
from tests.benchmarks.table import quantile, seconds

SIZES = (10_000, 100_000)
MOVES = 200


class Cost(NamedTuple):
    """Milliseconds of one move."""

    pools: int
    touched: int
    p50: float
    p99: float
    full_p50: float


def run() -> Iterator[Cost]:
    """Each size with a mark that a twentieth reads, and with one that all read."""
    for pools in SIZES:
        big = big_book(pools)
        full = quantile([seconds(big.sweep) for _ in range(MOVES)], 0.5)
        for instrument in (RARE, EVERYWHERE):
            readers = _readers(big, instrument)
            times = [_moved_s(big, instrument, readers, number) for number in range(MOVES)]
            yield Cost(
                pools, len(readers), 1e3 * quantile(times, 0.5), 1e3 * quantile(times, 0.99), 1e3 * full
            )


def _readers(big: BigBook, instrument: int) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(big.book.positions["instrument"] == instrument)  # type: ignore[call-overload]
    return np.unique(rows // LEGS)


def _moved_s(big: BigBook, instrument: int, readers: npt.NDArray[np.int64], number: int) -> float:
    """As the assessor does it: flags, and the flagged rows."""
    touched = np.zeros(len(big.everything), dtype=np.bool_)

    def move() -> None:
        big.book.quotes[instrument] *= 1.0005 if number % 2 else 1 / 1.0005
        touched[readers] = True
        big.sweep(big.everything[touched[big.everything]])

    return seconds(move)
