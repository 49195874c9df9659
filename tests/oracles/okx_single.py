"""MARGIN 6, one currency in cross, by another way: each leg is charged alone, at the rate of the tier that
all legs of its contract are in together."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.okx_isolated import asked_of
from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Contract, Figures, Line, SmallPool


def contracts_of(line: Line, contract: Contract) -> Decimal:
    """Contracts of a kind that a balance settles, long and short added up."""
    return sum((abs(leg.quantity) for leg in line.legs if leg.contract == contract), Decimal(0))


def asked_of_all(line: Line) -> Decimal:
    """Maintenance margin and fees of all legs of a balance, in its coin."""
    return sum((asked_of(leg, contracts_of(line, leg.contract)) for leg in line.legs), Decimal(0))


def assess(pool: SmallPool) -> Figures:
    """One balance, one currency."""
    (line,) = pool.lines
    marked = [value_at(leg, leg.contract.mark) / leg.leverage for leg in line.legs]
    return Figures(
        equity=line.wallet - line.order_loss + sum(map(profit, line.legs), Decimal(0)),
        initial_margin=sum(marked, Decimal(0)),
        maintenance_margin=asked_of_all(line),
        terms=abs(line.wallet) + line.order_loss + sum(map(turnover, line.legs), Decimal(0)),
    )
