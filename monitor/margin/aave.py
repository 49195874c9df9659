"""Aave v3, one account of one market (MARGIN 14, github.com/aave/aave-v3-core, GenericLogic.sol at 782f519).

Health factor = collateral x average liquidation threshold / debt, and below 1 the account may be liquidated;
at 1 it may not. It falls as danger rises, and so our ratio is its inverse. Without a debt the chain answers
the largest uint: that is no figure, and none is shown.

**The averages are cut to basis points.** The chain adds up balance x threshold (in basis points) over all
collateral and divides by the collateral in integers. That takes up to a basis point off the average, which
is a move of the price by a basis point and more: between a health factor of 1.0001 and 1 it decides. So it is
cut here, too, where several collaterals have several thresholds; one alone loses nothing. An average that a
trillionth lifts onto the next basis point counts as being there: floats don't know one from the other.

In e-mode (the pool's category is not -1) an asset of that category counts by the category's threshold and
loan to value, any other by its own. A collateral that its owner has switched off counts nothing, and neither
does an asset that has no schedule here and no category that the account is in: the venue lends nothing on it.
A debt counts in full, also in an asset that is collateral: nothing is netted. Variable and stable debt of
an asset are one sum in `borrowed`.

Initial margin: what the account may still borrow (collateral x average loan to value - debt) is equity less
initial margin.

Columns: wallet is the aToken balance at the liquidity index of now (`accrual.aave_liquidity_index`), borrowed
the scaled debt at the debt index of now (`accrual.aave_debt_index`) and the stable debt. Without stable debt
both are stated as a `domain.accrual.AaveReserve`. An asset has one step: liquidation threshold as the
maintenance rate, loan to value as the initial rate (`collateral_schedule`). An asset whose own loan to value
is 0 (frozen) has category_initial 0 as well: the chain lends nothing on it in e-mode either.

What an adapter reads: `Pool.getUserConfiguration` (collateral switched on, borrowing), `Pool.getUserEMode`,
`Pool.getReserveData` (indices, rates, time of the last update), `Pool.getConfiguration` (threshold, loan to
value, decimals, category), `Pool.getEModeCategoryData`, `scaledBalanceOf` of the aToken and of the variable
debt token, `balanceOf` of the stable debt token, `AaveOracle.getAssetPrice`; `Pool.getUserAccountData` to
compare with.

Not covered: the close factor (not sourced: it is what a liquidator may take, not when); the price source that
an e-mode once had of its own (prices here are the asset's); isolation mode, siloed borrowing and caps, which
gate borrowing and not liquidation; the rounding of a balance to the oracle's unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.margin.arithmetic import floor_to
from monitor.margin.formula import formula
from monitor.margin.lending import initial_for
from monitor.margin.rows import Asset, Book, N, Requirement, Tier

BASIS_POINTS = 10_000
HAIR = 1_000_000_000_000


@formula
def in_basis_points(weighted: N, total: N) -> N:
    """`total` x the average rate (weighted / total), cut to basis points as on chain; 0 of no collateral."""
    if total <= 0:
        return weighted * 0
    average = weighted / total
    return total * floor_to(average + average / HAIR, BASIS_POINTS)


@formula
def rates_of(asset: Asset[N], category: int, tiers: Sequence[Tier[N]]) -> tuple[N, N]:
    """Liquidation threshold and loan to value of an asset, to an account in this e-mode (-1: in none)."""
    if category >= 0 and asset.category == category:
        return asset.category_rate, asset.category_initial
    if asset.tier_first == asset.tier_last:
        return asset.category_rate * 0, asset.category_rate * 0
    step = tiers[asset.tier_first]
    return step.maintenance_rate, step.initial_rate


@formula
def aave(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral by its liquidation thresholds against all debts, in the market's base currency."""
    account = book.pools[pool]
    total = book.balances[account.balance_first].wallet * 0
    weighted = total * 0
    lendable = total * 0
    owed = total * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        price = book.quotes[asset.price]
        owed += balance.borrowed * price
        threshold, loan_to_value = rates_of(asset, account.category, book.tiers)
        if not balance.collateral or threshold <= 0:
            continue
        worth = balance.wallet * price
        total += worth
        weighted += worth * threshold
        lendable += worth * loan_to_value
    counted = in_basis_points(weighted, total)
    return Requirement(counted, initial_for(owed, counted, in_basis_points(lendable, total)), owed)
