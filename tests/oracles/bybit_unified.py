"""MARGIN 5, cross, by another way: fee on quantity x bankruptcy price, collateral slice by slice."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Coin, Figures, Leg, Line, SmallPool, sliced


def fee_to_close(leg: Leg) -> Decimal:
    """Taker fee on a linear leg's worth at bankruptcy price, (1 - side / leverage) x entry: what the venue
    tells fits entry, not mark."""
    side = 1 if leg.quantity > 0 else -1
    left = 1 - side / leg.leverage
    return value_at(leg, leg.entry_price * left) * leg.contract.taker_fee


def counted(owned: Decimal, coin: Coin) -> Decimal:
    """How much of a coin counts: a debt in full, a holding by its value ratio."""
    return sliced(coin.tiers, owned) if owned > 0 and coin.tiers else owned


def assess(pool: SmallPool) -> Figures:
    """All coins in USD."""
    equity = initial = maintenance = terms = Decimal(0)
    for line in pool.lines:
        index = line.coin.price
        equity += index * _margin_balance(line)
        for leg in line.legs:
            value = value_at(leg, leg.contract.mark)
            initial += index * (value / leg.leverage + fee_to_close(leg))
            maintenance += index * (sliced(leg.contract.tiers, value) + fee_to_close(leg))
        amounts = (
            abs(line.wallet) + line.borrowed + line.order_loss + sum(map(turnover, line.legs), Decimal(0))
        )
        terms += 2 * amounts * index
    return Figures(equity, initial, maintenance, terms)


def _margin_balance(line: Line) -> Decimal:
    owned = line.wallet - line.borrowed
    owned = counted(owned, line.coin) if line.collateral or owned < 0 else Decimal(0)
    return owned - line.order_loss + sum(map(profit, line.legs), Decimal(0))
