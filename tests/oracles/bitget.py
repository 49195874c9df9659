"""MARGIN 12 by another way: the legs of a contract are put together by name of the contract first, and what
they are worth is charged slice by slice, the fee with each."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.gate_futures import sliced_with_fee
from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Contract, Figures, SmallPool


def assess(pool: SmallPool) -> Figures:
    """One balance, one margin coin."""
    (line,) = pool.lines
    worth: dict[Contract, Decimal] = {}
    for leg in line.legs:
        worth[leg.contract] = worth.get(leg.contract, Decimal(0)) + value_at(leg, leg.contract.mark)
    entered = [value_at(leg, leg.entry_price) / leg.leverage for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=sum(entered, Decimal(0)),
        maintenance_margin=sum((sliced_with_fee(of, value) for of, value in worth.items()), Decimal(0)),
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
