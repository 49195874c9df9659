"""Gate: classic futures, isolated and cross, linear and inverse, and the unified account (MARGIN 13).

Maintenance margin ratio = margin balance / maintenance margin; higher is safer, at or below 1 (100 %) it is
liquidated. Since 2025-07-29 each slice of a position's value is at the rate of its own tier, and the
estimated fee to close is added to it (help centre 38042, read 2026-11-23): taker fee on the value at mark, as
the published liquidation prices have it.

Unified, multi-currency margin, in USD: what is owned of a coin, unrealised profit with it, counts by the
discount tiers of its amount (API v4, currency_discount_tiers: BTC falls from 1,000 on), a negative coin in
full. A debt is what is borrowed, and what the rest of the coin is below zero (help centre 33018); it requires
the rate of its liability tier by its worth in USD (announcement 37645): slice by slice or on the whole, as
the schedule has deductions or not.

Not covered: hedge mode, where the venue asks for the larger of long and short, while both legs are charged in
full here; the unified account's options, portfolio margin and spot hedging; its initial margin, which needs
the leverage of each debt. Automatic repayment at 110 % is no liquidation: ratio 0.909 of ours.
"""

from __future__ import annotations

from monitor.margin.common import charged, collateral_value, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.loans import loan_maintenance
from monitor.margin.rows import Book, Instrument, N, Requirement


@formula
def with_fee(value: N, instrument: Instrument[N], book: Book[N]) -> N:
    """Maintenance margin of a position of this value: each slice at its own rate, and the fee to close."""
    return (
        charged(book.tiers, instrument.tier_first, instrument.tier_last, value) + value * instrument.taker_fee
    )


@formula
def gate_futures(pool: int, book: Book[N]) -> Requirement[N]:
    """One settle coin in cross, or one isolated position."""
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
        maintenance += with_fee(value, instrument, book)
    return Requirement(equity, initial, maintenance)


@formula
def gate_unified(pool: int, book: Book[N]) -> Requirement[N]:
    """Margin balance of all coins against the margins of futures and debts, in USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        held = balance.wallet
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            value = notional(abs(position.quantity), mark, instrument)
            held += unrealised(position.quantity, position.entry_price, mark, instrument)
            maintenance += with_fee(value, instrument, book) * index
        owned = held - balance.borrowed
        if balance.collateral or owned < 0:
            equity += collateral_value(owned, asset, book.tiers) * index
        equity -= balance.order_loss * index
        owed = balance.borrowed + max(-held, held * 0)
        maintenance += loan_maintenance(owed * index, asset, book.tiers)
    return Requirement(equity, equity * 0, maintenance)
