"""The same small book twice: as lists of Decimal rows, and as the record arrays of the daemon."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from monitor.book.bounds import Scratch, scratch_for
from monitor.book.compiled import compile_models
from monitor.book.pocket import Pocket, pocket_for
from monitor.book.shared import shared_of
from monitor.book.solve import Solver, Survey
from monitor.book.tables import empty_rows
from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS, Needs
from monitor.margin.rows import (
    Asset,
    Balance,
    Book,
    Instrument,
    Option,
    Pool,
    Position,
    Requirement,
    RiskUnit,
    Scenario,
    Tier,
)
from tests.support import small_market
from tests.support.small_market import Coin, Contract, Line, OptionTerms, SmallPool

NAMES = tuple(MODELS)
COMPUTING = tuple(name for name in NAMES if not MODELS[name].is_told)
UNDER_TIERS = tuple(name for name in COMPUTING if Needs.TIERS in MODELS[name].needs)  # that hold perpetuals
# By model: more than what its venue's rounding takes from a small pool and gives back, in the pool's unit.
QUANTA = {"dydx": 1e-5}
ROW_TYPES = (Pool, Balance, Position, Instrument, Option, RiskUnit, Scenario, Asset, Tier)


class Rows:
    """Tables of Decimal rows, filled pool by pool; a contract or coin is entered once."""

    def __init__(self) -> None:
        self.book: Book[Decimal] = Book([], [], [], [], [], [], [], [], [], [])
        self.underlyings: dict[str, int] = {}
        self._units: dict[small_market.RiskUnit, int] = {}
        self._contracts: dict[Contract, int] = {}
        self._coins: dict[Coin, int] = {}

    def add(self, pool: SmallPool) -> None:
        """A pool with all that it reads."""
        book = self.book
        first, first_leg = len(book.balances), len(book.positions)
        for line in pool.lines:
            self._add_line(line)
        spans = (first, len(book.balances), first_leg, len(book.positions))
        row = Pool(NAMES.index(pool.model), *spans, 0, 0, pool.category, pool.threshold, *pool.told)
        _append(book.pools, row)

    def _add_line(self, line: Line) -> None:
        book = self.book
        first = len(book.positions)
        for leg in line.legs:
            held = (leg.quantity, leg.entry_price, leg.leverage, leg.bids, leg.asks)
            _append(book.positions, Position(self._contract(leg.contract), *held))
        amounts = (line.wallet, line.borrowed, line.order_loss)
        span = (first, len(book.positions))
        _append(book.balances, Balance(self._coin(line.coin), *span, *amounts, int(line.collateral)))

    def _contract(self, contract: Contract) -> int:
        if contract not in self._contracts:
            self._contracts[contract] = len(self.book.instruments)
            underlying = self._underlying(contract.underlying or contract.name)
            first, last = self._tiers(contract.tiers)
            terms = (contract.multiplier, contract.taker_fee, first, last, int(contract.inverse))
            mark = self._quote(contract.mark)
            index = mark if contract.index is None else self._quote(contract.index)
            others = (self._option(contract.option), self._unit(contract.unit), index)
            funding = self._quote(contract.funding)
            years = self._years(contract, others[0], funding)
            gains = (contract.gain_rate, contract.gain_initial, contract.gain_slope, contract.ceiling)
            row = Instrument(mark, underlying, *terms, *others, funding, years, *gains)
            _append(self.book.instruments, row)
        return self._contracts[contract]

    def _years(self, contract: Contract, option: int, funding: int) -> int:
        """Its own row of quotes where it expires; else one that is 0, which its funding is then."""
        if option >= 0:
            return self.book.options[option].years
        return funding if contract.years == contract.funding else self._quote(contract.years)

    def _option(self, terms: OptionTerms | None) -> int:
        if terms is None:
            return -1
        forward, volatility = self._quote(terms.forward), self._quote(terms.volatility)
        rates = (terms.initial_rate, terms.initial_floor, terms.maintenance_rate, terms.liquidation_rate)
        measured = (forward, volatility, self._quote(terms.years))
        _append(self.book.options, Option(terms.strike, terms.side, *measured, *rates))
        return len(self.book.options) - 1

    def _unit(self, unit: small_market.RiskUnit | None) -> int:
        if unit is None:
            return -1
        if unit not in self._units:
            self._units[unit] = len(self.book.units)
            first = len(self.book.scenarios)
            for point in unit.scenarios:
                _append(self.book.scenarios, Scenario(*dataclasses.astuple(point)))
            spans = (first, len(self.book.scenarios), *self._tiers(unit.tiers))
            rates = (getattr(unit, field.name) for field in dataclasses.fields(unit)[5:])
            _append(self.book.units, RiskUnit(self._quote(unit.index), *spans, int(unit.inverse), *rates))
        return self._units[unit]

    def _coin(self, coin: Coin) -> int:
        if coin not in self._coins:
            self._coins[coin] = len(self.book.assets)
            underlying = self._underlying(coin.underlying) if coin.underlying else -1
            price = self._quote(coin.price)
            average = price if coin.average is None else self._quote(coin.average)
            first = (price, underlying, coin.bid_buffer, coin.ask_buffer)
            schedules = (*self._tiers(coin.tiers), *self._tiers(coin.liability))
            rates = (coin.category_rate, coin.category_initial)
            _append(self.book.assets, Asset(*first, *schedules, coin.category, *rates, average))
        return self._coins[coin]

    def _underlying(self, name: str) -> int:
        return self.underlyings.setdefault(name, len(self.underlyings))

    def _quote(self, price: Decimal) -> int:
        self.book.quotes.append(price)
        return len(self.book.quotes) - 1

    def _tiers(self, steps: Sequence[MarginTier]) -> tuple[int, int]:
        if not steps:
            return 0, 0  # no schedule lies nowhere, rather than beside another
        first = len(self.book.tiers)
        for step in steps:
            rates = (step.maintenance_rate, step.initial_rate, step.deduction, step.slope)
            _append(self.book.tiers, Tier(step.floor, *rates))
        return first, len(self.book.tiers)


def decimal_book(*pools: SmallPool) -> Book[Decimal]:
    """The pools as lists of Decimal rows."""
    rows = Rows()
    for pool in pools:
        rows.add(pool)
    return rows.book


def float_book(*pools: SmallPool) -> Book[float]:
    """The same pools as record arrays."""
    return as_arrays(decimal_book(*pools))


def as_arrays(book: Book[Decimal]) -> Book[float]:
    """Record arrays of a book of Decimal rows, field by field."""
    *tables, quotes = book
    arrays: list[Any] = [_array(kind, table) for kind, table in zip(ROW_TYPES, tables, strict=True)]
    arrays.append(np.array([float(price) for price in quotes]))
    return Book._make(arrays)


def _array(kind: type, table: Sequence[Any]) -> Any:
    array = empty_rows(kind, len(table))
    for place, row in enumerate(table):
        array[place] = dataclasses.astuple(row)
    return array


def _append(table: Any, row: Any) -> None:
    table.append(row)


@cache
def solver() -> Solver:
    """A solver of every model."""
    return Solver(compile_models(NAMES), [MODELS[name].convexity for name in NAMES])


def pocket_of(book: Book[float]) -> Pocket:
    """A pocket that any pool of the book fits into."""
    return pocket_for(book, len(book.positions), len(book.balances))


def scratch_of(book: Book[float]) -> Scratch:
    """What the bounds write on, enough for any pool of the book."""
    return scratch_for(book, pocket_of(book), shared_of(book).each)


def surveyed(pool: SmallPool, level: float = 1.0, most: float = 0.0) -> Survey:
    """What the solver finds of a pool that is alone in its book."""
    book = float_book(pool)
    return solver().survey(0, level, most, book, pocket_of(book))


def price_of(pool: SmallPool, place: int = 0) -> float:
    """The liquidation price of one leg by the venue's convention; nan for none."""
    return float(surveyed(pool).legs.price[place])


def moves_of(pool: SmallPool) -> dict[str, tuple[float, float]]:
    """The liquidating factors of each underlying by its name, lower and upper; nan for none."""
    rows = Rows()
    rows.add(pool)
    names = {number: name for name, number in rows.underlyings.items()}
    found = surveyed(pool).moves
    return {
        names[int(u)]: (float(lower), float(upper))
        for u, lower, upper in zip(found.underlying, found.lower, found.upper, strict=True)
    }


def requirement(pool: SmallPool) -> Requirement[float]:
    """What a pool that is alone in its book requires; numbers of Python's, also where nothing is compiled."""
    found: Requirement[float] = Requirement(*map(float, solver().assess(0, float_book(pool))))
    return found
