"""MARGIN 6, multi-currency, by another way: each currency in its own amounts, discounted slice by slice, and
only the sums turned into USD."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.bybit_unified import counted
from tests.oracles.okx_single import asked_of_all
from tests.oracles.tiered import profit, turnover
from tests.support.small_market import Figures, Line, SmallPool


def debt_margin(line: Line, owed: Decimal) -> Decimal:
    """Rate of the last tier that the debt reaches, on all of it."""
    reached = [step.maintenance_rate for step in line.coin.liability if step.floor <= owed]
    return owed * reached[-1] if reached else Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """All currencies."""
    equity = maintenance = terms = Decimal(0)
    for line in pool.lines:
        gain = sum(map(profit, line.legs), Decimal(0))
        owned = line.wallet + gain - line.borrowed
        counts = counted(owned, line.coin) if line.collateral or owned < 0 else Decimal(0)
        equity += (counts - line.order_loss) * line.coin.price
        maintenance += (asked_of_all(line) + debt_margin(line, max(-owned, Decimal(0)))) * line.coin.price
        amounts = abs(line.wallet) + line.borrowed + line.order_loss
        terms += 2 * line.coin.price * (amounts + sum(map(turnover, line.legs), Decimal(0)))
    return Figures(equity, Decimal(0), maintenance, terms)
