"""MARGIN 6, isolated, by another way: the requirement is what is missing after closing at the mark less the
rate and the fee; a closing is a sale or a purchase at that price."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Contract, Figures, Leg, SmallPool


def rate_of(contract: Contract, contracts: Decimal) -> Decimal:
    """Rate of the last tier whose floor so many contracts reach."""
    return [step.maintenance_rate for step in contract.tiers if step.floor <= contracts][-1]


def asked_of(leg: Leg, contracts: Decimal) -> Decimal:
    """What closing a leg takes, in the tier of so many contracts: the margin, and the fee of the taker."""
    value = value_at(leg, leg.contract.mark)
    return value * rate_of(leg.contract, contracts) + value * leg.contract.taker_fee


def assess(pool: SmallPool) -> Figures:
    """One balance; every leg is in the tier of its own contracts."""
    (line,) = pool.lines
    entered = [value_at(leg, leg.entry_price) / leg.leverage for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=sum(entered, Decimal(0)),
        maintenance_margin=sum((asked_of(leg, abs(leg.quantity)) for leg in line.legs), Decimal(0)),
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
