"""A sweep over everything, beside copying the same bytes and beside numpy on the same columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.big_books import LEGS, LEVELS, SHIPPED, TIERS, BigBook, big_book
from tests.benchmarks.table import best_s

POOLS = 100_000


class CopyFloor:
    """Everything that a sweep reads and writes a row of, copied into place that is there already."""

    def __init__(self, big: BigBook) -> None:
        tables: list[Any] = [big.book.pools, big.book.balances, big.book.positions, big.figures]
        self._sources = [table.view(np.ndarray).view(np.uint8) for table in tables]
        self._targets = [np.zeros_like(source) for source in self._sources]
        self.bytes = sum(source.nbytes for source in self._sources)

    def copy(self) -> None:
        """One pass."""
        for target, source in zip(self._targets, self._sources, strict=True):
            np.copyto(target, source)


class NumpySweep:
    """The same figures and bands by whole columns, one operation at a time; columns are split beforehand."""

    def __init__(self, big: BigBook) -> None:
        book: Any = big.book
        self._which = np.ascontiguousarray(book.positions["instrument"])
        self._signed = np.ascontiguousarray(book.positions["quantity"])
        self._entry = np.ascontiguousarray(book.positions["entry_price"])
        self._leverage = np.ascontiguousarray(book.positions["leverage"])
        self._wallet = np.ascontiguousarray(book.balances["wallet"])
        self._marks = book.quotes[book.instruments["mark"]]
        self._floors = book.tiers["floor"].reshape(-1, TIERS)
        self._rates = np.ascontiguousarray(book.tiers["maintenance_rate"])
        self._deductions = np.ascontiguousarray(book.tiers["deduction"])
        self._last = np.array(big.figures["last_band"])

    def assess(self) -> tuple[Any, Any, Any, Any]:
        """Equity, initial and maintenance margin, and band, of each pool."""
        mark = self._marks[self._which]
        value = np.abs(self._signed) * mark
        step = self._which * TIERS
        for column in range(1, TIERS):
            step += self._floors[self._which, column] <= value
        starts = np.arange(0, len(value), LEGS)
        gain = np.add.reduceat(self._signed * (mark - self._entry), starts)
        initial = np.add.reduceat(value / self._leverage, starts)
        charged = np.add.reduceat(value * self._rates[step] - self._deductions[step], starts)
        equity = self._wallet + gain
        return equity, initial, charged, self._banded(charged, equity)

    def _banded(self, maintenance: Any, equity: Any) -> Any:
        raised = sum(~(maintenance < level * equity) for level in LEVELS.raise_at)
        held = sum(~(maintenance < level * equity) for level in LEVELS.clear_at)
        return np.where(maintenance > 0, np.clip(self._last, raised, held), 0)


class Cost(NamedTuple):
    """Nanoseconds a position, the best of some rounds."""

    ours: float
    copy: float
    numpy: float
    shipped: float  # ratio and distance
    in_full: float  # the same, every level assessed for every pool


def run() -> Cost:
    """Ours, the copy floor, which has the limit, and numpy, which must agree; then with distances."""
    big = big_book(POOLS)
    floor, peer = CopyFloor(big), NumpySweep(big)
    assert_agreed(big, peer)
    times = [best_s(big.sweep), best_s(floor.copy), best_s(peer.assess, 5)]
    times.append(best_s(lambda: big.sweep(levels=SHIPPED)))
    bands = big.figures["band"].copy()
    slow = big._replace(bounds=np.zeros_like(big.bounds))
    times.append(best_s(lambda: slow.sweep(levels=SHIPPED), 2))
    assert (bands == big.figures["band"]).all(), "the bounds have changed a band"
    return Cost(*(1e9 * time_s / POOLS / LEGS for time_s in times))


def assert_agreed(big: BigBook, peer: NumpySweep) -> None:
    """A peer that answers something else would be no peer."""
    equity, initial, maintenance, band = peer.assess()
    figures = big.figures
    slack = 1e-9 * initial.max()
    assert np.allclose(equity, figures["equity"], rtol=1e-9, atol=slack)
    assert np.allclose(initial, figures["initial_margin"], rtol=1e-12)
    assert np.allclose(maintenance, figures["maintenance_margin"], rtol=1e-9)
    assert (band != figures["band"]).mean() < 1e-4  # on a level, one ulp decides
    assert set(np.unique(figures["band"])) == {0, 1, 2, 3, 4}
