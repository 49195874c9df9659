"""MARGIN 16 by another way: pay the debt from the sale of what is locked, and leave the rest of the ratio."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, SmallPool


def assess(pool: SmallPool) -> Figures:
    """The debt itself and the part of the liquidation ratio beyond it, against the proceeds."""
    proceeds = [line.wallet * line.coin.price for line in pool.lines if line.collateral]
    debts = [line.borrowed * line.coin.price for line in pool.lines]
    required = sum((debt + debt * (pool.threshold - 1) for debt in debts), Decimal(0))
    sold = sum(proceeds, Decimal(0))
    return Figures(sold, required, required, terms=sold + 3 * required)
