"""One pool's rows of the live tables as rows of traced numbers, each named as a person would say it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from monitor.book.tables import KINDS
from monitor.explain.traced import Traced
from monitor.margin import rows
from monitor.margin.rows import Book

QuoteName = Callable[[int], str]
SHARED: dict[str, type] = {
    "instruments": rows.Instrument,
    "options": rows.Option,
    "units": rows.RiskUnit,
    "scenarios": rows.Scenario,
    "assets": rows.Asset,
    "tiers": rows.Tier,
}


class NamedRows(NamedTuple):
    """A book of one pool (row 0), and what its rows are called, by their identity."""

    book: Book[float]
    headings: Mapping[int, str]
    quotes: Quotes


class Names(NamedTuple):
    """What things of the pool are called: its balances and positions in the order of their rows."""

    assets: tuple[str, ...]
    legs: tuple[str, ...]
    quote: QuoteName


def named_rows(pool: int, book: Book[float], names: Names) -> NamedRows:
    """The pool with all that it reads. Tables that pools share keep their places, so that a row is found
    where the formula looks for it."""
    source: Any = book.pools[pool]
    first_leg, first_line = int(source.position_first), int(source.balance_first)
    legs = [_row(rows.Position, book.positions[row]) for row in range(first_leg, int(source.position_last))]
    lines = [_row(rows.Balance, book.balances[row]) for row in range(first_line, int(source.balance_last))]
    for line in lines:
        line.position_first -= first_leg
        line.position_last -= first_leg
    mine = _row(rows.Pool, source)
    mine.position_first, mine.position_last = 0, len(legs)
    mine.balance_first, mine.balance_last = 0, len(lines)
    headings = {id(leg): name for leg, name in zip(legs, names.legs, strict=True)}
    headings |= {id(line): name for line, name in zip(lines, names.assets, strict=True)}
    quotes = Quotes(book.quotes, names.quote)
    shared = {name: _Lazy(kind, getattr(book, name)) for name, kind in SHARED.items()}
    tables: Any = {"pools": [mine], "balances": lines, "positions": legs, "quotes": quotes} | shared
    return NamedRows(Book(**tables), headings, quotes)


class _Lazy:
    """A table of traced rows, each made when it is looked at, once."""

    def __init__(self, kind: type, table: Any) -> None:
        self._kind = kind
        self._table = table
        self._rows: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, row: int) -> Any:
        if row not in self._rows:
            self._rows[row] = _row(self._kind, self._table[row])
        return self._rows[row]


class Quotes:
    """Measured numbers, by the names of what they measure."""

    def __init__(self, values: Any, name: QuoteName) -> None:
        self._values = values
        self._name = name
        self.read: dict[int, Traced] = {}

    def __getitem__(self, row: int) -> Traced:
        row = int(row)
        if row not in self.read:
            self.read[row] = Traced(float(self._values[row]), self._name(row))
        return self.read[row]


def _row(kind: Any, source: Any) -> Any:
    """A row of this kind: places and codes as integers, numbers traced under the words of their field."""
    values = {}
    for field in dataclasses.fields(kind):
        value = getattr(source, field.name)
        is_number = str(field.type) == "N"
        values[field.name] = Traced(float(value), field.name.replace("_", " ")) if is_number else int(value)
    assert all(str(field.type) in KINDS for field in dataclasses.fields(kind))
    return kind(**values)
