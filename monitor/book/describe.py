"""The full picture of one pool for a message or an explanation: moves, prices, contributors, and what brings
it back.

Every figure is got by assessing the model in a pocket. A rescue is solved, rounded to what the venue
takes, and
then assessed again: the ratio shown is the one after the rounded amount.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

import msgspec

from monitor.book.accounts import AccountState
from monitor.book.assessor import Assessor
from monitor.book.coming import Calendar
from monitor.book.describe_told import told_picture
from monitor.book.moves import deadlines_of, in_volatilities, moves_of, percent_of, speeds_of, times_left
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.ratio import ratio_of
from monitor.book.solve import CUT, TOP_UP, Change, LegColumns, Survey
from monitor.domain.assessment import (
    Contributor,
    MarginAssessment,
    Reason,
    RescueOption,
    RiskBand,
    TransferRoute,
)
from monitor.domain.event import PositionFact
from monitor.domain.identity import AccountId, InstrumentId, PoolId
from monitor.domain.instrument import Kind
from monitor.margin.models import MODELS
from monitor.margin.rows import Book
from monitor.margin.venue_words import is_liquidatable, venue_figure

ASSET_DIGITS = 2  # of an amount to add where nothing better is known
MOST_CONTRIBUTORS = 10
MOST_CUTS = 3
MOST_TO_ADD = 64.0  # times maintenance and deficit: more is no rescue


class Ask(NamedTuple):
    """What is wanted of a picture beside the usual: the ratio that a rescue is to reach (None: back to clear,
    and only of a pool that is not), and how many positions are told of."""

    target_ratio: float | None = None
    most_contributors: int = MOST_CONTRIBUTORS


USUAL = Ask()


class _Offer(NamedTuple):
    change: Change
    option: RescueOption  # its ratio is not known yet


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
        return self._solved(outline, pool, wall_ns, ask)

    def _solved(
        self, outline: MarginAssessment, pool: PlacedPool, wall_ns: int, ask: Ask
    ) -> MarginAssessment:
        figures = self._assessor.figures[pool.row]
        book = self._assessor.book()
        pocket = self._assessor.pocket(book, slice(pool.row, pool.row + 1))
        equity, maintenance = float(figures.equity), float(figures.maintenance_margin)
        level, distance, most = self._aim(pool, outline.band, (maintenance, equity), ask, book)
        survey = self._assessor.solver.survey(pool.row, level, most, book, pocket, distance)
        moves = moves_of(survey, self._placing)
        speeds = speeds_of(pool, self._placing, self._quotes)
        left = times_left(moves, speeds)
        routes = [route for route in self.routes if route.to_account == pool.account]
        market = [percent_of(factor) for factor in survey.market]
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
            rescue=self._rescue(pool, survey, book),
            market_lower_percent=market[0],
            market_upper_percent=market[1],
            venue_figure=_told(venue_figure(says, equity, maintenance, float(pool.fact.threshold))),
            venue_figure_name=says.name,
            coming=self._calendar.coming(pool, wall_ns),
            is_liquidatable=is_liquidatable(says, equity, maintenance),
            at_present_speed=left[0],
            at_bad_hour=left[1],
            deadlines=deadlines_of(routes, left, wall_ns),
        )

    def _aim(
        self, pool: PlacedPool, band: RiskBand, margins: tuple[float, float], ask: Ask, book: Book[float]
    ) -> tuple[float, float, float]:
        """The ratio and the distance that a rescue is to reach, and the most that it may add; 0: none is
        looked for."""
        levels = self._placing.levels[int(book.pools[pool.row].levels)]
        level, distance = levels.clear_at[0], levels.distance_clear[0]
        if ask.target_ratio is not None:
            level, distance = ask.target_ratio, 0.0
        elif band <= RiskBand.CLEAR:
            return level, distance, 0.0
        # Back to clear by both scales: a low ratio alone may be near the end.
        maintenance, equity = margins
        notional = sum(self._notional(leg, book) for leg in pool.legs)
        return level, distance, MOST_TO_ADD * (maintenance / level + abs(equity) + distance * notional)

    def _told(self, outline: MarginAssessment, pool: PlacedPool) -> MarginAssessment:
        figures, book = self._assessor.figures[pool.row], self._assessor.book()
        clear_at = self._placing.levels[int(book.pools[pool.row].levels)].clear_at[0]
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

    def _rescue(self, pool: PlacedPool, survey: Survey, book: Book[float]) -> tuple[RescueOption, ...]:
        """Rounded up to what the venue takes, then assessed again; the smallest cuts first."""
        offers = [*self._adds(pool, survey), *self._cuts(pool, survey, book)]
        changes = [offer.change for offer in offers]
        after = self._assessor.solver.after(changes, pool.row, book)
        told = []
        for offer, found in zip(offers, after, strict=True):
            ratio = ratio_of(found.maintenance_margin, found.equity)
            if ratio is not None:
                told.append(msgspec.structs.replace(offer.option, ratio_after=ratio))
        return tuple(told)

    def _adds(self, pool: PlacedPool, survey: Survey) -> list[_Offer]:
        offers = []
        for line, asset in enumerate(pool.assets):
            if not math.isnan(survey.adds[line]):
                digits = self._asset_digits(pool.venue, asset)
                amount = _rounded_up(float(survey.adds[line]), digits)
                option = RescueOption("add", asset, amount, None, math.nan, digits)
                offers.append(_Offer(Change(TOP_UP, line, amount), option))
        return offers

    def _cuts(self, pool: PlacedPool, survey: Survey, book: Book[float]) -> list[_Offer]:
        """The smallest first. Of an isolated position only all of it: a venue gives margin back in proportion
        to what is closed, so that a part leaves the ratio where it was."""
        if pool.fact.is_isolated:
            is_wanted = not all(math.isnan(add) for add in survey.adds)
            return [self._cut(place, leg, 1.0) for place, leg in enumerate(pool.legs) if is_wanted]
        able = [place for place in range(len(pool.legs)) if not math.isnan(survey.legs.cut[place])]
        able.sort(key=lambda place: float(survey.legs.cut[place]) * self._notional(pool.legs[place], book))
        return [
            self._cut(place, pool.legs[place], float(survey.legs.cut[place])) for place in able[:MOST_CUTS]
        ]

    def _cut(self, place: int, leg: PositionFact, fraction: float) -> _Offer:
        digits = self._placing.definitions.instruments[leg.instrument].quantity_digits
        held = abs(float(leg.quantity))
        amount = min(_rounded_up(held * fraction, digits), held)
        target = f"{leg.instrument}/{leg.side}" if leg.side else leg.instrument
        option = RescueOption("cut", target, amount, amount / held, math.nan, digits)
        return _Offer(Change(CUT, place, amount / held), option)

    def _mark(self, instrument: InstrumentId, book: Book[float]) -> float:
        row = self._quotes.find(instrument)
        return float(book.quotes[row]) if row is not None else math.nan

    def _notional(self, leg: PositionFact, book: Book[float]) -> float:
        """In the settle asset."""
        instrument, mark = (
            self._placing.definitions.instruments[leg.instrument],
            self._mark(leg.instrument, book),
        )
        size = abs(float(leg.quantity)) * float(instrument.multiplier)
        return size / mark if instrument.kind is Kind.INVERSE else size * mark

    def _asset_digits(self, venue: str, asset: str) -> int:
        definition = self._placing.definitions.collateral.get((venue, asset))
        return ASSET_DIGITS if definition is None else definition.digits


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _rounded_up(value: float, digits: int) -> float:
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_CEILING))
