"""MARGIN 10, single collateral, by another way: each slice of the contracts at the rate of its bracket, in
dollars, and bought at the entry price."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, Leg, SmallPool, sliced


def at_entry(leg: Leg) -> Decimal:
    """Maintenance margin of a leg: of an inverse one, dollars over the price it was entered at."""
    if not leg.contract.inverse:
        return sliced(leg.contract.tiers, value_at(leg, leg.entry_price))
    dollars = sliced(leg.contract.tiers, abs(leg.quantity) * leg.contract.multiplier)
    return dollars / leg.entry_price


def assess(pool: SmallPool) -> Figures:
    """One coin; initial margin is twice the half."""
    (line,) = pool.lines
    maintenance = sum(map(at_entry, line.legs), Decimal(0))
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=maintenance + maintenance,
        maintenance_margin=maintenance,
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
