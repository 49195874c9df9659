"""Bybit unified account: cross (MARGIN 5) and its isolated positions.

Cross revalues initial and maintenance margin at mark, and both carry the fee to close at the bankruptcy
price of the position. That price comes from the entry: a position quoted in public code (0.001 BTC, entry
101890, mark 101910.23, 10x, November 2025) told both margins to the last digit with entry, not with mark.

Isolated fixes them at entry, without fee: there the published liquidation price is
entry - side x (initial - maintenance) / size - side x extra / size, which is equality of (margin + profit)
with maintenance at entry, where margin is initial margin at entry and what was added.

An account that holds options has a model of its own (bybit_options), because what it tells as initial margin
could not be read.
"""

from __future__ import annotations

from monitor.margin.common import charged, collateral_value, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Position, Requirement


@formula
def fee_to_close(position: Position[N], instrument: Instrument[N]) -> N:
    """Taker fee on the position's value at its bankruptcy price, entry x (1 - side / leverage)."""
    value = notional(abs(position.quantity), position.entry_price, instrument)
    if position.quantity > 0:
        return (value - value / position.leverage) * instrument.taker_fee
    return (value + value / position.leverage) * instrument.taker_fee


@formula
def bybit_unified(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral by its value ratio, profit of each settle coin at that coin's index, fee to close in both
    margins. In USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    initial = equity * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        gain = -balance.order_loss
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            value = notional(abs(position.quantity), mark, instrument)
            fee = fee_to_close(position, instrument)
            gain += unrealised(position.quantity, position.entry_price, mark, instrument)
            initial += (value / position.leverage + fee) * index
            maintenance += (
                charged(book.tiers, instrument.tier_first, instrument.tier_last, value) + fee
            ) * index
        owned = balance.wallet - balance.borrowed
        if balance.collateral or owned < 0:
            # The venue steps its value ratios by the amount of the coin (docs v5, tier-collateral-ratio).
            equity += collateral_value(owned, asset, book.tiers) * index
        equity += gain * index
    return Requirement(equity, initial, maintenance)


@formula
def bybit_isolated(pool: int, book: Book[N]) -> Requirement[N]:
    """One position on its own margin; both margins at entry price."""
    account = book.pools[pool]
    balance = book.balances[account.balance_first]
    equity = balance.wallet - balance.order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        at_entry = notional(abs(position.quantity), position.entry_price, instrument)
        mark = book.quotes[instrument.mark]
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += at_entry / position.leverage
        maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, at_entry)
    return Requirement(equity, initial, maintenance)
