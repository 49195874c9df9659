"""BitMEX: isolated positions and the cross margin of one settle currency, of linear, inverse and quanto
contracts (MARGIN 11).

A position is margined on its cost, which is its value at entry: initial margin is cost / leverage, commission
two taker fees on its value where that initial margin is used up, maintenance margin the cost at the
maintenance rate, and at the rate of the next funding where its holder pays that, with the commission. It is
liquidated where margin and profit come down to that; a position of 21 May 2022 fits to the unit. The venue's
`maintMargin` of a position is margin and profit, equity here; that of an account is what is required.

Cross adds up: excess margin is margin balance less maintenance margin of the account, wallet and profit
against all positions in one settle currency (an account's message of the same collection). `leverage` is then
one over the initial rate that the venue tells. So the formula is one, and an isolated pool has one position.
A quanto contract is a linear one whose multiplier is in the settle currency.

The venue shows prices rounded to the tick against the holder; ours are what they were before.

Not covered: the steps of a risk limit, which no source at hand shows (the schedule is the one rate that the
venue tells of a position, its chosen risk limit in it); several settle currencies in one margin.
"""

from __future__ import annotations

from monitor.margin.common import charged, notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Position, Requirement


@formula
def commission(cost: N, position: Position[N], instrument: Instrument[N]) -> N:
    """Two taker fees on the value at which the initial margin is lost: a long's is less then, but in coin,
    where it is inverse, more. No value is below nothing."""
    lost = cost / position.leverage
    gains_coin = position.quantity < 0 if instrument.inverse else position.quantity > 0
    value = max(cost - lost, cost * 0) if gains_coin else cost + lost
    return 2 * instrument.taker_fee * value


@formula
def funding_due(position: Position[N], rate: N) -> N:
    """The rate of the next funding as far as this holder pays it: longs pay what is above zero."""
    if position.quantity > 0:
        return max(rate, rate * 0)
    return max(-rate, rate * 0)


@formula
def bitmex(pool: int, book: Book[N]) -> Requirement[N]:
    """One isolated position, or all positions in cross of one settle currency."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        cost = notional(abs(position.quantity), position.entry_price, instrument)
        fees = commission(cost, position, instrument)
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        initial += cost / position.leverage + fees
        maintenance += charged(book.tiers, instrument.tier_first, instrument.tier_last, cost) + fees
        maintenance += cost * funding_due(position, book.quotes[instrument.funding])
    return Requirement(equity, initial, maintenance)
