"""Binance spot margin by margin level: cross margin classic, and isolated margin pair by pair (MARGIN 3).

Margin level = total assets / (liabilities + interest); higher is safer. A loan is stated as a
`domain.accrual.Loan`, or with its interest in what is borrowed. What is bought with a loan is in the
wallet, so assets count gross and in full: the haircuts of the venue's *collateral* margin level gate
transfers and borrowing, not liquidation, and are not read here.

The level that liquidates is the pool's `threshold`. Cross margin: 1.1, at 3x as at 5x (360030493931). An
isolated pair has its own, and the venue tells it: `liquidationRiskRatio` of the pair's tier
(developers.binance.com, margin trading, isolated margin tier data, read 2026-11-23), so none is written here.
The margin calls of cross margin (1.3 at 3x, 1.16 at 5x) are ratios 0.846 and 0.948 of ours.

The venue counts cross margin in BTC. A level is the same in every unit, but in BTC a move of BTC moves
nothing: prices in USDT show it.

Not covered: the collateral margin level, and with it an initial margin; what an open order may lose, which is
in this ratio nowhere.
"""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def margin_level(pool: int, book: Book[N]) -> Requirement[N]:
    """All assets against the venue's multiple of all that is owed, in the unit that the prices are in."""
    account = book.pools[pool]
    assets = book.balances[account.balance_first].wallet * 0
    owed = assets * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        index = book.quotes[book.assets[balance.asset].price]
        assets += balance.wallet * index
        owed += balance.borrowed * index
    return Requirement(assets, assets * 0, owed * account.threshold)
