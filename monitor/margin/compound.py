"""Compound v3, one Comet market (MARGIN 15, github.com/compound-finance/comet at d5a30b0).

Liquidity = sum(collateral x price x liquidate collateral factor) - debt; an account below zero is absorbed,
one at zero is not. It may still borrow while the same sum at the borrow collateral factors covers the debt.

One base asset a market: it alone is borrowed, and it has no schedule. What is supplied of it counts in full,
as in the venue's own sum, though who supplies it owes nothing and so can't be liquidated. Collateral earns
nothing; a collateral asset has one step, its liquidate factor as the maintenance rate and its borrow factor
as the initial rate (`collateral_schedule`).

Columns: wallet and borrowed of the base asset are its principal at the supply or the borrow index of now
(`accrual.comet_index`), stated as a `domain.accrual.CometBase`. The principal is one signed number, so one of
them is 0, and what is added to a wallet repays.

What an adapter reads, of the market's contract: `numAssets`, `getAssetInfo` (both factors, price feed,
scale), `baseToken`, `baseTokenPriceFeed`, `getPrice`, `userBasic` (principal), `userCollateral`,
`totalsBasic` (indices and the time of the last accrual), `getUtilization`, `getSupplyRate`, `getBorrowRate`;
`borrowBalanceOf` and `isLiquidatable` to compare with.

Not covered: the chain's truncation of each term to the unit of its price feed (1e-8), and what absorbing an
account costs it (liquidation factor, storefront), which is no part of the decision.
"""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.lending import initial_for
from monitor.margin.rows import Book, N, Requirement


@formula
def compound(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral at its liquidate factors and base asset in full against the debt, in the pool's unit."""
    account = book.pools[pool]
    counted = book.balances[account.balance_first].wallet * 0
    borrowable = counted * 0
    owed = counted * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        price = book.quotes[asset.price]
        if asset.tier_first == asset.tier_last:
            principal = (balance.wallet - balance.borrowed) * price
            supplied = max(principal, principal * 0)
            counted += supplied
            borrowable += supplied
            owed += supplied - principal
        elif balance.collateral:
            factors = book.tiers[asset.tier_first]
            counted += balance.wallet * price * factors.maintenance_rate
            borrowable += balance.wallet * price * factors.initial_rate
    return Requirement(counted, initial_for(owed, counted, borrowable), owed)
