"""MARGIN 1 and 8 by another way: profit from what was paid, each slice of notional at its own rate."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, Leg, SmallPool, sliced


def value_at(leg: Leg, price: Decimal) -> Decimal:
    """Unsigned worth of a leg at a price, in its settle asset."""
    contracts = abs(leg.quantity) * leg.contract.multiplier
    return contracts / price if leg.contract.inverse else contracts * price


def profit(leg: Leg) -> Decimal:
    """What closing at mark pays above the opening; an inverse long gains as its worth in coin falls."""
    side = 1 if leg.quantity > 0 else -1
    gain = value_at(leg, leg.contract.mark) - value_at(leg, leg.entry_price)
    return -side * gain if leg.contract.inverse else side * gain


def turnover(leg: Leg) -> Decimal:
    """The absolute terms that one leg brings in."""
    return 4 * (value_at(leg, leg.contract.mark) + value_at(leg, leg.entry_price))


def assess(pool: SmallPool) -> Figures:
    """One balance, one settle asset."""
    (line,) = pool.lines
    marked = [(leg, value_at(leg, leg.contract.mark)) for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum((profit(leg) for leg in line.legs), Decimal(0)),
        initial_margin=sum((value / leg.leverage for leg, value in marked), Decimal(0)),
        maintenance_margin=sum((sliced(leg.contract.tiers, value) for leg, value in marked), Decimal(0)),
        terms=abs(line.wallet) + line.order_loss + sum((turnover(leg) for leg in line.legs), Decimal(0)),
    )
