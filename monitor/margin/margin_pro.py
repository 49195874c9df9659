"""Binance Cross Margin Pro (MARGIN 3; FAQ 12a78d8aa813470f96be283b45f75410, edition of 2024-12-19, in force
since 2025-01-21).

Margin level = (net collateral - open-order loss) / maintenance margin; at or below 1.0 the account is
liquidated. Net collateral is the worth of each asset after its haircut, less liabilities and interest in
full: the haircut bites on all that is held of a coin, also where the same coin is owed. Both margins are
marginal brackets on the worth of each liability coin.

Haircuts are a schedule by the worth of the coin (`minUsdValue` of crossMarginCollateralRatio), each slice at
its own ratio. The loss of open orders is told by the venue, coin by coin.

Not covered: how the venue estimates the loss of an open order.
"""

from __future__ import annotations

from monitor.margin.common import collateral_value
from monitor.margin.formula import formula
from monitor.margin.loans import loan_initial, loan_maintenance
from monitor.margin.rows import Book, N, Requirement


@formula
def margin_pro(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral after haircuts less debts and open-order loss; brackets on each debt. In USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    initial = equity * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        owed = balance.borrowed * index
        equity += collateral_value(balance.wallet * index, asset, book.tiers)
        equity -= owed + balance.order_loss * index
        initial += loan_initial(owed, asset, book.tiers)
        maintenance += loan_maintenance(owed, asset, book.tiers)
    return Requirement(equity, initial, maintenance * account.threshold)
