"""dYdX v4 (MARGIN 9): a subaccount, in USDC, with the integers of its chain.

The chain counts in quote quantums, millionths of a USDC: the worth of a position is cut off towards zero, and
both margins of each position are rounded up. Equity is the quote balance and the signed worth of every
position at the oracle's price; what a position cost is in the balance, so its entry price is 0.

The rates are those of the market's liquidity tier, one step for every size, as `dydx_terms.liquidity_tier`
makes them: open interest raises the initial one alone. The stored balance leaves out the funding since the
subaccount was last touched: a wallet has `dydx_terms.unsettled_funding` in it, from the `funding_index` that
position and market state.

Equality is safe at the venue, and a subaccount that is required nothing is not liquidated though it owes.
The chain takes the maintenance fraction of an initial margin that is rounded up already, and so may require
a quantum more of a position than the one rounding here does: a millionth of a USDC, whatever its size.

Not covered: what the protocol pays or accepts when it liquidates (bankruptcy quote and fillable price of an
order: no message tells them), the order in which it deleverages, and other collateral than USDC.
"""

from __future__ import annotations

from monitor.margin.arithmetic import ceil_to, floor_to
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Position, Requirement, Tier

QUANTUMS = 1_000_000  # in a USDC


@formula
def subaccount_leg(
    position: Position[N], instrument: Instrument[N], tier: Tier[N], price: N
) -> Requirement[N]:
    """What one position adds at the oracle's price, each figure a whole number of quantums when its cost is
    in the balance."""
    size = abs(position.quantity) * instrument.multiplier
    quantums = floor_to(size * price * QUANTUMS, 1)
    worth = quantums / QUANTUMS
    cost = size * position.entry_price
    reserved = ceil_to(quantums * tier.initial_rate, 1) / QUANTUMS
    required = ceil_to(quantums * tier.maintenance_rate, 1) / QUANTUMS
    if position.quantity < 0:
        return Requirement(cost - worth, reserved, required)
    return Requirement(worth - cost, reserved, required)


@formula
def dydx(pool: int, book: Book[N]) -> Requirement[N]:
    """One subaccount: total net collateral against the sum of the margins of its positions."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        tier = book.tiers[instrument.tier_first]
        leg = subaccount_leg(position, instrument, tier, book.quotes[instrument.mark])
        equity += leg.equity
        initial += leg.initial_margin
        maintenance += leg.maintenance_margin
    return Requirement(equity, initial, maintenance)
