"""MARGIN 17 by another way: the position is closed on paper. A long sells its tokens and pays its loan, a
short hands its proceeds over and buys its tokens back; what is then in the purse is weighed."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, Leg, SmallPool

NOTHING = Decimal(0)


def prices(leg: Leg) -> tuple[Decimal, Decimal]:
    """The lowest and the highest price of the index token."""
    told = (leg.contract.mark, leg.contract.mark if leg.contract.index is None else leg.contract.index)
    return min(told), max(told)


def closed(leg: Leg) -> tuple[Decimal, Decimal]:
    """What closing brings in, and what it takes, the fee on the size with it."""
    low, high = prices(leg)
    tokens = abs(leg.quantity) * leg.contract.multiplier
    opened = tokens * leg.entry_price
    fee = opened * leg.contract.taker_fee
    return (tokens * low, opened + fee) if leg.quantity > 0 else (opened, tokens * high + fee)


def least(leg: Leg, minimum: Decimal) -> Decimal:
    """The greater of the two sums that must not be undercut."""
    if not leg.quantity:
        return NOTHING
    size = abs(leg.quantity) * leg.contract.multiplier * leg.entry_price
    return max(minimum, size * leg.contract.tiers[0].maintenance_rate)


def assess(pool: SmallPool) -> Figures:
    """Every balance at its price, every position closed."""
    purse = required = terms = NOTHING
    for line in pool.lines:
        purse += line.wallet * line.coin.price - line.borrowed * line.coin.price
        terms += (abs(line.wallet) + line.borrowed) * line.coin.price
        for leg in line.legs:
            gets, gives = closed(leg)
            purse += gets - gives
            required += least(leg, pool.threshold)
            terms += 2 * (gets + gives) + least(leg, pool.threshold)
    return Figures(purse, NOTHING, required, terms)
