"""How far the stablecoins of a pool stand from their peg, where the venue tells what they are worth in USD.

A pool that counts in one stablecoin takes it for 1: its venue does, so no price of it is read. Pools that
count in USD (multi-assets mode, unified accounts) read one for each asset.
"""

from __future__ import annotations

from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes, price_name

UNIT = "USD"
# Meant to be worth a dollar; not what grows by interest (BFUSD, LDUSDT), nor another currency's (EURI).
OF_A_DOLLAR = frozenset(
    ["USDT", "USDC", "FDUSD", "BUSD", "DAI", "USDE", "PYUSD", "TUSD", "USD1", "USDD", "USDTB", "USDS"]
)


def farthest_from_peg(pool: PlacedPool, placing: Placing, quotes: Quotes) -> float | None:
    """The greatest distance from 1 of the stablecoins that the pool holds or owes; None where no price of one
    is known."""
    if pool.fact.unit != UNIT or pool.is_told:
        return None
    book = placing.columns.book(quotes.values)
    first = int(book.pools[pool.row].balance_first)
    found = []
    for line, asset in enumerate(pool.assets):
        balance = book.balances[first + line]
        row = quotes.find(price_name(pool.venue, asset)) if asset in OF_A_DOLLAR else None
        if row is not None and not quotes.reasons[row] and (balance.wallet or balance.borrowed):
            found.append(abs(float(quotes.values[row]) - 1))
    return max(found, default=None)
