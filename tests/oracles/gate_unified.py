"""MARGIN 13, unified, by another way: each coin in its own amounts, its debts priced and then charged by
slices."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.bybit_unified import counted
from tests.oracles.gate_futures import sliced_with_fee
from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, Line, SmallPool, sliced

NOTHING = Decimal(0)


def owed_of(line: Line) -> Decimal:
    """What is borrowed, and what the coin lacks beside it."""
    left = line.wallet + sum(map(profit, line.legs), NOTHING)
    return line.borrowed if left >= 0 else line.borrowed - left


def assess(pool: SmallPool) -> Figures:
    """All coins in USD."""
    equity = maintenance = terms = NOTHING
    for line in pool.lines:
        price = line.coin.price
        owned = line.wallet - line.borrowed + sum(map(profit, line.legs), NOTHING)
        counts = counted(owned, line.coin) if line.collateral or owned < 0 else NOTHING
        equity += counts * price - line.order_loss * price
        for leg in line.legs:
            maintenance += price * sliced_with_fee(leg.contract, value_at(leg, leg.contract.mark))
        maintenance += sliced(line.coin.liability, owed_of(line) * price)
        amounts = abs(line.wallet) + line.borrowed + line.order_loss
        terms += 2 * price * (amounts + sum(map(turnover, line.legs), NOTHING))
    return Figures(equity, NOTHING, maintenance, terms)
