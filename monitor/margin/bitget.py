"""Bitget futures, classic account in single-asset mode, cross and isolated, linear and inverse (MARGIN 12).

marginRatio = maintenance margin with the closing fee / equity; lower is safer, at or above 1 it is liquidated
(help centre 12560603808759). The fee is the taker fee of the contract, 0.06 % as listed.

Each slice of the value is at the rate of its own tier for positions opened since 2025-11-10 08:00 UTC; for
older ones the rate of the highest tier is on the whole (help centre 12560603841952, read 2026-11-23, whose
example of 330,000 USDT is 1,648 in the new way and 1,848 in the old). The formula is one: a schedule without
deductions is the old way, and jumps. In cross the long and short legs of a contract are counted together, an
isolated position is on its own (help centre 360052911052 and 12560603777225). Initial margin is at the
average price, as the venue's `marginSize` is.

The cross liquidation price that the venue shows takes the requirement at the current mark and moves with it:
what is solved here takes it at the liquidation price.

Not covered: multi-asset mode and the unified account; old and new positions side by side in one contract.
"""

from __future__ import annotations

from monitor.margin.common import charged, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement
from monitor.margin.together import held_together


@formula
def bitget(pool: int, book: Book[N]) -> Requirement[N]:
    """One margin coin in cross, or one isolated position."""
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
        initial += notional(abs(position.quantity), position.entry_price, instrument) / position.leverage
        value = notional(held_together(book.positions, first, last, row), mark, instrument)
        maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, value)
        maintenance += value * instrument.taker_fee
    return Requirement(equity, initial, maintenance)
