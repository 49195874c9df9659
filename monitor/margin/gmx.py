"""GMX v2 (MARGIN 17): one position of one market, side and collateral token, in USD.

What remains of the collateral is its worth at the oracle's lowest price, with the profit at the worse side of
the oracle's two prices (the lower for a long, the higher for a short: mark and index of the instrument, in
either order), less the fee to close. What else the check takes off stands in a balance of USD with a negative
wallet, under which the position lies as well, since profit is counted in USD: pending borrowing and funding
fees, and `closing_impact`, which is taken off there where position and market state it. A funding fee that is
told in tokens may be the `borrowed` of the collateral.

Liquidated when less remains than the greater of the market's rate on the size (what was paid for the
position, whatever it is worth now) and the least collateral in USD, the pool's threshold; equality is safe.
Since something is always required, nothing remaining is past it as well. The liquidation fee is not in it.

Not covered: v1, whose check is another and whose pools are closed; the cap on profit where the traders of a
side have gained too much of the pool; what an increase must leave (no source tells that initial margin);
price impact as a function of open interest, of which the chain's reader tells the amount.
"""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


def closing_impact(impact_usd: N, size_usd: N, most: N) -> N:
    """The price impact of closing as the liquidation check takes it, in USD: never a gain, at worst a loss of
    `most` of the size (the market's largest impact factor for liquidations). `impact_usd` is what
    closing would bring or cost now, with what is pending from opening."""
    return min(max(impact_usd, -most * size_usd), impact_usd * 0)


@formula
def gmx(pool: int, book: Book[N]) -> Requirement[N]:
    """What remains of the collateral against the least that must."""
    account = book.pools[pool]
    equity = account.threshold * 0
    maintenance = account.threshold * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        equity += (balance.wallet - balance.borrowed) * book.quotes[book.assets[balance.asset].price]
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        one, other = book.quotes[instrument.mark], book.quotes[instrument.index]
        tokens = position.quantity * instrument.multiplier
        size = abs(tokens) * position.entry_price
        if tokens > 0:
            equity += tokens * min(one, other) - size
        else:
            equity += tokens * max(one, other) + size
        equity -= size * instrument.taker_fee
        if size > 0:
            tier = book.tiers[instrument.tier_first]
            maintenance += max(size * tier.maintenance_rate, account.threshold)
    return Requirement(equity, maintenance * 0, maintenance)
