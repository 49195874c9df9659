"""MARGIN 1b by another way: sell what is there at the bid, buy back what is owed at the ask."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Figures, SmallPool, sliced


def assess(pool: SmallPool) -> Figures:
    """Every balance in USD, requirements at the ask of their margin asset."""
    equity = initial = maintenance = terms = Decimal(0)
    for line in pool.lines:
        ask = line.coin.price + line.coin.price * line.coin.ask_buffer
        bid = line.coin.price - line.coin.price * line.coin.bid_buffer
        owned = line.wallet - line.borrowed - line.order_loss + sum(map(profit, line.legs), Decimal(0))
        equity += owned * (bid if owned >= 0 else ask)
        for leg in line.legs:
            value = value_at(leg, leg.contract.mark)
            initial += ask * value / leg.leverage
            maintenance += ask * sliced(leg.contract.tiers, value)
        amounts = (
            abs(line.wallet) + line.borrowed + line.order_loss + sum(map(turnover, line.legs), Decimal(0))
        )
        terms += 2 * amounts * line.coin.price
    return Figures(equity, initial, maintenance, terms)
