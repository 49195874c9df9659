"""MARGIN 3, classic and isolated, by another way: sell every asset, and buy back a threshold's worth of every
debt."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, SmallPool


def assess(pool: SmallPool) -> Figures:
    """Proceeds of the assets; the debts themselves and the rest of the venue's multiple of them."""
    proceeds = sum((line.wallet * line.coin.price for line in pool.lines), Decimal(0))
    debts = [line.borrowed * line.coin.price for line in pool.lines]
    beyond = sum(((pool.threshold - 1) * debt for debt in debts), Decimal(0))
    return Figures(
        equity=proceeds,
        initial_margin=Decimal(0),
        maintenance_margin=sum(debts, beyond),
        terms=sum((abs(line.wallet) * line.coin.price for line in pool.lines), 2 * sum(debts, Decimal(0))),
    )
