"""Several cuts of one pool, one after another, as the model sees each: for a plan, nothing is changed."""

from __future__ import annotations

from typing import Any, NamedTuple

from monitor.book.assessor import Assessor
from monitor.book.placed import PlacedPool
from monitor.book.pocket import Pocket, cut, taken_out
from monitor.book.quotes import Quotes
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


class Cutting:
    """A pool that shrinks. `after` asks, `cut` does it."""

    def __init__(
        self,
        pool: PlacedPool,
        assessor: Assessor,
        quotes: Quotes,
        instruments: dict[InstrumentId, Instrument],
    ) -> None:
        self._solver = assessor.solver
        self._book: Any = taken_out(pool.row, assessor.book()).book
        self.is_isolated = pool.fact.is_isolated
        self.unit = pool.fact.unit
        self.legs = tuple(
            CuttableLeg(place, fact, instruments[fact.instrument], _mark(quotes, fact.instrument))
            for place, fact in enumerate(pool.legs)
        )

    def now(self) -> Requirement[float]:
        """What the pool requires as it is by now."""
        return self._solver.assess(0, self._book)

    def after(self, place: int, fraction: float) -> Requirement[float]:
        """What it would require with this fraction less of what is left of one position."""
        return self._solver.assess(0, self._changed(place, fraction))

    def cut(self, place: int, fraction: float) -> None:
        """Goes on from there."""
        self._book = self._changed(place, fraction)

    def _changed(self, place: int, fraction: float) -> Any:
        fresh = self._book._replace(
            positions=self._book.positions.copy(), balances=self._book.balances.copy()
        )
        cut(place, fraction, Pocket(fresh, self._book.positions, self._book.balances, fresh.quotes))
        return fresh


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
