"""OKX spot margin in isolated mode, by automatic and by manual loans ("quick margin") (MARGIN 6; help centre
6997123251341 and 10665080281997, editions of April 2024).

Margin ratio = net assets / (maintenance margin + fees); higher is safer, at or below 1 (100 %) it is
liquidated. A debt asks for its rate, and buying it back, with that, for the taker fee: debt x
((1 + rate)(1 + fee) - 1). A long owes quote and holds base, a short the other way round, a quick margin
position may owe and hold both: all three are the same sum over two balances, so one formula holds, and each
published liquidation price is its equality. In the unit that the prices are in: the venue tells a long's
figures in base, but only in quote does a move of the base show.

The rate is that of the tier which the borrowed amount is in, on the whole of it, and it is one rate for the
position: where both coins are owed, the higher tier of the two, which is where the venue's page leaves room.
The tiers of a pair are the liability schedules of its two assets, in amounts of the coin; `ask_buffer`, the
surcharge on what is owed, is the taker fee. Interest is in what is borrowed.

Not covered: the steps of a forced reduction from tier 3 up; initial margin.
"""

from __future__ import annotations

from monitor.margin.common import step_at
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def okx_margin_isolated(pool: int, book: Book[N]) -> Requirement[N]:
    """Net assets against the rate of all debts and the fee to buy them back."""
    account = book.pools[pool]
    rate = highest_rate(pool, book)
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        equity += (balance.wallet - balance.borrowed) * index
        maintenance += balance.borrowed * index * (rate + (1 + rate) * asset.ask_buffer)
    return Requirement(equity, equity * 0, maintenance)


@formula
def highest_rate(pool: int, book: Book[N]) -> N:
    """The maintenance rate of the pool: of the highest tier that any of its debts is in; 0 without a debt."""
    account = book.pools[pool]
    rate = book.balances[account.balance_first].borrowed * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        if balance.borrowed > 0 and asset.liability_first < asset.liability_last:
            step = step_at(book.tiers, asset.liability_first, asset.liability_last, balance.borrowed)
            rate = max(rate, book.tiers[step].maintenance_rate)
    return rate
