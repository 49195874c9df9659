"""MARGIN 5, isolated inverse, edition of 2026, by another way: the coins that buying back or selling at the
bankruptcy price takes, and the fee as what is left of the margin after that."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, Leg, SmallPool, sliced


def fee_to_close(leg: Leg, margin: Decimal) -> Decimal:
    """Margin = loss + fee: the fee is f / (1 + f) of entry and margin of a long, f / (1 - f) of what a short
    was sold for less its margin."""
    rate, entered = leg.contract.taker_fee, value_at(leg, leg.entry_price)
    if leg.quantity > 0:
        return max((entered + margin) * rate / (1 + rate), Decimal(0))
    return max((entered - margin) * rate / (1 - rate), Decimal(0))


def assess(pool: SmallPool) -> Figures:
    """One balance: what was put to the position."""
    (line,) = pool.lines
    margin = line.wallet - line.order_loss
    equity, initial, maintenance = margin, Decimal(0), Decimal(0)
    terms = abs(line.wallet) + line.order_loss
    for leg in line.legs:
        value, fee = value_at(leg, leg.contract.mark), fee_to_close(leg, margin)
        equity += profit(leg)
        initial += value / leg.leverage + fee
        maintenance += sliced(leg.contract.tiers, value) + fee
        terms += turnover(leg) + abs(margin)
    return Figures(equity, initial, maintenance, terms)
