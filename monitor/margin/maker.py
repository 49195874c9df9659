"""A Maker (Sky) vault (MARGIN 16, github.com/makerdao/dss at fa4f663).

A vault is safe while art x rate <= ink x spot, and `bark` takes it below; equality is safe. Spot is the
oracle's price / liquidation ratio / par, so with the ratio on the other side: ink x price against
art x rate x par x liquidation ratio. Drawing more has to leave the vault safe by the same test: initial and
maintenance margin are one number.

Columns: the wallet of the gem is `ink`; what is borrowed of the stablecoin is art x rate at the `rate` of now
(`accrual.maker_rate`, of a `domain.accrual.VaultDebt`), and its price is `par`, the price that the system
itself pays for it, never a market's; what is added to its wallet repays. The pool's `threshold` is the
liquidation ratio (1.45 for 145 %), so the venue's own figure is the collateralisation ratio, and it
liquidates below that.

The price is the one that `spot` was made of, so a move told here is a move of the oracle's price: the next
one can be read an hour ahead by who is allowed to, and is not read here.

What an adapter reads: `vat.urns` (ink, art), `vat.ilks` (rate, spot), `spotter.ilks` (mat, the liquidation
ratio), `spotter.par`, `jug.ilks` (duty and the time of the last drip), `jug.base`; the price is
spot x mat x par, and so never of another hour than the vat's.

Not covered: the delay of the oracle (not sourced); the penalty (`chop`), which is added to the debt after the
decision; liquidation being stopped or capped (`dog.hole`); anything of Sky that differs from the vat.
"""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def maker(pool: int, book: Book[N]) -> Requirement[N]:
    """What is locked at the oracle's price against the liquidation ratio's multiple of what is owed."""
    account = book.pools[pool]
    locked = book.balances[account.balance_first].wallet * 0
    owed = locked * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        worth = (balance.wallet - balance.borrowed) * book.quotes[book.assets[balance.asset].price]
        if worth < 0:
            owed -= worth
        elif balance.collateral:
            locked += worth
    required = owed * account.threshold
    return Requirement(locked, required, required)
