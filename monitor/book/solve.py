"""How far things may move: liquidating moves and prices, collateral to add, positions to cut. All by
searching the model itself.

One outward search serves all. It is exact where maintenance less equity is convex in what is changed,
which every
present model declares; one that does not is walked in fine steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import LOOP
from monitor.book.pocket import cut, fill, move_underlying, pocket_for, top_up
from monitor.book.tables import empty_rows
from monitor.margin.rows import Balance, Book, Pool, Requirement

UNDERLYING, PRICE, TOP_UP, CUT = range(4)
FAR_LOG_MOVE = 9.2  # a price at a ten-thousandth, or at ten thousand times
FIRST_LOG_STEP = 0.01
CONVEX_GROWTH = 2.0
FINE_GROWTH = 1.0
TOLERANCE = 1e-13
TURNS = 200
LIQUIDATION = 1.0
Floats = npt.NDArray[np.float64]


@njit(**LOOP)
def excess(models, level, pocket):  # type: ignore[no-untyped-def]
    """Maintenance over `level` of equity; at or above zero is breached. Nothing required is never
    breached."""
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
    """The change nearest to zero at which breached turns to not breached or back, on its far side; nan if
    none before `far`."""
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
    """Narrows a..b down to where breached changes, by regula falsi with a bisection every third turn: finds
    a jump as well."""
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
    """The liquidating factors of each underlying of the pool: writes them, nan where none; answers how many
    underlyings."""
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
    """Writes into `distance` each row's nearest liquidating move, as a fraction; inf where none."""
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
    """Writes each position's liquidation price by the venue's convention, the others held at mark; nan where
    none."""
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
def assess(models, pool, book):  # type: ignore[no-untyped-def]
    """One pool's requirement."""
    return models[book.pools[pool].model](pool, book)


@njit(**LOOP)
def rescues(models, growth, level, most, pool, book, pocket, adds, cuts):  # type: ignore[no-untyped-def]
    """Least amount in each balance, and least fraction of each position, that brings the pool below `level`;
    nan where none does."""
    fill(pool, book, pocket)
    for k in range(pocket.pools[0].balance_last):
        far = most / pocket.quotes[book.assets[pocket.balances[k].asset].price]
        adds[k] = searched(models, TOP_UP, k, far / 1024, CONVEX_GROWTH, far, level, pool, book, pocket)
    for k in range(pocket.pools[0].position_last):
        cuts[k] = searched(models, CUT, k, 1 / 64, FINE_GROWTH, 1.0, level, pool, book, pocket)


@njit(**LOOP)
def survey_pool(models, growth, level, most, pool, book, pocket, moves, legs, adds):  # type: ignore[no-untyped-def]
    """All that a message says of a pool, in one call: see Survey. Answers the number of underlyings."""
    count = moves_of(models, growth, pool, book, pocket, moves.underlying, moves.lower, moves.upper)
    venue_prices(models, growth, pool, book, pocket, legs.price)
    for k in range(book.pools[pool].position_last - book.pools[pool].position_first):
        legs.maintenance_alone[k] = alone(models, k, pool, book, pocket).maintenance_margin
        legs.equity_without[k] = without(models, k, pool, book, pocket).equity
    if most > 0:
        rescues(models, growth, level, most, pool, book, pocket, adds, legs.cut)
    return count


@njit(**LOOP)
def requirements_after(models, kinds, targets, sizes, pool, book, pocket, equity, maintenance):  # type: ignore[no-untyped-def]
    """The requirement after each of several changes, each on its own."""
    for k in range(len(kinds)):
        fill(pool, book, pocket)
        change(kinds[k], targets[k], sizes[k], pool, book, pocket)
        found = models[pocket.pools[0].model](0, pocket)
        equity[k] = found.equity
        maintenance[k] = found.maintenance_margin


class MoveColumns(NamedTuple):
    """Liquidating factors by underlying; nan where no move that way liquidates."""

    underlying: npt.NDArray[np.int64]
    lower: Floats
    upper: Floats


class LegColumns(NamedTuple):
    """By position, in its order in the pool."""

    price: Floats  # liquidation price by the venue's convention; nan for none
    maintenance_alone: Floats
    equity_without: Floats
    cut: Floats  # fraction whose closing is enough; nan where even all of it is not


class Survey(NamedTuple):
    """What the searches found of one pool."""

    moves: MoveColumns
    legs: LegColumns
    adds: Floats  # amount by balance that is enough; nan for none


class Change(NamedTuple):
    """A what-if: TOP_UP of a balance by an amount, or CUT of a position by a fraction."""

    kind: int
    target: int
    size: float


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
        if held is None or room != self._room:
            self._room = room
            held = pocket_for(book, room[0], room[1])
        self._pocket = held._replace(instruments=book.instruments, assets=book.assets, tiers=book.tiers)
        return self._pocket

    def warm_up(self, book: Book[float], pocket: Book[float]) -> None:
        """Compiles every search now, on nothing."""
        book = book._replace(pools=empty_rows(Pool, 1), balances=empty_rows(Balance, 1))
        self.nearest(np.zeros(0, np.int64), book, pocket, np.zeros(0))
        self.survey(0, LIQUIDATION, 0.0, book, pocket)
        self.after((), 0, book, pocket)
        self.assess(0, book)

    def assess(self, pool: int, book: Book[float]) -> Requirement[float]:
        """What one pool requires."""
        return assess(self.models, pool, book)  # type: ignore[no-any-return]

    def nearest(
        self, rows: npt.NDArray[np.int64], book: Book[float], pocket: Book[float], distance: Floats
    ) -> None:
        """Writes the nearest liquidating move of these pool rows into `distance`."""
        moves = _move_columns(pocket)
        nearest_moves(self.models, self.growths, rows, book, pocket, *moves, distance)

    def survey(self, pool: int, level: float, most: float, book: Book[float], pocket: Book[float]) -> Survey:
        """Everything that a message says of a pool. `most` is the worth beyond which adding is no rescue; 0
        looks for none."""
        moves, adds = _move_columns(pocket), np.full(len(pocket.balances), math.nan)
        legs = LegColumns(*(np.full(len(pocket.positions), math.nan) for _ in LegColumns._fields))
        growth = float(self.growths[book.pools[pool].model])
        count = survey_pool(self.models, growth, level, most, pool, book, pocket, moves, legs, adds)
        found = MoveColumns(moves.underlying[:count], moves.lower[:count], moves.upper[:count])
        return Survey(found, legs, adds)

    def after(
        self, changes: Sequence[Change], pool: int, book: Book[float], pocket: Book[float]
    ) -> list[tuple[float, float]]:
        """Maintenance margin and equity after each change."""
        kinds = np.array([change.kind for change in changes], dtype=np.int64)
        targets = np.array([change.target for change in changes], dtype=np.int64)
        sizes = np.array([change.size for change in changes], dtype=np.float64)
        equity, maintenance = np.zeros(len(changes)), np.zeros(len(changes))
        requirements_after(self.models, kinds, targets, sizes, pool, book, pocket, equity, maintenance)
        return [(float(m), float(e)) for m, e in zip(maintenance, equity, strict=True)]


def _move_columns(pocket: Book[float]) -> MoveColumns:
    room = len(pocket.positions) + len(pocket.balances)
    return MoveColumns(np.zeros(room, np.int64), np.zeros(room), np.zeros(room))
