"""MARGIN 4 by another way: the lesser of what an asset is worth and what its rate leaves of it; futures as in
the oracle of the futures themselves; debts slice by slice."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.margin_pro import collateral
from tests.oracles.tiered import profit, turnover, value_at
from tests.support.small_market import Coin, Figures, Line, SmallPool, sliced


def adjusted(owned: Decimal, coin: Coin) -> Decimal:
    """min(E x index x rate, E x index); by slices where the asset has several rates."""
    if len(coin.tiers) > 1:
        return collateral(Line(coin, owned))
    rate = coin.tiers[0].maintenance_rate if coin.tiers else Decimal(1)
    return min(owned * coin.price * rate, owned * coin.price)


def assess(pool: SmallPool) -> Figures:
    """All assets in USD; no initial margin is sourced."""
    equity = maintenance = terms = Decimal(0)
    for line in pool.lines:
        index = line.coin.price
        owned = line.wallet - line.borrowed + sum(map(profit, line.legs), Decimal(0))
        equity += adjusted(owned, line.coin) - line.order_loss * index
        charges = sum(
            (sliced(leg.contract.tiers, value_at(leg, leg.contract.mark)) for leg in line.legs), Decimal(0)
        )
        maintenance += charges * index + sliced(line.coin.liability, line.borrowed * index)
        amounts = (
            abs(line.wallet) + line.borrowed + line.order_loss + sum(map(turnover, line.legs), Decimal(0))
        )
        terms += 4 * amounts * index
    return Figures(equity, Decimal(0), maintenance * pool.threshold, terms)
