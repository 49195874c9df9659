"""Bybit unified account in cross that holds options, settled in USDC or USDT, beside its contracts.

A short option asks for [max(MM factor x index, MM factor x its mark) + its mark + liquidation fee rate x
index] x size; a long one for nothing (help centre 000001546, initial and maintenance margin of options,
edition of 2023-12-04, which works one out: 1 BTC at an index of 30,000 and a mark of 300, with 3 % and 0.2 %,
is 1,260). The margin balance is wallet and profit of perpetuals and futures: the worth of options is in it
under portfolio margin alone (help centre, key terms of the unified account, edition of 2024-08-30). What they
cost is in the wallet, so their entry price is 0.

Not covered: initial margin of a pool with options, of whose formula only part could be read; what open orders
in options add; portfolio margin. The two rates are the venue's, by coin: an option states its own.

Options of OKX have no model. Its help centre (ii-option-margin) tells what a short one requires; its margin
ratio counts the fee of liquidating it as well, which no page at hand tells.
"""

from __future__ import annotations

from monitor.margin.bybit import fee_to_close
from monitor.margin.common import charged, collateral_value, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Option, Position, Requirement


@formula
def short_option(position: Position[N], instrument: Instrument[N], option: Option[N], index: N, mark: N) -> N:
    """Maintenance margin of one option, in its settle asset."""
    short = max(-position.quantity, mark * 0)
    of_worth = option.maintenance_rate * max(index, mark)
    return short * instrument.multiplier * (of_worth + mark + option.liquidation_rate * index)


@formula
def bybit_options(pool: int, book: Book[N]) -> Requirement[N]:
    """As `bybit_unified`, with options: of short ones a factor of the index, their mark and a fee. In USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        gain = -balance.order_loss
        required = gain * 0
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            if instrument.option < 0:
                value = notional(abs(position.quantity), mark, instrument)
                gain += unrealised(position.quantity, position.entry_price, mark, instrument)
                required += charged(book.tiers, instrument.tier_first, instrument.tier_last, value)
                required += fee_to_close(position, instrument)
            else:
                option = book.options[instrument.option]
                required += short_option(position, instrument, option, book.quotes[instrument.index], mark)
        price = book.quotes[asset.price]
        owned = balance.wallet - balance.borrowed
        if balance.collateral or owned < 0:
            equity += collateral_value(owned, asset, book.tiers) * price
        equity += gain * price
        maintenance += required * price
    return Requirement(equity, equity * 0, maintenance)
