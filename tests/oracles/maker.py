"""MARGIN 16 by another way: pay the debt from the sale of what is locked, and leave the rest of the ratio."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, SmallPool


def assess(pool: SmallPool) -> Figures:
    """The debt itself and the part of the liquidation ratio beyond it, against the proceeds. What is held of
    a coin that is owed repays first."""
    proceeds = required = terms = Decimal(0)
    for line in pool.lines:
        held, debt = line.wallet * line.coin.price, line.borrowed * line.coin.price
        repaid = min(held, debt)
        proceeds += held - repaid if line.collateral else 0
        required += (debt - repaid) + (debt - repaid) * (pool.threshold - 1)
        terms += held + 3 * debt * pool.threshold
    return Figures(proceeds, required, required, terms)
