"""A hedge: another contract on the same underlying, opened against what a pool holds.

It costs margin where the model nets nothing, so it helps a pool that is near by distance; where the model
nets, by ratio as well. Offered only where the model says that it is enough.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from monitor.book.assessor import Assessor
from monitor.book.placing import PlacedPool, Placing
from monitor.book.rounding import rounded_up
from monitor.book.what_if import Limits, Opened, opened, ratio_within
from monitor.book.worth import mark_of, notional_of, trade_worth
from monitor.domain.identity import venue_of
from monitor.domain.instrument import Instrument, Kind
from monitor.margin.rows import Book, Requirement

TRADED = (Kind.LINEAR, Kind.INVERSE)
MOST_TRIED = 3  # contracts, the cheapest fee first
HALVINGS = 6  # so that a hedge is at most a 60th of the exposure larger than it must be


class Hedge(NamedTuple):
    """What to open, and what the pool requires after it."""

    instrument: Instrument
    quantity: float  # signed
    worth: float
    after: Requirement[float]


class _Leg(NamedTuple):
    """The contract that a hedge is tried with, and all of it that there is to hedge."""

    instrument: Instrument
    mark: float
    full: float  # signed quantity that leaves no exposure
    pool: Opened

    def book_with(self, quantity: float) -> Book[float]:
        """The pool with so much of it, unsigned, opened and its fee paid."""
        fee = notional_of(self.instrument, quantity, self.mark) * float(self.instrument.taker_fee)
        return self.pool.resized(math.copysign(quantity, self.full), fee)


class Hedger:
    """Looks for hedges of pools as they are now."""

    def __init__(self, placing: Placing, assessor: Assessor) -> None:
        self._placing = placing
        self._assessor = assessor
        self._listed: tuple[int, dict[tuple[str, str], list[Instrument]]] = (-1, {})

    def hedge_of(self, pool: PlacedPool, book: Book[float], limits: Limits) -> Hedge | None:
        """The least of the first contract that is enough against the pool's largest exposure; None where none
        is, and of an isolated position, which has no room for another."""
        if pool.fact.is_isolated or not pool.legs:
            return None
        for leg in self._legs(pool, book):
            if self._is_enough(leg, abs(leg.full), limits):
                quantity = self._least(leg, limits)
                worth = trade_worth(pool, leg.instrument, quantity, self._placing, book)
                after = self._assessor.solver.assess(0, leg.book_with(quantity))
                return Hedge(leg.instrument, math.copysign(quantity, leg.full), worth, after)
        return None

    def _legs(self, pool: PlacedPool, book: Book[float]) -> Iterator[_Leg]:
        underlying, coins = self._largest_exposure(pool, book)
        held = {leg.instrument for leg in pool.legs}
        tried = 0
        for other in self._contracts(pool.venue, underlying):
            mark = mark_of(other, self._placing, book)
            is_fit = other.id not in held and other.settle_asset in pool.assets and mark > 0
            if is_fit and tried < MOST_TRIED:
                tried += 1
                yield self._leg(pool, other, mark, coins, book)

    def _leg(self, pool: PlacedPool, other: Instrument, mark: float, coins: float, book: Book[float]) -> _Leg:
        row = self._placing.definitions.instrument_row(other.id)
        assert row is not None, other.id
        line = pool.assets.index(other.settle_asset)
        with_it = opened(pool.row, line, row, mark, book)
        return _Leg(other, mark, -coins / _coins_of_one(other, mark), with_it)

    def _contracts(self, venue: str, underlying: str) -> list[Instrument]:
        """Those that a hedge may be in, the cheapest fee first."""
        defined = self._placing.definitions.instruments
        if self._listed[0] != len(defined):
            found: defaultdict[tuple[str, str], list[Instrument]] = defaultdict(list)
            for one in defined.values():
                if one.kind in TRADED:
                    found[venue_of(one.id), one.underlying].append(one)
            for listed in found.values():
                listed.sort(key=lambda one: (one.taker_fee, one.id))
            self._listed = (len(defined), dict(found))
        return self._listed[1].get((venue, underlying), [])

    def _largest_exposure(self, pool: PlacedPool, book: Book[float]) -> tuple[str, float]:
        """The underlying with the most at stake, and how many of its coins the pool is long."""
        coins: defaultdict[str, float] = defaultdict(float)
        worth: defaultdict[str, float] = defaultdict(float)
        for leg in pool.legs:
            instrument = self._placing.definitions.instruments[leg.instrument]
            if instrument.kind in TRADED:
                mark = mark_of(instrument, self._placing, book)
                held = float(leg.quantity) * _coins_of_one(instrument, mark)
                coins[instrument.underlying] += held
                worth[instrument.underlying] += held * mark
        most = max(worth, key=lambda name: abs(worth[name]), default="")
        return most, coins[most]

    def _least(self, leg: _Leg, limits: Limits) -> float:
        """The smallest share of a hedge of everything that is found to be enough, as the venue takes it."""
        enough, short = 1.0, 0.0
        for _ in range(HALVINGS):
            middle = (enough + short) / 2
            if self._is_enough(leg, abs(leg.full) * middle, limits):
                enough = middle
            else:
                short = middle
        return rounded_up(abs(leg.full) * enough, leg.instrument.quantity_digits)

    def _is_enough(self, leg: _Leg, quantity: float, limits: Limits) -> bool:
        return (
            quantity > 0 and ratio_within(self._assessor.solver, leg.book_with(quantity), limits) is not None
        )


def _coins_of_one(instrument: Instrument, mark: float) -> float:
    multiplier = float(instrument.multiplier)
    return multiplier / mark if instrument.kind is Kind.INVERSE else multiplier
