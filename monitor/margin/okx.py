"""OKX futures and swaps, linear and inverse: the futures mode (one currency a pool), the multi-currency mode,
and isolated positions (MARGIN 6).

Margin ratio = equity / (maintenance margin + liquidation fee); higher is safer, at or below 1 (100 %) it is
liquidated, so the fee is part of what is required here: taker fee on the value at mark. Sizes are in
contracts, and so are the floors of the tiers: the rate of the tier is on the whole position, and the
requirement jumps at a floor. An isolated position has a tier of its own; in cross all legs of a contract are
counted together, long and short (help centre 360040581412, tiered maintenance margin ratio, read 2026-11-23).

Multi-currency is in USD: what is owned of a currency counts by its discount tiers, each slice of the amount
at its own rate, in units of the currency as the API tells them since 2024 (docs-v5, discount rate and
interest-free quota); a negative equity counts in full, and is a debt which the tier of its amount charges,
position value being positions and potential borrowing (help centre 360054690531). Initial margin is at mark
in cross and at the average price where isolated (help centre, what is margin in expiry futures contracts).

Not covered: options; several expiries of one family, which the venue counts together and this charges each
in a tier of its own; the steps of a forced reduction from tier 3 up; the fee to buy back a debt; initial
margin in multi-currency, which needs the leverage of each debt; loans in the futures mode.
"""

from __future__ import annotations

from monitor.margin.common import collateral_value, notional, step_at, unrealised
from monitor.margin.formula import formula
from monitor.margin.okx_portfolio import borrowing
from monitor.margin.rows import Book, Instrument, N, Requirement
from monitor.margin.together import held_together


@formula
def with_closing(size: N, instrument: Instrument[N], book: Book[N]) -> N:
    """Maintenance margin and liquidation fee of so many contracts, in the settle asset."""
    tier = book.tiers[step_at(book.tiers, instrument.tier_first, instrument.tier_last, size)]
    value = notional(size, book.quotes[instrument.mark], instrument)
    return value * (tier.maintenance_rate + instrument.taker_fee)


@formula
def okx_single(pool: int, book: Book[N]) -> Requirement[N]:
    """One currency of the futures mode in cross; `order_loss` is all that the venue takes off for orders and
    isolated needs."""
    account = book.pools[pool]
    first, last = account.position_first, account.position_last
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(first, last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += notional(abs(position.quantity), mark, instrument) / position.leverage
        maintenance += with_closing(held_together(book.positions, first, last, row), instrument, book)
    return Requirement(equity, initial, maintenance)


@formula
def okx_isolated(pool: int, book: Book[N]) -> Requirement[N]:
    """One position on its own margin; the initial margin stays what it was at the average price."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += notional(abs(position.quantity), position.entry_price, instrument) / position.leverage
        maintenance += with_closing(abs(position.quantity), instrument, book)
    return Requirement(equity, initial, maintenance)


@formula
def okx_multi(pool: int, book: Book[N]) -> Requirement[N]:
    """Adjusted equity of the multi-currency mode against the margins of positions and debts, in USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        first, last = balance.position_first, balance.position_last
        owned = balance.wallet - balance.borrowed
        required = owned * 0
        for row in range(first, last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            owned += unrealised(position.quantity, position.entry_price, mark, instrument)
            required += with_closing(held_together(book.positions, first, last, row), instrument, book)
        if balance.collateral or owned < 0:
            equity += collateral_value(owned, asset, book.tiers) * index
        equity -= balance.order_loss * index
        maintenance += (required + borrowing(owned, asset, book).maintenance_margin) * index
    return Requirement(equity, equity * 0, maintenance)
