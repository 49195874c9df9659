"""Binance Portfolio Margin: one account over USD-M and COIN-M futures and cross margin (MARGIN 4).

uniMMR = adjusted equity / maintenance margin; higher is safer; at or below 1.05, the pool's `threshold`,
the account is liquidated. An asset's equity is what is held of it less loan and interest, with the futures
wallets and the profit of the futures that it settles. It counts by its collateral rate where it is positive
and in full where it is negative, less what open orders may lose. Maintenance margin is that of each USD-M
position in its quote asset and of each COIN-M position in its coin, by brackets at mark, valued at the
asset's index, and a rate of each margin loan that depends on the leverage (10 % at 3x, 8 % at 5x, 5 % at
10x), which is the asset's liability schedule.

The components are proven by published figures, the end value is not: the page's final ratio was cut off.

Not covered: collateral rates in steps (only a flat rate is sourced; steps are taken as slices of the worth);
margin on a negative futures balance; initial margin, which Portfolio Margin asks of new orders and its Pro
programme, also this model, does not; the thresholds of the older edition.
"""

from __future__ import annotations

from monitor.margin.common import charged, collateral_value, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.loans import loan_maintenance
from monitor.margin.rows import Book, N, Requirement


@formula
def portfolio_unimmr(pool: int, book: Book[N]) -> Requirement[N]:
    """Equity of each asset at its collateral rate; futures and loans charged in it, all at its index. In
    USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        owned = balance.wallet - balance.borrowed
        required = equity * 0
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            value = notional(abs(position.quantity), mark, instrument)
            owned += unrealised(position.quantity, position.entry_price, mark, instrument)
            required += charged(book.tiers, instrument.tier_first, instrument.tier_last, value)
        equity += collateral_value(owned * index, asset, book.tiers) - balance.order_loss * index
        maintenance += required * index + loan_maintenance(balance.borrowed * index, asset, book.tiers)
    return Requirement(equity, equity * 0, maintenance * account.threshold)
