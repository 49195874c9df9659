"""MARGIN 11 by another way: the price at which the initial margin is lost first, and two fees on what the
position is worth there."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, Leg, SmallPool, sliced


def two_fees(leg: Leg) -> Decimal:
    """On the worth where a loss has taken one part in `leverage` of the cost."""
    cost = value_at(leg, leg.entry_price)
    falls = (leg.quantity > 0) is not leg.contract.inverse
    left = 1 - (1 if falls else -1) / leg.leverage
    return cost * max(left, Decimal(0)) * leg.contract.taker_fee * 2


def funding_paid(leg: Leg) -> Decimal:
    """What the next funding costs; receiving it is worth nothing here."""
    paid = value_at(leg, leg.entry_price) * leg.contract.funding * (1 if leg.quantity > 0 else -1)
    return paid if paid > 0 else Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """One balance, one settle currency."""
    (line,) = pool.lines
    equity = line.wallet - line.order_loss
    initial = maintenance = Decimal(0)
    terms = abs(line.wallet) + line.order_loss
    for leg in line.legs:
        cost = value_at(leg, leg.entry_price)
        equity += profit(leg)
        initial += cost / leg.leverage + two_fees(leg)
        maintenance += sliced(leg.contract.tiers, cost) + funding_paid(leg) + two_fees(leg)
        terms += turnover(leg)
    return Figures(equity, initial, maintenance, terms)
