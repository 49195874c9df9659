"""Several cuts of one pool, one after another, as the model sees each: for a plan, nothing is changed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from monitor.book.assessor import Assessor
from monitor.book.compiled import LOOP
from monitor.book.placed import PlacedPool
from monitor.book.pocket import Pocket, cut, list_underlyings, taken_out
from monitor.book.quotes import Quotes
from monitor.book.search import Aim, excess
from monitor.book.solve import of_nothing
from monitor.domain.assessment import RiskBand
from monitor.domain.event import PositionFact
from monitor.domain.identity import InstrumentId
from monitor.domain.instrument import Instrument
from monitor.margin.rows import Requirement


class CuttableLeg(NamedTuple):
    """A position of the pool with what is needed to order less of it."""

    place: int
    fact: PositionFact
    instrument: Instrument
    mark: float


class Goal(NamedTuple):
    """What a pool is to reach: maintenance margin at most `ratio` of equity, and no move of an underlying by
    `distance` liquidates; 0 where the distance does not matter."""

    ratio: float
    distance: float


class Cutting:
    """A pool that shrinks: `after` and `excess` ask, `cut` does it. Prices are those of the moment that it
    was taken."""

    def __init__(
        self,
        pool: PlacedPool,
        assessor: Assessor,
        quotes: Quotes,
        instruments: dict[InstrumentId, Instrument],
    ) -> None:
        self._solver = assessor.solver
        taken = taken_out(pool.row, assessor.book()).book
        self._quotes: Any = taken.quotes.copy()  # type: ignore[attr-defined]
        self._book: Any = taken._replace(quotes=self._quotes.copy())
        self._underlyings = np.zeros(len(taken.positions) + len(taken.balances), np.int64)
        self.is_isolated = pool.fact.is_isolated
        self.legs = tuple(
            CuttableLeg(place, fact, instruments[fact.instrument], _mark(quotes, fact.instrument))
            for place, fact in enumerate(pool.legs)
        )

    def now(self) -> Requirement[float]:
        """What the pool requires as it is by now."""
        return self._solver.assess(0, self._book)

    def excess(self, goal: Goal, place: int = 0, fraction: float = 0.0) -> float:
        """How far maintenance margin is above what the goal allows, with this fraction less of what is left
        of one position; at or below zero the goal is met."""
        book = self._changed(place, fraction) if fraction else self._book
        pocket = Pocket(book, book.positions.copy(), book.balances.copy(), self._quotes)
        return float(excess_of(self._solver.models, goal.ratio, goal.distance, pocket, self._underlyings))

    def cut(self, place: int, fraction: float) -> None:
        """Goes on from there."""
        self._book = self._changed(place, fraction)

    def _changed(self, place: int, fraction: float) -> Any:
        held = self._book
        fresh = held._replace(positions=held.positions.copy(), balances=held.balances.copy())
        cut(place, fraction, Pocket(fresh, held.positions, held.balances, self._quotes))
        return fresh


@njit(**LOOP)
def excess_of(models, ratio, distance, pocket, underlyings):  # type: ignore[no-untyped-def]
    """The excess over an aim, for Python callers."""
    count = list_underlyings(pocket.book, underlyings)
    return excess(models, Aim(ratio, distance, True), pocket, underlyings[:count])


def cutting_of(
    pool: PlacedPool | None, assessor: Assessor, quotes: Quotes, instruments: dict[InstrumentId, Instrument]
) -> Cutting | None:
    """None for a pool that is UNKNOWN, or whose margin is the venue's word: no model says what a cut does."""
    if pool is None or pool.is_told or assessor.figures[pool.row].band == RiskBand.UNKNOWN:
        return None
    return Cutting(pool, assessor, quotes, instruments)


def _mark(quotes: Quotes, instrument: InstrumentId) -> float:
    row = quotes.find(instrument)
    assert row is not None, instrument  # of a pool that is not UNKNOWN
    return float(quotes.values[row])


def warm_up(assessor: Assessor) -> None:
    """Compiles what a plan needs now, on nothing: not when the first pool is in danger."""
    book: Any = of_nothing(assessor.book())
    pocket = Pocket(book, book.positions.copy(), book.balances.copy(), book.quotes)
    excess_of(assessor.solver.models, 1.0, 0.0, pocket, np.zeros(1, np.int64))
