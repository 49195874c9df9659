"""What amounts and sizes are worth in a pool's own unit."""

from __future__ import annotations

import math

from monitor.book.placing import PlacedPool, Placing
from monitor.domain.instrument import Instrument, Kind
from monitor.margin.rows import Book


def price_of_line(row: int, line: int, book: Book[float]) -> float:
    """The price of the asset of one balance of a pool, in the pool's unit."""
    balance = book.balances[book.pools[row].balance_first + line]
    return float(book.quotes[book.assets[balance.asset].price])


def mark_of(instrument: Instrument, placing: Placing, book: Book[float]) -> float:
    """Its mark; nan where none is known."""
    row = placing.mark_row(instrument.id)
    return math.nan if row is None else float(book.quotes[row])


def notional_of(instrument: Instrument, size: float, mark: float) -> float:
    """Value of an unsigned size, in the settle asset."""
    coins = size * float(instrument.multiplier)
    return coins / mark if instrument.kind is Kind.INVERSE else coins * mark


def trade_worth(
    pool: PlacedPool, instrument: Instrument, size: float, placing: Placing, book: Book[float]
) -> float:
    """Value of an unsigned size at its mark, in the pool's unit."""
    line = pool.assets.index(instrument.settle_asset)
    mark = mark_of(instrument, placing, book)
    return notional_of(instrument, size, mark) * price_of_line(pool.row, line, book)
