"""MARGIN 10, multi-collateral, by another way: what both sides of an underlying ask for together, less the
smaller of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from tests.oracles.kraken_single import at_entry
from tests.oracles.tiered import profit, turnover
from tests.support.small_market import Figures, Line, SmallPool


def counted(line: Line) -> Decimal:
    """Balance x price x (1 - haircut), a debt in full; profit at the same price."""
    owned = line.wallet - line.borrowed
    kept = owned - max(owned, Decimal(0)) * line.coin.bid_buffer
    if owned > 0 and not line.collateral:
        kept = Decimal(0)
    return (kept - line.order_loss + sum(map(profit, line.legs), Decimal(0))) * line.coin.price


def assess(pool: SmallPool) -> Figures:
    """All in USD."""
    sides: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for leg in pool.legs:
        sides[leg.contract.underlying or leg.contract.name][leg.quantity > 0] += at_entry(leg)
    maintenance = sum((sum(both) - min(both) for both in sides.values()), Decimal(0))
    terms = sum((one for both in sides.values() for one in both), Decimal(0))
    for line in pool.lines:
        amounts = abs(line.wallet) + line.borrowed + line.order_loss
        terms += 2 * line.coin.price * (amounts + sum(map(turnover, line.legs), Decimal(0)))
    return Figures(sum(map(counted, pool.lines), Decimal(0)), 2 * maintenance, maintenance, terms)
