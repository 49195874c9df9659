"""MARGIN 5, isolated, by another way: both margins at entry, without fee; profit at mark."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, SmallPool, sliced


def assess(pool: SmallPool) -> Figures:
    """One balance: what was put to the position."""
    (line,) = pool.lines
    entered = [(leg, value_at(leg, leg.entry_price)) for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=sum((value / leg.leverage for leg, value in entered), Decimal(0)),
        maintenance_margin=sum((sliced(leg.contract.tiers, value) for leg, value in entered), Decimal(0)),
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
