"""Kraken futures: the multi-collateral wallet in cross, and the single-collateral wallets of inverse
contracts (MARGIN 10; support pages 360022632452, 15579128794772 and 4844463246100, undated).

Margins are on the value at entry, each slice at the rate of its own bracket, and maintenance margin is half
of initial margin throughout the schedules. Brackets of the multi-collateral wallet are in USD, those of an
inverse contract in contracts of a dollar. Each contract is in brackets of its own.

Multi-collateral, in USD: a balance counts less its haircut, unrealised profit in full. Of one underlying, the
long side and the short side are each added up, perpetuals and fixed maturities together, and the greater one
is what is required. Liquidation is where equity is below maintenance margin.

Not covered: that netting between isolated positions, which the venue does not do (each is a pool of its own);
requirements of clients in regions with lower leverage; conversion fees and interest on unrealised losses.
"""

from __future__ import annotations

from monitor.margin.common import charged, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def margin_at_entry(row: int, book: Book[N]) -> N:
    """Maintenance margin of one position, in its settle asset."""
    position = book.positions[row]
    instrument = book.instruments[position.instrument]
    size = abs(position.quantity) * instrument.multiplier
    if instrument.inverse:
        return charged(book.tiers, instrument.tier_first, instrument.tier_last, size) / position.entry_price
    return charged(book.tiers, instrument.tier_first, instrument.tier_last, size * position.entry_price)


@formula
def is_first_of_underlying(row: int, first: int, book: Book[N]) -> bool:
    """Whether no position from `first` on stands before this one in the same underlying."""
    underlying = book.instruments[book.positions[row].instrument].underlying
    for before in range(first, row):
        if book.instruments[book.positions[before].instrument].underlying == underlying:
            return False
    return True


@formula
def greater_side(leader: int, last: int, book: Book[N]) -> N:
    """Maintenance margin of the long or of the short side of the leader's underlying, whichever is more."""
    underlying = book.instruments[book.positions[leader].instrument].underlying
    longs = book.positions[leader].quantity * 0
    shorts = longs
    for row in range(leader, last):
        position = book.positions[row]
        if book.instruments[position.instrument].underlying == underlying:
            if position.quantity > 0:
                longs += margin_at_entry(row, book)
            else:
                shorts += margin_at_entry(row, book)
    return max(longs, shorts)


@formula
def kraken_multi(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral less its haircut and profit, against the greater side of each underlying; in USD."""
    account = book.pools[pool]
    first, last = account.position_first, account.position_last
    equity = book.balances[account.balance_first].wallet * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        index = book.quotes[asset.price]
        gain = -balance.order_loss
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            gain += unrealised(position.quantity, position.entry_price, mark, instrument)
        owned = balance.wallet - balance.borrowed
        if owned > 0:
            owned *= 1 - asset.bid_buffer
        if balance.collateral or owned < 0:
            equity += owned * index
        equity += gain * index
    for row in range(first, last):
        if is_first_of_underlying(row, first, book):
            maintenance += greater_side(row, last, book)
    return Requirement(equity, 2 * maintenance, maintenance)


@formula
def kraken_single(pool: int, book: Book[N]) -> Requirement[N]:
    """One coin and the inverse contracts that it margins; in that coin."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        maintenance += margin_at_entry(row, book)
    return Requirement(equity, 2 * maintenance, maintenance)
