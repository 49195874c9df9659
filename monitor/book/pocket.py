"""One pool in a small book of its own, with its own prices: change it, assess it, throw it away."""

from __future__ import annotations

import numpy as np
from numba import njit

from monitor.book.compiled import INNER
from monitor.book.tables import empty_rows
from monitor.margin import rows as row_types
from monitor.margin.black import option_mark
from monitor.margin.common import notional, unrealised
from monitor.margin.rows import Book


def pocket_for(book: Book[float], positions: int, balances: int) -> Book[float]:
    """A pocket with room for the largest pool; instruments, assets and tiers are the book's own."""
    return book._replace(
        pools=empty_rows(row_types.Pool, 1),
        balances=empty_rows(row_types.Balance, max(1, balances)),
        positions=empty_rows(row_types.Position, max(1, positions)),
        quotes=np.zeros(len(book.quotes)),  # type: ignore[arg-type]
    )


@njit(**INNER)
def fill(pool, book, pocket):  # type: ignore[no-untyped-def]
    """Copies a pool, its rows and the prices that it reads into the pocket."""
    source = book.pools[pool]
    pocket.pools[0] = source
    mine = pocket.pools[0]
    mine.position_first = 0
    mine.position_last = source.position_last - source.position_first
    mine.balance_first = 0
    mine.balance_last = source.balance_last - source.balance_first
    for k in range(mine.position_last):
        pocket.positions[k] = book.positions[source.position_first + k]
    for k in range(mine.balance_last):
        pocket.balances[k] = book.balances[source.balance_first + k]
        pocket.balances[k].position_first -= source.position_first
        pocket.balances[k].position_last -= source.position_first
    for k in range(mine.position_last):
        copy_quotes(book.instruments[pocket.positions[k].instrument], book, pocket)
    for k in range(pocket.pools[0].balance_last):
        asset = book.assets[pocket.balances[k].asset]
        pocket.quotes[asset.price] = book.quotes[asset.price]
        pocket.quotes[asset.average] = book.quotes[asset.average]


@njit(**INNER)
def copy_quotes(instrument, book, pocket):  # type: ignore[no-untyped-def]
    """All numbers that are measured of an instrument."""
    pocket.quotes[instrument.mark] = book.quotes[instrument.mark]
    pocket.quotes[instrument.index] = book.quotes[instrument.index]
    pocket.quotes[instrument.funding] = book.quotes[instrument.funding]
    if instrument.option >= 0:
        option = book.options[instrument.option]
        pocket.quotes[option.forward] = book.quotes[option.forward]
        pocket.quotes[option.volatility] = book.quotes[option.volatility]
        pocket.quotes[option.years] = book.quotes[option.years]
    if instrument.unit >= 0:
        index = book.units[instrument.unit].index
        pocket.quotes[index] = book.quotes[index]
        pocket.quotes[instrument.years] = book.quotes[instrument.years]


@njit(**INNER)
def list_underlyings(book, pocket, underlyings):  # type: ignore[no-untyped-def]
    """Writes each underlying of the pool in the pocket, once; answers how many. What follows none stays."""
    count = 0
    lines = pocket.pools[0].balance_last
    for k in range(lines + pocket.pools[0].position_last):
        if k < lines:
            underlying = book.assets[pocket.balances[k].asset].underlying
        else:
            underlying = book.instruments[pocket.positions[k - lines].instrument].underlying
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
def move_underlying(underlying, factor, book, pocket):  # type: ignore[no-untyped-def]
    """All instruments and collateral of one underlying at `factor` times the book's price; options are
    repriced."""
    for k in range(pocket.pools[0].position_last):
        instrument = book.instruments[pocket.positions[k].instrument]
        if instrument.underlying == underlying:
            move_instrument(instrument, factor, book, pocket)
    for k in range(pocket.pools[0].balance_last):
        asset = book.assets[pocket.balances[k].asset]
        if asset.underlying == underlying:
            pocket.quotes[asset.price] = book.quotes[asset.price] * factor


@njit(**INNER)
def move_instrument(instrument, factor, book, pocket):  # type: ignore[no-untyped-def]
    """One instrument as it is priced when its underlying stands at `factor` of its price."""
    pocket.quotes[instrument.index] = book.quotes[instrument.index] * factor
    if instrument.unit >= 0:
        index = book.units[instrument.unit].index
        pocket.quotes[index] = book.quotes[index] * factor
    if instrument.option < 0:
        pocket.quotes[instrument.mark] = book.quotes[instrument.mark] * factor
    else:
        option = book.options[instrument.option]
        forward = book.quotes[option.forward]
        pocket.quotes[option.forward] = forward * factor
        pocket.quotes[instrument.mark] = repriced(instrument, option, forward, factor, book)


@njit(**INNER)
def repriced(instrument, option, forward, factor, book):  # type: ignore[no-untyped-def]
    """The mark of an option after a move: the venue's, and what Black-76 says that the move adds."""
    mark = book.quotes[instrument.mark]
    if factor == 1:
        return mark
    volatility, years = book.quotes[option.volatility], book.quotes[option.years]
    before = option_mark(instrument, option, forward, volatility, years)
    after = option_mark(instrument, option, forward * factor, volatility, years)
    return max(mark + after - before, 0.0)


@njit(**INNER)
def top_up(line, amount, pool, book, pocket):  # type: ignore[no-untyped-def]
    """One balance with `amount` more in its wallet."""
    pocket.balances[line].wallet = book.balances[book.pools[pool].balance_first + line].wallet + amount


@njit(**INNER)
def show_only(first, last, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The pool in the pocket has its positions from `first` up to `last`, and no others."""
    pocket.pools[0].position_first = first
    pocket.pools[0].position_last = last
    source = book.pools[pool]
    for k in range(pocket.pools[0].balance_last):
        whole = book.balances[source.balance_first + k]
        mine = pocket.balances[k]
        mine.position_first = max(first, whole.position_first - source.position_first)
        mine.position_last = max(mine.position_first, min(last, whole.position_last - source.position_first))


@njit(**INNER)
def cut(place, fraction, pool, book, pocket):  # type: ignore[no-untyped-def]
    """One position smaller by `fraction` of itself, closed at mark: its profit less the taker fee goes to
    its balance."""
    whole = book.positions[book.pools[pool].position_first + place]
    instrument = book.instruments[whole.instrument]
    mark = book.quotes[instrument.mark]
    pocket.positions[place].quantity = whole.quantity * (1 - fraction)
    if instrument.option < 0:
        fee = notional(abs(whole.quantity), mark, instrument) * instrument.taker_fee
        realised = fraction * (unrealised(whole.quantity, whole.entry_price, mark, instrument) - fee)
    else:  # bought back, or sold, at its mark, whatever it is marked in
        worth = whole.quantity * instrument.multiplier * mark
        realised = fraction * (worth - abs(worth) * instrument.taker_fee)
    for k in range(pocket.pools[0].balance_last):
        if pocket.balances[k].position_first <= place < pocket.balances[k].position_last:
            top_up(k, realised, pool, book, pocket)
