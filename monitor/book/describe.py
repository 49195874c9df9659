"""The full picture of one pool for a message or an explanation: moves, prices, contributors, and what brings it back.

Every figure is got by assessing the model in a pocket. A rescue is solved, rounded to what the venue takes, and
then assessed again: the ratio shown is the one after the rounded amount.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from monitor.book.accounts import AccountState
from monitor.book.assessor import Assessor
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.domain.assessment import (
    Contributor,
    MarginAssessment,
    Reason,
    RescueOption,
    RiskBand,
    UnderlyingMove,
)
from monitor.domain.event import PositionFact
from monitor.domain.identity import AccountId, PoolId
from monitor.margin.rows import Book, Requirement

ASSET_DIGITS = 2  # of an amount to add where nothing better is known
MOST_CONTRIBUTORS = 10
MOST_CUTS = 3
MOST_TO_ADD = 64.0  # times maintenance and deficit: more is no rescue


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

    def describe(self, pool_id: PoolId, now_ns: int, wall_ns: int) -> MarginAssessment | None:
        """Everything shown of a pool; figures are absent while it is UNKNOWN; None when there is no such pool."""
        pool = self._placing.pools.get(pool_id)
        if pool is None:
            return None
        outline = self._outline(pool, now_ns, wall_ns)
        if outline.band is RiskBand.UNKNOWN:
            return outline
        figures = self._assessor.figures[pool.row]
        book = self._assessor.book()
        pocket = self._assessor.pocket(book)
        moves = self._moves(pool, book, pocket)
        equity, maintenance = float(figures.equity), float(figures.maintenance_margin)
        distances = [abs(p) for m in moves for p in (m.lower_percent, m.upper_percent) if p is not None]
        return msgspec.structs.replace(
            outline,
            deficit=bool(figures.deficit),
            equity=equity,
            initial_margin=float(figures.initial_margin),
            maintenance_margin=maintenance,
            margin_ratio=ratio_of(maintenance, equity),
            venue_margin_ratio=_told(self._assessor.venue_ratio[pool.row]),
            distance_percent=min(distances, default=None),
            moves=moves,
            contributors=self._contributors(pool, book, pocket),
            rescue=self._rescue(pool, book, pocket) if outline.band > RiskBand.CLEAR else (),
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
        seen = [int(self._quotes.seen_ns[row]) for row in pool.reads if not self._quotes.is_fixed[row]]
        oldest_ns = min(seen, default=0)
        return (now_ns - oldest_ns) / 1e9 if oldest_ns else None

    def _account_age_s(self, pool: PlacedPool, now_ns: int) -> float | None:
        reconciled_ns = self._accounts[pool.account].reconciled_ns
        return None if reconciled_ns is None else (now_ns - reconciled_ns) / 1e9

    def _moves(self, pool: PlacedPool, book: Book[float], pocket: Book[float]) -> tuple[UnderlyingMove, ...]:
        names = {number: name for name, number in self._placing.underlyings.items()}
        moves = self._assessor.solver.moves(pool.row, book, pocket)
        return tuple(
            UnderlyingMove(names[move.underlying], _percent(move.lower), _percent(move.upper))
            for move in moves
        )

    def _contributors(
        self, pool: PlacedPool, book: Book[float], pocket: Book[float]
    ) -> tuple[Contributor, ...]:
        prices = self._assessor.solver.prices(pool.row, book, pocket)
        found = [
            self._contributor(pool, place, leg, price, book, pocket)
            for place, (leg, price) in enumerate(zip(pool.legs, prices, strict=True))
        ]
        found.sort(key=lambda c: (-c.maintenance_margin, c.instrument, c.side))
        return tuple(found[:MOST_CONTRIBUTORS])

    def _contributor(
        self,
        pool: PlacedPool,
        place: int,
        leg: PositionFact,
        price: float | None,
        book: Book[float],
        pocket: Book[float],
    ) -> Contributor:
        account = book.pools[pool.row]
        row = book.positions[account.position_first + place]
        instrument = self._placing.instruments[leg.instrument]
        mark = float(book.quotes[book.instruments[row.instrument].mark])
        size = float(row.quantity) * float(instrument.multiplier)
        without = self._assessor.solver.without(place, pool.row, book, pocket)
        alone = self._assessor.solver.alone(place, pool.row, book, pocket)
        return Contributor(
            instrument=leg.instrument,
            side=leg.side,
            quantity=float(row.quantity),
            mark_price=mark,
            notional=abs(size) * mark,
            maintenance_margin=float(alone.maintenance_margin),
            unrealised_profit=float(self._assessor.figures[pool.row].equity - without.equity),
            liquidation_price=price,
            price_digits=instrument.price_digits,
            quantity_digits=instrument.quantity_digits,
        )

    def _rescue(self, pool: PlacedPool, book: Book[float], pocket: Book[float]) -> tuple[RescueOption, ...]:
        levels = self._placing.levels[int(book.pools[pool.row].levels)]
        level = levels.clear_at[0]
        adds = [self._add(pool, line, asset, level, book, pocket) for line, asset in enumerate(pool.assets)]
        cuts = [self._cut(pool, place, leg, level, book, pocket) for place, leg in enumerate(pool.legs)]
        best_cuts = sorted(
            (cut for cut in cuts if cut is not None),
            key=lambda cut: (cut.fraction or 0) * self._notional_of(pool, cut.target, book),
        )
        return (*(add for add in adds if add is not None), *best_cuts[:MOST_CUTS])

    def _add(
        self, pool: PlacedPool, line: int, asset: str, level: float, book: Book[float], pocket: Book[float]
    ) -> RescueOption | None:
        figures = self._assessor.figures[pool.row]
        price = float(
            book.quotes[book.assets[book.balances[book.pools[pool.row].balance_first + line].asset].price]
        )
        short = float(figures.maintenance_margin) / level + abs(float(figures.equity))
        solver = self._assessor.solver
        needed = solver.amount_to_add(line, level, MOST_TO_ADD * short / price, pool.row, book, pocket)
        if needed is None:
            return None
        digits = self._asset_digits(pool.venue, asset)
        amount = _rounded_up(needed, digits)
        ratio = _ratio(solver.after_adding(line, amount, pool.row, book, pocket))
        return None if ratio is None else RescueOption("add", asset, amount, None, ratio, digits)

    def _cut(
        self,
        pool: PlacedPool,
        place: int,
        leg: PositionFact,
        level: float,
        book: Book[float],
        pocket: Book[float],
    ) -> RescueOption | None:
        solver = self._assessor.solver
        fraction = solver.fraction_to_cut(place, level, pool.row, book, pocket)
        if fraction is None:
            return None
        digits = self._placing.instruments[leg.instrument].quantity_digits
        held = abs(float(leg.quantity))
        amount = min(_rounded_up(held * fraction, digits), held)
        ratio = _ratio(solver.after_cutting(place, amount / held, pool.row, book, pocket))
        target = f"{leg.instrument}/{leg.side}" if leg.side else leg.instrument
        return None if ratio is None else RescueOption("cut", target, amount, amount / held, ratio, digits)

    def _notional_of(self, pool: PlacedPool, target: str, book: Book[float]) -> float:
        instrument, _, side = target.partition("/")
        for leg in pool.legs:
            if leg.instrument == instrument and leg.side == side:
                row = self._quotes.find(leg.instrument)
                return abs(float(leg.quantity)) * (
                    float(self._quotes.values[row]) if row is not None else 0.0
                )
        return math.inf

    def _asset_digits(self, venue: str, asset: str) -> int:
        definition = self._placing.collateral.get((venue, asset))
        return ASSET_DIGITS if definition is None else definition.digits


def ratio_of(maintenance: float, equity: float) -> float | None:
    """Maintenance over equity, for showing; None when equity is not above zero and something is required."""
    if maintenance <= 0:
        return 0.0
    return maintenance / equity if equity > 0 else None


def _ratio(requirement: Requirement[float]) -> float | None:
    return ratio_of(float(requirement.maintenance_margin), float(requirement.equity))


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _rounded_up(value: float, digits: int) -> float:
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_CEILING))
