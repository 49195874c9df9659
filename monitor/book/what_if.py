"""A pool after a change, held against what is wanted of it: in a small book of its own, by plain Python."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monitor.book.pocket import alone, cut, taken_out
from monitor.book.ratio import ratio_of
from monitor.book.solve import Solver
from monitor.book.tables import empty_rows
from monitor.margin.rows import Book, Position


class Limits(NamedTuple):
    """Where a pool is to stay: below a ratio, and farther from liquidation than a distance."""

    level: float
    distance: float  # a fraction; 0 where it does not matter
    keeps_initial: bool = False  # and equity covers the initial margin: a venue lets nobody go below it


class Opened(NamedTuple):
    """A pool with one position more, opened at its mark."""

    book: Book[float]
    line: int
    place: int
    wallet: float  # of the line, before any fee

    def resized(self, quantity: float, fee: float) -> Book[float]:
        """With so much of it, signed; its balance pays the fee, in its asset."""
        self.book.positions["quantity"][self.place] = quantity  # type: ignore[call-overload]
        self.book.balances["wallet"][self.line] = self.wallet - fee  # type: ignore[call-overload]
        return self.book


def given_away(pool: int, line: int, amount: float, book: Book[float]) -> Book[float]:
    """The pool without an amount of one balance."""
    small = alone(pool, book)
    small.balances["wallet"][line] -= amount
    return small  # type: ignore[no-any-return]


def opened(pool: int, line: int, instrument: int, mark: float, book: Book[float]) -> Opened:
    """The pool with a position of nothing in an instrument, whose profit goes to one of its balances."""
    small = alone(pool, book)
    place = int(small.balances[line].position_last)
    positions = empty_rows(Position, len(small.positions) + 1)
    positions[:place], positions[place + 1 :] = small.positions[:place], small.positions[place:]
    positions[place] = (instrument, 0.0, mark, 1.0, 0.0, 0.0)
    small.balances["position_last"][line:] += 1
    small.balances["position_first"][line + 1 :] += 1
    small.pools["position_last"] += 1
    return Opened(small._replace(positions=positions), line, place, float(small.balances[line].wallet))


def reduced(pool: int, fraction: float, book: Book[float]) -> Book[float]:
    """The pool with every position smaller by the same fraction, each closed at its mark and its fee paid."""
    pocket = taken_out(pool, book)
    small: Any = pocket.book
    wallets = np.array(pocket.balances["wallet"])
    for place in range(len(pocket.positions)):
        cut(place, fraction, pocket)
        wallets += small.balances["wallet"] - pocket.balances["wallet"]
        small.balances["wallet"] = pocket.balances["wallet"]
    small.balances["wallet"] = wallets
    return pocket.book


def ratio_within(solver: Solver, small: Book[float], limits: Limits) -> float | None:
    """The ratio of the one pool of a small book; None where it is not within the limits."""
    found = solver.assess(0, small)
    if not found.maintenance_margin < limits.level * found.equity:
        return None
    if limits.keeps_initial and not found.initial_margin <= found.equity:
        return None
    if limits.distance > 0:
        nearest = np.zeros(1)
        pocket = solver.pocket(small, len(small.positions), len(small.balances))
        solver.nearest(np.zeros(1, np.int64), small, pocket, nearest)
        if not nearest[0] > limits.distance:
            return None
    return ratio_of(found.maintenance_margin, found.equity)
