"""The full picture of one pool for a message or an explanation: moves, prices, contributors, and what brings
it back.

Every figure is got by assessing the model in a pocket. What brings a pool back is the business of `rescue`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from monitor.book.accounts import AccountState
from monitor.book.assessor import Assessor
from monitor.book.coming import Calendar
from monitor.book.depeg import farthest_from_peg
from monitor.book.describe_told import told_picture
from monitor.book.judged import judged
from monitor.book.moves import (
    Speeds,
    deadlines_of,
    in_volatilities,
    moves_of,
    percent_of,
    speeds_of,
    times_left,
    way_of,
)
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.ratio import ratio_of
from monitor.book.rescue import ASSET_DIGITS, Rescuer, Wanted
from monitor.book.settings import LevelRow
from monitor.book.solve import LegColumns, Survey
from monitor.book.what_if import Limits
from monitor.book.worth import notional_of
from monitor.domain.assessment import (
    Contributor,
    MarginAssessment,
    Reason,
    RiskBand,
    TransferRoute,
)
from monitor.domain.event import PositionFact
from monitor.domain.identity import AccountId, InstrumentId, PoolId
from monitor.margin.models import MODELS
from monitor.margin.rows import Book
from monitor.margin.venue_words import is_liquidatable, venue_figure

MOST_CONTRIBUTORS = 10
MOST_TO_ADD = 64.0  # times maintenance and deficit: more is no rescue


class Ask(NamedTuple):
    """What is wanted of a picture beside the usual: the ratio that a rescue is to reach (None: back to clear,
    and only of a pool that is not), and how many positions are told of."""

    target_ratio: float | None = None
    most_contributors: int = MOST_CONTRIBUTORS


USUAL = Ask()


class Describer:
    """Builds assessments of pools as they are now."""

    def __init__(
        self,
        quotes: Quotes,
        placing: Placing,
        assessor: Assessor,
        accounts: Mapping[AccountId, AccountState],
    ) -> None:
        self._quotes = quotes
        self._placing = placing
        self._assessor = assessor
        self._accounts = accounts
        self._rescuer = Rescuer(placing, assessor)
        self._calendar = Calendar(placing, assessor)
        self.routes: tuple[TransferRoute, ...] = ()  # by which the desk moves collateral

    def describe(
        self, pool_id: PoolId, now_ns: int, wall_ns: int, ask: Ask = USUAL
    ) -> MarginAssessment | None:
        """Everything shown of a pool; figures are absent while it is UNKNOWN; None when there is no such
        pool."""
        pool = self._placing.pools.get(pool_id)
        if pool is None:
            return None
        outline = self._outline(pool, now_ns, wall_ns)
        if outline.band is RiskBand.UNKNOWN:
            return outline
        if pool.is_told:
            return self._told(outline, pool)
        found = self._solved(outline, pool, wall_ns, ask)
        apart = farthest_from_peg(pool, self._placing, self._quotes)
        return msgspec.structs.replace(found, scales=judged(self._levels_of(pool), found, apart))

    def _solved(
        self, outline: MarginAssessment, pool: PlacedPool, wall_ns: int, ask: Ask
    ) -> MarginAssessment:
        figures = self._assessor.figures[pool.row]
        book = self._assessor.book()
        pocket = self._assessor.pocket(book, slice(pool.row, pool.row + 1))
        equity, maintenance = float(figures.equity), float(figures.maintenance_margin)
        speeds = speeds_of(pool, self._placing, self._quotes)
        level, distance, most = self._aim(pool, outline.band, (maintenance, equity), ask, book, speeds)
        survey = self._assessor.solver.survey(pool.row, level, most, book, pocket, distance)
        moves = moves_of(survey, self._placing)
        left = times_left(moves, speeds)
        routes = tuple(route for route in self.routes if route.to_account == pool.account)
        model = MODELS[pool.fact.model]
        says = model.says_at(pool.venue)
        distances = [abs(p) for m in moves for p in (m.lower_percent, m.upper_percent) if p is not None]
        return msgspec.structs.replace(
            outline,
            deficit=bool(figures.deficit),
            equity=equity,
            initial_margin=float(figures.initial_margin) if model.has_initial else None,
            maintenance_margin=maintenance,
            margin_ratio=ratio_of(maintenance, equity),
            venue_margin_ratio=_told(self._assessor.venue_ratio[pool.row]),
            distance_percent=min(distances, default=None),
            distance_volatilities=in_volatilities(moves, speeds),
            moves=moves,
            contributors=self._contributors(pool, equity, survey, book)[: ask.most_contributors],
            rescue=self._rescuer.ways(pool, survey, book, Wanted(Limits(level, distance), left[0], routes)),
            market_lower_percent=percent_of(survey.market[0]),
            market_upper_percent=percent_of(survey.market[1]),
            venue_figure=_told(venue_figure(says, equity, maintenance, float(pool.fact.threshold))),
            venue_figure_name=says.name,
            coming=self._calendar.coming(pool, wall_ns),
            is_liquidatable=is_liquidatable(says, equity, maintenance),
            at_present_speed=left[0],
            at_bad_hour=left[1],
            deadlines=deadlines_of(routes, left, wall_ns),
        )

    def _aim(
        self,
        pool: PlacedPool,
        band: RiskBand,
        margins: tuple[float, float],
        ask: Ask,
        book: Book[float],
        speeds: Mapping[str, Speeds],
    ) -> tuple[float, float, float]:
        """The ratio and the distance that a rescue is to reach, and the most that it may add; 0: none is
        looked for."""
        levels = self._levels_of(pool)
        level, distance = levels.clear_at[0], max(levels.distance_clear[0], way_of(levels, speeds))
        if ask.target_ratio is not None:
            level, distance = ask.target_ratio, 0.0
        elif band <= RiskBand.CLEAR:
            return level, distance, 0.0
        # Back to clear by all of these scales: a low ratio alone may be near the end.
        maintenance, equity = margins
        notional = sum(self._notional(leg, book) for leg in pool.legs)
        return level, distance, MOST_TO_ADD * (maintenance / level + abs(equity) + distance * notional)

    def _levels_of(self, pool: PlacedPool) -> LevelRow:
        return self._placing.levels[int(self._placing.columns.pools[pool.row].levels)]

    def _told(self, outline: MarginAssessment, pool: PlacedPool) -> MarginAssessment:
        figures, book = self._assessor.figures[pool.row], self._assessor.book()
        clear_at = self._levels_of(pool).clear_at[0]
        told = (float(figures.equity), float(figures.maintenance_margin))
        digits = self._asset_digits(pool.venue, pool.fact.unit)
        instruments = self._placing.definitions.instruments
        return told_picture(
            outline, pool, told, clear_at, digits, instruments, lambda name: self._mark(name, book)
        )

    def _outline(self, pool: PlacedPool, now_ns: int, wall_ns: int) -> MarginAssessment:
        figures = self._assessor.figures[pool.row]
        return MarginAssessment(
            pool=pool.id,
            unit=pool.fact.unit,
            model=pool.fact.model,
            desk=pool.desk,
            band=RiskBand(int(figures.band)),
            reasons=Reason(int(figures.reasons)),
            deficit=False,
            equity=None,
            initial_margin=None,
            maintenance_margin=None,
            margin_ratio=None,
            margin_error=_told(self._assessor.margin_error[pool.row]),
            as_of_ns=wall_ns,
            price_age_s=self._price_age_s(pool, now_ns),
            account_age_s=self._account_age_s(pool, now_ns),
            venue_reported=pool.fact.reported,
        )

    def _price_age_s(self, pool: PlacedPool, now_ns: int) -> float | None:
        marks = [self._quotes.find(leg.instrument) for leg in pool.legs]
        seen = [int(self._quotes.seen_ns[row]) for row in marks if row is not None]
        oldest_ns = min(seen, default=0)
        return (now_ns - oldest_ns) / 1e9 if oldest_ns else None

    def _account_age_s(self, pool: PlacedPool, now_ns: int) -> float | None:
        reconciled_ns = self._accounts[pool.account].reconciled_ns
        return None if reconciled_ns is None else (now_ns - reconciled_ns) / 1e9

    def _contributors(
        self, pool: PlacedPool, equity: float, survey: Survey, book: Book[float]
    ) -> tuple[Contributor, ...]:
        found = [
            self._contributor(place, leg, equity, survey.legs, book) for place, leg in enumerate(pool.legs)
        ]
        found.sort(key=lambda c: (-c.maintenance_margin, c.instrument, c.side))
        return tuple(found)

    def _contributor(
        self, place: int, leg: PositionFact, equity: float, legs: LegColumns, book: Book[float]
    ) -> Contributor:
        instrument = self._placing.definitions.instruments[leg.instrument]
        return Contributor(
            instrument=leg.instrument,
            side=leg.side,
            quantity=float(leg.quantity),
            mark_price=self._mark(leg.instrument, book),
            notional=self._notional(leg, book),
            maintenance_margin=float(legs.maintenance_alone[place]),
            unrealised_profit=equity - float(legs.equity_without[place]),
            liquidation_price=_told(legs.price[place]),
            price_digits=instrument.price_digits,
            quantity_digits=instrument.quantity_digits,
            bankruptcy_price=_told(legs.bankruptcy[place]),
        )

    def _mark(self, instrument: InstrumentId, book: Book[float]) -> float:
        row = self._quotes.find(instrument)
        return float(book.quotes[row]) if row is not None else math.nan

    def _notional(self, leg: PositionFact, book: Book[float]) -> float:
        """In the settle asset."""
        instrument = self._placing.definitions.instruments[leg.instrument]
        return notional_of(instrument, abs(float(leg.quantity)), self._mark(leg.instrument, book))

    def _asset_digits(self, venue: str, asset: str) -> int:
        definition = self._placing.definitions.collateral.get((venue, asset))
        return ASSET_DIGITS if definition is None else definition.digits


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
