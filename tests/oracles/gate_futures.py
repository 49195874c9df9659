"""MARGIN 13, futures, by another way: the fee to close is a rate more on every slice of the value."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Contract, Figures, SmallPool


def sliced_with_fee(contract: Contract, value: Decimal) -> Decimal:
    """Each slice at the rate of its own step and the taker fee."""
    ceilings = [step.floor for step in contract.tiers[1:]] + [value]
    total = Decimal(0)
    for step, ceiling in zip(contract.tiers, ceilings, strict=True):
        share = max(min(ceiling, value) - step.floor, Decimal(0))
        total += share * (step.maintenance_rate + contract.taker_fee)
    return total


def assess(pool: SmallPool) -> Figures:
    """One balance, one settle coin."""
    (line,) = pool.lines
    marked = [(leg, value_at(leg, leg.contract.mark)) for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=sum((value / leg.leverage for leg, value in marked), Decimal(0)),
        maintenance_margin=sum((sliced_with_fee(leg.contract, value) for leg, value in marked), Decimal(0)),
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
