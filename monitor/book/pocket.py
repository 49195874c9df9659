"""One pool in a small book of its own, with its own prices: change it, assess it, throw it away."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from monitor.book.compiled import INLINE, INNER
from monitor.book.tables import empty_rows
from monitor.margin import rows as row_types
from monitor.margin.black import option_mark
from monitor.margin.common import notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book

EVERY = -2  # in the place of an underlying: all of them; what follows none is -1


class Pocket(NamedTuple):
    """A pool that may be changed, and what it is changed from."""

    book: Book[float]  # of one pool, with rows and quotes of its own; all other tables are the book's
    positions: Any  # as the pool holds them
    balances: Any
    quotes: Any  # the book's


def pocket_for(book: Book[float], positions: int, balances: int) -> Pocket:
    """A pocket with room for the largest pool."""
    positions, balances = max(1, positions), max(1, balances)
    small = book._replace(
        pools=empty_rows(row_types.Pool, 1),
        balances=empty_rows(row_types.Balance, balances),
        positions=empty_rows(row_types.Position, positions),
        quotes=np.zeros(len(book.quotes)),  # type: ignore[arg-type]
    )
    held = empty_rows(row_types.Position, positions), empty_rows(row_types.Balance, balances)
    return Pocket(small, *held, book.quotes)


def renewed(pocket: Pocket, book: Book[float]) -> Pocket:
    """The same pocket for the book as it is now, with as many quotes."""
    mine = pocket.book
    now = book._replace(
        pools=mine.pools, balances=mine.balances, positions=mine.positions, quotes=mine.quotes
    )
    return pocket._replace(book=now, quotes=book.quotes)


def alone(pool: int, book: Any) -> Any:
    """The book with copies of this pool and its rows, and of no others."""
    account = book.pools[pool]
    leg, line = int(account.position_first), int(account.balance_first)
    pools = book.pools[pool : pool + 1].copy()
    balances = book.balances[line : int(account.balance_last)].copy()
    positions = book.positions[leg : int(account.position_last)].copy()
    for rows in (pools, balances):
        rows["position_first"] -= leg
        rows["position_last"] -= leg
    pools["balance_first"] -= line
    pools["balance_last"] -= line
    return book._replace(pools=pools, balances=balances, positions=positions)


def taken_out(pool: int, book: Any) -> Pocket:
    """The pool in a pocket of its own: for a change by plain Python, where nobody counts the time."""
    small = alone(pool, book)
    return Pocket(small, small.positions.copy(), small.balances.copy(), book.quotes)


@njit(**INNER)
def fill(pool, book, pocket):  # type: ignore[no-untyped-def]
    """Copies a pool, its rows and the prices that it reads into the pocket."""
    source, small = book.pools[pool], pocket.book
    small.pools[0] = source
    mine = small.pools[0]
    mine.position_first = 0
    mine.position_last = source.position_last - source.position_first
    mine.balance_first = 0
    mine.balance_last = source.balance_last - source.balance_first
    for k in range(mine.position_last):
        pocket.positions[k] = book.positions[source.position_first + k]
        small.positions[k] = pocket.positions[k]
        copy_quotes(book.instruments[small.positions[k].instrument], book, small.quotes)
    for k in range(mine.balance_last):
        pocket.balances[k] = book.balances[source.balance_first + k]
        pocket.balances[k].position_first -= source.position_first
        pocket.balances[k].position_last -= source.position_first
        small.balances[k] = pocket.balances[k]
        asset = book.assets[small.balances[k].asset]
        small.quotes[asset.price] = book.quotes[asset.price]
        small.quotes[asset.average] = book.quotes[asset.average]


@njit(**INLINE)
def copy_quotes(instrument, book, quotes):  # type: ignore[no-untyped-def]
    """All numbers that are measured of an instrument."""
    quotes[instrument.mark] = book.quotes[instrument.mark]
    quotes[instrument.index] = book.quotes[instrument.index]
    quotes[instrument.funding] = book.quotes[instrument.funding]
    if instrument.option >= 0:
        option = book.options[instrument.option]
        quotes[option.forward] = book.quotes[option.forward]
        quotes[option.volatility] = book.quotes[option.volatility]
        quotes[option.years] = book.quotes[option.years]
    if instrument.unit >= 0:
        index = book.units[instrument.unit].index
        quotes[index] = book.quotes[index]
        quotes[instrument.years] = book.quotes[instrument.years]


@njit(**INNER)
def list_underlyings(small, underlyings):  # type: ignore[no-untyped-def]
    """Writes each underlying of a pocket's pool, once; answers how many. What follows none stays."""
    count = 0
    lines = small.pools[0].balance_last
    for k in range(lines + small.pools[0].position_last):
        if k < lines:
            underlying = small.assets[small.balances[k].asset].underlying
        else:
            underlying = small.instruments[small.positions[k - lines].instrument].underlying
        if underlying >= 0 and not is_among(underlying, underlyings, count):
            underlyings[count] = underlying
            count += 1
    return count


@njit(**INNER)
def is_among(value, values, count):  # type: ignore[no-untyped-def]
    """Whether one of the first `count` values is this one."""
    found = False
    for k in range(count):
        found |= values[k] == value
    return found


@njit(**INNER)
def follows(mine, underlying):  # type: ignore[no-untyped-def]
    """Whether what is of the underlying `mine` moves with this one."""
    return mine == underlying or (underlying == EVERY and mine >= 0)


@njit(**INNER)
def move_underlying(underlying, factor, pocket):  # type: ignore[no-untyped-def]
    """All instruments and collateral of one underlying, or of EVERY one, at `factor` times the book's price;
    options are repriced."""
    small = pocket.book
    for k in range(small.pools[0].position_last):
        instrument = small.instruments[small.positions[k].instrument]
        if follows(instrument.underlying, underlying):
            move_instrument(instrument, factor, pocket)
    for k in range(small.pools[0].balance_last):
        asset = small.assets[small.balances[k].asset]
        if follows(asset.underlying, underlying):
            small.quotes[asset.price] = pocket.quotes[asset.price] * factor


@njit(**INNER)
def move_instrument(instrument, factor, pocket):  # type: ignore[no-untyped-def]
    """One instrument as it is priced when its underlying stands at `factor` of its price."""
    small, quotes = pocket.book, pocket.quotes
    small.quotes[instrument.index] = quotes[instrument.index] * factor
    if instrument.unit >= 0:
        index = small.units[instrument.unit].index
        small.quotes[index] = quotes[index] * factor
    if instrument.option < 0:
        small.quotes[instrument.mark] = quotes[instrument.mark] * factor
    else:
        option = small.options[instrument.option]
        small.quotes[option.forward] = quotes[option.forward] * factor
        small.quotes[instrument.mark] = repriced(instrument, option, factor, quotes)


@njit(**INNER)
def repriced(instrument, option, factor, quotes):  # type: ignore[no-untyped-def]
    """The mark of an option after a move: the venue's, and what Black-76 says that the move adds."""
    mark = quotes[instrument.mark]
    if factor == 1:
        return mark
    forward, volatility, years = quotes[option.forward], quotes[option.volatility], quotes[option.years]
    before = option_mark(instrument, option, forward, volatility, years)
    after = option_mark(instrument, option, forward * factor, volatility, years)
    return max(mark + after - before, 0.0)


@njit(**INNER)
def show_only(first, last, pocket):  # type: ignore[no-untyped-def]
    """The pool has its positions from `first` up to `last`, and no others."""
    small = pocket.book
    small.pools[0].position_first = first
    small.pools[0].position_last = last
    for k in range(small.pools[0].balance_last):
        whole, mine = pocket.balances[k], small.balances[k]
        mine.position_first = max(first, whole.position_first)
        mine.position_last = max(mine.position_first, min(last, whole.position_last))


@formula
def top_up(line: int, amount: float, pocket: Pocket) -> None:
    """One balance with `amount` more in its wallet."""
    pocket.book.balances[line].wallet = pocket.balances[line].wallet + amount


@formula
def cut(place: int, fraction: float, pocket: Pocket) -> None:
    """One position smaller by `fraction` of itself, closed at mark: its profit less the taker fee goes to
    its balance."""
    small, whole = pocket.book, pocket.positions[place]
    instrument = small.instruments[whole.instrument]
    mark = pocket.quotes[instrument.mark]
    small.positions[place].quantity = whole.quantity * (1 - fraction)
    if instrument.option < 0:
        fee = notional(abs(whole.quantity), mark, instrument) * instrument.taker_fee
        realised = fraction * (unrealised(whole.quantity, whole.entry_price, mark, instrument) - fee)
    else:  # bought back, or sold, at its mark, whatever it is marked in
        worth = whole.quantity * instrument.multiplier * mark
        realised = fraction * (worth - abs(worth) * instrument.taker_fee)
    for k in range(small.pools[0].balance_last):
        if small.balances[k].position_first <= place < small.balances[k].position_last:
            top_up(k, realised, pocket)
