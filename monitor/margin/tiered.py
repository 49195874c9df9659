"""One settle asset, marginal tiers on notional: Binance USD-M cross and isolated (MARGIN 1), Hyperliquid
(MARGIN 8).

Hyperliquid's rate is 1/(2 x maximum leverage) of the coin, which is what its tiers hold; fees are in
neither venue's
maintenance margin.
"""

from __future__ import annotations

from monitor.margin.common import charged, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def tiered(pool: int, book: Book[N]) -> Requirement[N]:
    """Equity is wallet and unrealised profit; each position is charged on its own notional at mark."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        value = notional(abs(position.quantity), mark, instrument)
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += value / position.leverage
        maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, value)
    return Requirement(equity, initial, maintenance)
