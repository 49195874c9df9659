"""How far things may move: liquidating moves and prices, collateral to add, positions to cut. All by searching the model itself.

One outward search serves all. It is exact where maintenance less equity is convex in what is changed, which every
present model declares; one that does not is walked in fine steps.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from monitor.book.compiled import LOOP
from monitor.book.pocket import cut, fill, move_underlying, pocket_for, top_up
from monitor.margin.rows import Book, Requirement

UNDERLYING, PRICE, TOP_UP, CUT = range(4)
FAR_LOG_MOVE = 9.2  # a price at a ten-thousandth, or at ten thousand times
FIRST_LOG_STEP = 0.01
CONVEX_GROWTH = 2.0
FINE_GROWTH = 1.0
TOLERANCE = 1e-13
TURNS = 200
LIQUIDATION = 1.0


@njit(**LOOP)
def excess(models, level, pocket):  # type: ignore[no-untyped-def]
    """Maintenance over `level` of equity; at or above zero is breached. Nothing required is never breached."""
    found = models[pocket.pools[0].model](0, pocket)
    if found.maintenance_margin <= 0:
        return -abs(found.equity) - 1e-300
    return found.maintenance_margin - level * found.equity


@njit(**LOOP)
def change(kind, target, x, pool, book, pocket):  # type: ignore[no-untyped-def]
    """Writes the pocket as it is after a change of size `x`: a logarithmic move, an amount, or a fraction."""
    if kind == UNDERLYING:
        move_underlying(target, math.exp(x), book, pocket)
    elif kind == PRICE:
        mark = book.instruments[pocket.positions[target].instrument].mark
        pocket.quotes[mark] = book.quotes[mark] * math.exp(x)
    elif kind == TOP_UP:
        top_up(target, x, pool, book, pocket)
    else:
        cut(target, x, pool, book, pocket)


@njit(**LOOP)
def flip(models, kind, target, step, growth, far, level, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The change nearest to zero at which breached turns to not breached or back, on its far side; nan if none before `far`."""
    a, f_a = 0.0, excess(models, level, pocket)
    breached = f_a >= 0
    if growth > 1:  # convex: the far end alone says that there is none
        change(kind, target, far, pool, book, pocket)
        if (excess(models, level, pocket) >= 0) == breached:
            return math.nan
    b, f_b = a, f_a
    while (f_b >= 0) == breached:
        if b == far:
            return math.nan
        a, f_a = b, f_b
        b = b + step if abs(b + step) < abs(far) else far
        step *= growth
        change(kind, target, b, pool, book, pocket)
        f_b = excess(models, level, pocket)
    return closed_in(models, kind, target, a, f_a, b, f_b, breached, level, pool, book, pocket)


@njit(**LOOP)
def closed_in(models, kind, target, a, f_a, b, f_b, breached, level, pool, book, pocket):  # type: ignore[no-untyped-def]
    """Narrows a..b down to where breached changes, by regula falsi with a bisection every third turn: finds a jump as well."""
    for turn in range(TURNS):
        if abs(b - a) <= TOLERANCE * abs(b):
            break
        c = (a + b) / 2 if turn % 3 == 2 else b - f_b * (b - a) / (f_b - f_a)
        if not min(a, b) < c < max(a, b):
            c = (a + b) / 2
            if c in (a, b):
                break
        change(kind, target, c, pool, book, pocket)
        f_c = excess(models, level, pocket)
        if (f_c >= 0) == breached:
            a, f_a, f_b = c, f_c, f_b / 2
        else:
            b, f_b, f_a = c, f_c, f_a / 2
    return b


@njit(**LOOP)
def searched(models, kind, target, step, growth, far, level, pool, book, pocket):  # type: ignore[no-untyped-def]
    """`flip`, and the pocket is as before."""
    found = flip(models, kind, target, step, growth, far, level, pool, book, pocket)
    change(kind, target, 0.0, pool, book, pocket)
    return found


@njit(**LOOP)
def moves_of(models, growth, pool, book, pocket, underlyings, lower, upper):  # type: ignore[no-untyped-def]
    """The liquidating factors of each underlying of the pool: writes them, nan where none; answers how many underlyings."""
    fill(pool, book, pocket)
    breached = excess(models, LIQUIDATION, pocket) >= 0
    count = 0
    lines = pocket.pools[0].balance_last
    for k in range(pocket.pools[0].position_last + lines):
        if k < lines:
            underlying = book.assets[pocket.balances[k].asset].underlying
        else:
            underlying = book.instruments[pocket.positions[k - lines].instrument].underlying
        if underlying < 0 or underlying in underlyings[:count]:
            continue
        underlyings[count] = underlying
        if breached:
            lower[count] = upper[count] = 1.0
        else:
            step = FIRST_LOG_STEP
            far = FAR_LOG_MOVE
            lower[count] = math.exp(
                searched(models, UNDERLYING, underlying, -step, growth, -far, LIQUIDATION, pool, book, pocket)
            )
            upper[count] = math.exp(
                searched(models, UNDERLYING, underlying, step, growth, far, LIQUIDATION, pool, book, pocket)
            )
        count += 1
    return count


@njit(**LOOP)
def nearest_moves(models, growths, rows, book, pocket, underlyings, lower, upper, distance):  # type: ignore[no-untyped-def]
    """Writes into `distance` the nearest liquidating move of each of `rows`, as a fraction; inf where none."""
    for pool in rows:
        growth = growths[book.pools[pool].model]
        count = moves_of(models, growth, pool, book, pocket, underlyings, lower, upper)
        nearest = math.inf
        for k in range(count):
            if not math.isnan(lower[k]):
                nearest = min(nearest, 1 - lower[k])
            if not math.isnan(upper[k]):
                nearest = min(nearest, upper[k] - 1)
        distance[pool] = nearest


@njit(**LOOP)
def venue_prices(models, growth, pool, book, pocket, prices):  # type: ignore[no-untyped-def]
    """Writes each position's liquidation price by the venue's convention, the others held at mark; nan where none."""
    fill(pool, book, pocket)
    for k in range(pocket.pools[0].position_last):
        position = pocket.positions[k]
        side = 1.0 if position.quantity > 0 else -1.0
        mark = book.quotes[book.instruments[position.instrument].mark]
        if excess(models, LIQUIDATION, pocket) >= 0:
            side = -side  # liquidated already: the price that would end it lies on the other side
        step = -side * FIRST_LOG_STEP
        far = -side * FAR_LOG_MOVE
        prices[k] = mark * math.exp(
            searched(models, PRICE, k, step, growth, far, LIQUIDATION, pool, book, pocket)
        )


@njit(**LOOP)
def alone(models, place, pool, book, pocket):  # type: ignore[no-untyped-def]
    """What the pool would require with this one position in it."""
    fill(pool, book, pocket)
    position = pocket.positions[place]
    pocket.positions[0] = position
    pocket.pools[0].position_last = 1
    for k in range(pocket.pools[0].balance_last):
        line = pocket.balances[k]
        holds = line.position_first <= place < line.position_last
        line.position_first = 0
        line.position_last = 1 if holds else 0
    return models[pocket.pools[0].model](0, pocket)


@njit(**LOOP)
def without(models, place, pool, book, pocket):  # type: ignore[no-untyped-def]
    """What the pool would require without this one position."""
    fill(pool, book, pocket)
    pocket.positions[place].quantity = 0.0
    return models[pocket.pools[0].model](0, pocket)


@njit(**LOOP)
def needed(models, kind, target, far, growth, level, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The smallest change towards `far` that brings the pool below `level`; nan if none does."""
    fill(pool, book, pocket)
    return searched(models, kind, target, far / 1024, growth, far, level, pool, book, pocket)


@njit(**LOOP)
def assess(models, pool, book):  # type: ignore[no-untyped-def]
    """One pool's requirement."""
    return models[book.pools[pool].model](pool, book)


@njit(**LOOP)
def after(models, kind, target, x, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The requirement after a change."""
    fill(pool, book, pocket)
    change(kind, target, x, pool, book, pocket)
    return models[pocket.pools[0].model](0, pocket)


class Moves(NamedTuple):
    """Liquidating moves of one underlying, as fractions of its price; None where none liquidates."""

    underlying: int
    lower: float | None
    upper: float | None


class Solver:
    """The searches for Python callers. `growths` by model: 2 for convex ones, 1 walks finely."""

    def __init__(self, models: Any, growths: list[float]) -> None:
        self.models = models
        self.growths = np.array(growths)
        self._pocket: Book[float] | None = None
        self._room = (0, 0, 0)

    def pocket(self, book: Book[float], positions: int, balances: int) -> Book[float]:
        """A pocket that fits, made anew when the book's tables were."""
        held = self._pocket
        room = (max(positions, self._room[0]), max(balances, self._room[1]), len(book.quotes))
        if held is None or room != self._room or held.instruments is not book.instruments:
            self._room = room
            held = pocket_for(book, room[0], room[1])
        elif held.assets is not book.assets or held.tiers is not book.tiers:
            held = held._replace(assets=book.assets, tiers=book.tiers)
        self._pocket = held
        return held

    def assess_row(self, pool: int, book: Book[float]) -> Requirement[float]:
        """What one pool requires."""
        return assess(self.models, pool, book)  # type: ignore[no-any-return]

    def nearest(self, rows: Any, book: Book[float], pocket: Book[float], distance: Any) -> None:
        """Writes the nearest liquidating move of these pool rows into `distance`."""
        underlyings, lower, upper = self._scratch(pocket)
        nearest_moves(self.models, self.growths, rows, book, pocket, underlyings, lower, upper, distance)

    def moves(self, pool: int, book: Book[float], pocket: Book[float]) -> list[Moves]:
        """Per underlying of a pool, the lower and the upper move that liquidate it."""
        underlyings, lower, upper = self._scratch(pocket)
        count = moves_of(self.models, self._growth(pool, book), pool, book, pocket, underlyings, lower, upper)
        return [
            Moves(int(underlyings[k]), _or_none(lower[k] - 1), _or_none(upper[k] - 1)) for k in range(count)
        ]

    def prices(self, pool: int, book: Book[float], pocket: Book[float]) -> list[float | None]:
        """Each position's liquidation price by the venue's convention."""
        out = np.full(len(pocket.positions), math.nan)
        venue_prices(self.models, self._growth(pool, book), pool, book, pocket, out)
        count = book.pools[pool].position_last - book.pools[pool].position_first
        return [_or_none(price) for price in out[:count]]

    def alone(self, place: int, pool: int, book: Book[float], pocket: Book[float]) -> Requirement[float]:
        """What one position asks for by itself."""
        return alone(self.models, place, pool, book, pocket)  # type: ignore[no-any-return]

    def without(self, place: int, pool: int, book: Book[float], pocket: Book[float]) -> Requirement[float]:
        """What the others ask for."""
        return without(self.models, place, pool, book, pocket)  # type: ignore[no-any-return]

    def amount_to_add(
        self, line: int, level: float, most: float, pool: int, book: Book[float], pocket: Book[float]
    ) -> float | None:
        """Least amount in one balance that brings the pool below `level`; None if `most` is not enough."""
        return _or_none(needed(self.models, TOP_UP, line, most, CONVEX_GROWTH, level, pool, book, pocket))

    def fraction_to_cut(
        self, place: int, level: float, pool: int, book: Book[float], pocket: Book[float]
    ) -> float | None:
        """Least fraction of one position whose closing brings the pool below `level`; None if even all of it does not."""
        return _or_none(needed(self.models, CUT, place, 1.0, FINE_GROWTH, level, pool, book, pocket))

    def after_adding(
        self, line: int, amount: float, pool: int, book: Book[float], pocket: Book[float]
    ) -> Requirement[float]:
        """The requirement with `amount` more in a balance."""
        return after(self.models, TOP_UP, line, amount, pool, book, pocket)  # type: ignore[no-any-return]

    def after_cutting(
        self, place: int, fraction: float, pool: int, book: Book[float], pocket: Book[float]
    ) -> Requirement[float]:
        """The requirement with a position cut."""
        return after(self.models, CUT, place, fraction, pool, book, pocket)  # type: ignore[no-any-return]

    def _growth(self, pool: int, book: Book[float]) -> float:
        return float(self.growths[book.pools[pool].model])

    @staticmethod
    def _scratch(pocket: Book[float]) -> tuple[Any, Any, Any]:
        room = len(pocket.positions) + len(pocket.balances)
        return np.zeros(room, np.int64), np.zeros(room), np.zeros(room)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
