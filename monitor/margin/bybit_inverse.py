"""Bybit's isolated inverse position in the unified account (MARGIN 5; help centre, Liquidation Price
Calculation under Isolated Mode, edition of 27 May 2026).

Both margins are on the value at mark, with the fee to close: taker fee on the value, in coin, at which the
margin that the position holds is used up, the fee among it. That makes the published prices. A long's is
Q (1 + rate) / (Q / entry + Q / entry / leverage + extra / (1 + fee) + deduction): with margin and fee at the
chosen leverage the fee is on both sides and falls away, and of what is added the part extra x fee / (1 + fee)
goes to the fee, because the price of bankruptcy moves away. A short's has the other signs.

Not covered: the edition before (maintenance margin at entry, no fee), which this replaces, and the inverse
account before the unified one.
"""

from __future__ import annotations

from monitor.margin.common import charged, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Position, Requirement


@formula
def bankruptcy_value(held: N, position: Position[N], instrument: Instrument[N]) -> N:
    """What an inverse position is worth, in coin, where `held` is gone for its loss and the fee to close it;
    0 where it never is. Contracts over this are the bankruptcy price."""
    entered = notional(abs(position.quantity), position.entry_price, instrument)
    if position.quantity > 0:
        return max(entered + held, entered * 0) / (1 + instrument.taker_fee)
    return max(entered - held, entered * 0) / (1 - instrument.taker_fee)


@formula
def bybit_inverse_isolated(pool: int, book: Book[N]) -> Requirement[N]:
    """One inverse position on its own margin, which holds the fee to close; in its coin."""
    account = book.pools[pool]
    held = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    equity = held
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        value = notional(abs(position.quantity), mark, instrument)
        fee = bankruptcy_value(held, position, instrument) * instrument.taker_fee
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += value / position.leverage + fee
        maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, value) + fee
    return Requirement(equity, initial, maintenance)
