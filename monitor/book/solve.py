"""How far things may move: liquidating moves and prices, collateral to add, positions to cut. All by
searching the model itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import INNER, LOOP, assess
from monitor.book.near import NOBODY_KNOWS, empty_rise, list_binding
from monitor.book.pocket import fill, list_underlyings, pocket_for, show_only
from monitor.book.search import (
    BANKRUPT,
    MARKET,
    PRICE,
    UNDERLYING,
    Aim,
    amount_walk,
    change,
    excess,
    price_walk,
    turn,
)
from monitor.book.search import CUT as CUT
from monitor.book.search import TOP_UP as TOP_UP
from monitor.book.tables import empty_rows
from monitor.margin.rows import Balance, Book, Pool, Requirement

CONVEX_GROWTH = 2.0
FINE_GROWTH = 1.0
LIQUIDATION = Aim(1.0, 0.0, False)
BANKRUPTCY = Aim(BANKRUPT, 0.0, False)
Floats = npt.NDArray[np.float64]


@njit(**INNER)
def find_moves(models, is_convex, pool, book, pocket, underlyings, lower, upper):  # type: ignore[no-untyped-def]
    """Writes the liquidating factors of each underlying of the pool in the pocket, nan where none."""
    now = excess(models, LIQUIDATION, book, pocket, underlyings)
    for k in range(len(underlyings)):
        lower[k] = upper[k] = 1.0
        if now < 0:
            for side, found in ((-1, lower), (1, upper)):
                walk = price_walk(UNDERLYING, underlyings[k], side, is_convex)
                found[k] = turn(models, walk, now, LIQUIDATION, pool, book, pocket, underlyings)


@njit(**LOOP)
def nearest_moves(models, growths, rows, book, pocket, room, lower, upper, distance):  # type: ignore[no-untyped-def]
    """Writes into `distance` each row's nearest liquidating move, as a fraction; inf where none."""
    for pool in rows:
        fill(pool, book, pocket)
        count = list_underlyings(book, pocket, room)
        is_convex = growths[book.pools[pool].model] > 1
        find_moves(models, is_convex, pool, book, pocket, room[:count], lower, upper)
        nearest = math.inf
        for k in range(count):
            if not math.isnan(lower[k]):
                nearest = min(nearest, 1 - lower[k])
            if not math.isnan(upper[k]):
                nearest = min(nearest, upper[k] - 1)
        distance[pool] = nearest


@njit(**INNER)
def find_market_moves(models, is_convex, pool, book, pocket, underlyings, market):  # type: ignore[no-untyped-def]
    """Writes the factors, lower and upper, at which the pool is liquidated when the whole market moves by
    them; nan where none."""
    now = excess(models, LIQUIDATION, book, pocket, underlyings)
    for k in range(2):
        market[k] = 1.0
        if now < 0:
            walk = price_walk(MARKET, 0, 2 * k - 1, is_convex)
            market[k] = turn(models, walk, now, LIQUIDATION, pool, book, pocket, underlyings)


@njit(**INNER)
def find_prices(models, is_convex, aim, pool, book, pocket, underlyings, prices):  # type: ignore[no-untyped-def]
    """Writes the price of each position at which the pool turns, the others held at mark (the venue's
    convention); nan where none. A pool past its aim gets the price that would end that. An option's own
    price ends nothing by itself: its underlying does."""
    now = excess(models, aim, book, pocket, underlyings)
    for k in range(pocket.pools[0].position_last):
        position = pocket.positions[k]
        instrument = book.instruments[position.instrument]
        prices[k] = math.nan
        if instrument.option < 0:
            side = -1 if (position.quantity > 0) == (now < 0) else 1
            # An inverse contract's cost is convex in 1 / price: from the breached side a chord may overshoot.
            may_leap = is_convex and (now < 0 or not instrument.inverse)
            walk = price_walk(PRICE, k, side, may_leap)
            found = turn(models, walk, now, aim, pool, book, pocket, underlyings)
            prices[k] = book.quotes[instrument.mark] * found


@njit(**INNER)
def weigh_legs(models, pool, book, pocket, maintenance_alone, equity_without):  # type: ignore[no-untyped-def]
    """Writes what the pool would require with each position alone, and what it would own without it."""
    count = pocket.pools[0].position_last
    for k in range(count):
        show_only(k, k + 1, pool, book, pocket)
        maintenance_alone[k] = assess(models, 0, pocket).maintenance_margin
    show_only(0, count, pool, book, pocket)
    for k in range(count):
        quantity = pocket.positions[k].quantity
        pocket.positions[k].quantity = 0.0
        equity_without[k] = assess(models, 0, pocket).equity
        pocket.positions[k].quantity = quantity


@njit(**INNER)
def find_rescues(models, is_convex, aim, most, pool, book, pocket, underlyings, adds, cuts):  # type: ignore[no-untyped-def]
    """Least amount in each balance, and least fraction of each position, that brings the pool under its aim;
    nan where none does. A pool that is not past its aim needs none."""
    now = excess(models, aim, book, pocket, underlyings)
    if now < 0:
        return
    for k in range(pocket.pools[0].balance_last):
        far = most / pocket.quotes[book.assets[pocket.balances[k].asset].price]
        walk = amount_walk(TOP_UP, k, far, is_convex)
        adds[k] = turn(models, walk, now, aim, pool, book, pocket, underlyings)
    for k in range(pocket.pools[0].position_last):
        walk = amount_walk(CUT, k, 1.0, is_convex)
        cuts[k] = turn(models, walk, now, aim, pool, book, pocket, underlyings)


@njit(**LOOP)
def survey_pool(models, terms, aim, most, pool, book, pocket, room, moves, legs, adds, market):  # type: ignore[no-untyped-def]
    """All that a message says of a pool, in one call: see Survey. Answers the number of underlyings."""
    fill(pool, book, pocket)
    count = list_underlyings(book, pocket, moves.underlying)
    underlyings = moves.underlying[:count]
    is_convex = terms.is_convex
    find_moves(models, is_convex, pool, book, pocket, underlyings, moves.lower, moves.upper)
    find_market_moves(models, is_convex, pool, book, pocket, underlyings, market)
    find_prices(models, is_convex, LIQUIDATION, pool, book, pocket, underlyings, legs.price)
    find_prices(models, is_convex, BANKRUPTCY, pool, book, pocket, underlyings, legs.bankruptcy)
    weigh_legs(models, pool, book, pocket, legs.maintenance_alone, legs.equity_without)
    if most > 0:
        if terms.is_additive and aim.distance > 0:
            found = assess(models, 0, pocket)
            binding = list_binding(pool, aim.distance, found, book, room.rise, room.binding)
            if binding != NOBODY_KNOWS:
                underlyings = room.binding[:binding]
        find_rescues(models, is_convex, aim, most, pool, book, pocket, underlyings, adds, legs.cut)
    return count


@njit(**LOOP)
def requirements_after(models, kinds, targets, sizes, pool, book, pocket, equity, maintenance):  # type: ignore[no-untyped-def]
    """The requirement after each of several changes, each on its own."""
    for k in range(len(kinds)):
        fill(pool, book, pocket)
        change(kinds[k], targets[k], sizes[k], pool, book, pocket)
        found = assess(models, 0, pocket)
        equity[k] = found.equity
        maintenance[k] = found.maintenance_margin


@njit(**LOOP)
def requirement_later(models, paid, gone, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The requirement once each balance has received what is `paid` (by line) and the positions that are
    `gone` (by place) are no more."""
    fill(pool, book, pocket)
    for line in range(pocket.pools[0].balance_last):
        pocket.balances[line].wallet += paid[line]
    for place in range(pocket.pools[0].position_last):
        if gone[place]:
            pocket.positions[place].quantity = 0.0
    return assess(models, 0, pocket)


class MoveColumns(NamedTuple):
    """Liquidating factors by underlying; nan where no move that way liquidates."""

    underlying: npt.NDArray[np.int64]
    lower: Floats
    upper: Floats


class LegColumns(NamedTuple):
    """By position, in its order in the pool."""

    price: Floats  # liquidation price by the venue's convention; nan for none
    bankruptcy: Floats  # where equity is gone, the others held at mark; nan for nowhere
    maintenance_alone: Floats
    equity_without: Floats
    cut: Floats  # fraction whose closing is enough; nan where even all of it is not


class Survey(NamedTuple):
    """What the searches found of one pool."""

    moves: MoveColumns
    legs: LegColumns
    adds: Floats  # amount by balance that is enough; nan for none
    market: Floats  # liquidating factors of a uniform move of the market, lower and upper; nan for none


class Change(NamedTuple):
    """A what-if: TOP_UP of a balance by an amount, or CUT of a position by a fraction."""

    kind: int
    target: int
    size: float


class Terms(NamedTuple):
    """What a model lets the searches take for granted."""

    is_convex: bool
    is_additive: bool  # the bounds of `near` hold


class Room(NamedTuple):
    """What the bounds of `near` write on."""

    rise: Floats
    binding: npt.NDArray[np.int64]


class Solver:
    """The searches for Python callers. `growths` by model: 2 for convex ones, 1 walks finely. `additive` says
    for which of them the bounds of `near` hold; none, unless told."""

    def __init__(
        self, models: Any, growths: list[float], additive: npt.NDArray[np.bool_] | None = None
    ) -> None:
        self.models = models
        self.growths = np.array(growths)
        self.additive = np.zeros(len(growths), np.bool_) if additive is None else additive
        self._pocket: Book[float] | None = None
        self._room = (0, 0, 0)

    def pocket(self, book: Book[float], positions: int, balances: int) -> Book[float]:
        """A pocket that fits, made anew when the book's tables were."""
        held = self._pocket
        room = (max(positions, self._room[0]), max(balances, self._room[1]), len(book.quotes))
        if held is None or room != self._room:
            self._room = room
            held = pocket_for(book, room[0], room[1])
        mine = (held.pools, held.balances, held.positions, held.quotes)
        self._pocket = book._replace(pools=mine[0], balances=mine[1], positions=mine[2], quotes=mine[3])
        return self._pocket

    def warm_up(self, book: Book[float], pocket: Book[float]) -> None:
        """Compiles every search now, on nothing."""
        book = book._replace(pools=empty_rows(Pool, 1), balances=empty_rows(Balance, 1))
        self.nearest(np.zeros(0, np.int64), book, pocket, np.zeros(0))
        self.survey(0, 1.0, 0.0, book, pocket)
        self.after((), 0, book, pocket)
        self.later(np.zeros(1), np.zeros(1, np.bool_), 0, book, pocket)
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

    def survey(
        self,
        pool: int,
        level: float,
        most: float,
        book: Book[float],
        pocket: Book[float],
        distance: float = 0.0,
    ) -> Survey:
        """Everything that a message says of a pool.

        A rescue brings the ratio below `level` and every liquidating move farther away than `distance`, a
        fraction. `most` is the worth beyond which adding is no rescue; 0 looks for none.
        """
        moves, adds = _move_columns(pocket), np.full(len(pocket.balances), math.nan)
        legs = LegColumns(*(np.full(len(pocket.positions), math.nan) for _ in LegColumns._fields))
        model = int(book.pools[pool].model)
        terms = Terms(bool(self.growths[model] > 1), bool(self.additive[model]))
        aim = Aim(float(level), float(distance), True)
        room = Room(empty_rise(book), np.empty_like(moves.underlying))
        market = np.full(2, math.nan)
        columns = (room, moves, legs, adds, market)
        count = survey_pool(self.models, terms, aim, float(most), pool, book, pocket, *columns)
        found = MoveColumns(moves.underlying[:count], moves.lower[:count], moves.upper[:count])
        return Survey(found, legs, adds, market)

    def later(
        self, paid: Floats, gone: npt.NDArray[np.bool_], pool: int, book: Book[float], pocket: Book[float]
    ) -> Requirement[float]:
        """What a pool requires after payments into its balances and the end of some positions."""
        found: Requirement[float] = requirement_later(self.models, paid, gone, pool, book, pocket)
        return found

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
