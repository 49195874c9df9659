"""The picture of a pool whose margin is the venue's word: what the venue told, and nothing that would have to
be computed.

No move is solved and no position is weighed: the model reads no price. Collateral to add is arithmetic on the
two told numbers; what a cut would do to the venue's requirement only the venue knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from monitor.book.placed import PlacedPool
from monitor.domain.assessment import Contributor, MarginAssessment, RescueOption, RiskBand
from monitor.domain.event import PositionFact
from monitor.domain.identity import InstrumentId
from monitor.domain.instrument import Instrument, Kind

MOST_CONTRIBUTORS = 10
NO_DEFINITION_DIGITS = 8  # of a price or a quantity whose instrument is not defined: more is shown, not less
PriceOf = Callable[[InstrumentId], float]  # nan where no mark is known


def told_picture(
    outline: MarginAssessment,
    pool: PlacedPool,
    figures: tuple[float, float],
    clear_at: float,
    digits: int,
    instruments: Mapping[InstrumentId, Instrument],
    mark: PriceOf,
) -> MarginAssessment:
    """The outline with the told figures. `figures`: equity and maintenance margin; `digits` of the unit."""
    equity, maintenance = figures
    held = [_holding(leg, instruments.get(leg.instrument), mark(leg.instrument)) for leg in pool.legs]
    held.sort(key=lambda c: (math.isnan(c.notional), -c.notional, c.instrument, c.side))
    is_worried = outline.band > RiskBand.CLEAR
    return msgspec.structs.replace(
        outline,
        deficit=equity < 0 and maintenance <= 0,
        equity=equity,
        maintenance_margin=maintenance,
        margin_ratio=_ratio(maintenance, equity),
        contributors=tuple(held[:MOST_CONTRIBUTORS]),
        rescue=_adds(pool.fact.unit, equity, maintenance, clear_at, digits) if is_worried else (),
    )


def _holding(leg: PositionFact, instrument: Instrument | None, mark: float) -> Contributor:
    return Contributor(
        instrument=leg.instrument,
        side=leg.side,
        quantity=float(leg.quantity),
        mark_price=mark,
        notional=math.nan if instrument is None else _notional(leg, instrument, mark),
        maintenance_margin=math.nan,
        unrealised_profit=math.nan,
        liquidation_price=None,
        price_digits=NO_DEFINITION_DIGITS if instrument is None else instrument.price_digits,
        quantity_digits=NO_DEFINITION_DIGITS if instrument is None else instrument.quantity_digits,
    )


def _notional(leg: PositionFact, instrument: Instrument, mark: float) -> float:
    size = abs(float(leg.quantity)) * float(instrument.multiplier)
    return size / mark if instrument.kind is Kind.INVERSE else size * mark


def _ratio(maintenance: float, equity: float) -> float | None:
    if maintenance <= 0:
        return 0.0
    return maintenance / equity if equity > 0 else None


def _adds(
    unit: str, equity: float, maintenance: float, clear_at: float, digits: int
) -> tuple[RescueOption, ...]:
    """What more of the unit at the same requirement brings below the clear level, rounded up."""
    quantum = Decimal(1).scaleb(-digits)
    missing = Decimal(repr(maintenance / clear_at - equity))
    amount = float(missing.quantize(quantum, ROUND_CEILING))
    if not maintenance < clear_at * (equity + amount):
        amount += float(quantum)
    ratio = _ratio(maintenance, equity + amount)
    if amount <= 0 or ratio is None:
        return ()
    return (RescueOption("add", unit, amount, None, ratio, digits),)
