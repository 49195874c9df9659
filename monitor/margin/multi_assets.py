"""Binance USD-M multi-assets mode (MARGIN 1b): every asset is collateral, haircut on what is there,
surcharge on what is owed."""

from __future__ import annotations

from monitor.margin.common import charged, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def multi_assets(pool: int, book: Book[N]) -> Requirement[N]:
    """Equity at the worse of bid and ask of each asset; margins of its positions at the ask. In USD of the
    asset index."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    initial = equity * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        bid = index * (1 - asset.bid_buffer)
        ask = index * (1 + asset.ask_buffer)
        amount = balance.wallet - balance.borrowed - balance.order_loss
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            value = notional(abs(position.quantity), mark, instrument)
            amount += unrealised(position.quantity, position.entry_price, mark, instrument)
            initial += value / position.leverage * ask
            maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, value) * ask
        equity += min(amount * bid, amount * ask)
    return Requirement(equity, initial, maintenance)
