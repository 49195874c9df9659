"""A token by another way: sell it, pay back what it was entered at, count the wallet."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.tiered import value_at
from tests.support.small_market import Figures, Leg, SmallPool


def sold(leg: Leg) -> Decimal:
    """What selling brings beyond what was paid and is not in the wallet yet."""
    side = 1 if leg.quantity > 0 else -1
    return side * value_at(leg, leg.contract.mark) - side * value_at(leg, leg.entry_price)


def assess(pool: SmallPool) -> Figures:
    """All that there is at its price; a token asks for nothing."""
    equity = terms = Decimal(0)
    for line in pool.lines:
        equity += line.coin.price * (line.wallet + sum(map(sold, line.legs), Decimal(0)))
        equity -= line.coin.price * line.borrowed
        turned = sum(
            (value_at(leg, leg.contract.mark) + value_at(leg, leg.entry_price) for leg in line.legs),
            Decimal(0),
        )
        terms += line.coin.price * (abs(line.wallet) + line.borrowed + 2 * turned)
    return Figures(equity, Decimal(0), Decimal(0), terms)
