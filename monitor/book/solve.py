"""How far things may move: liquidating moves and prices, collateral to add, positions to cut. All by
searching the model itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.book.bounds import scratch_for
from monitor.book.compiled import assess
from monitor.book.pocket import Pocket, alone, cut, pocket_for, renewed, taken_out, top_up
from monitor.book.search import CUT as CUT
from monitor.book.search import TOP_UP as TOP_UP
from monitor.book.search import Aim
from monitor.book.surveying import nearest_moves, survey_pool
from monitor.book.tables import empty_rows
from monitor.margin.rows import Balance, Book, Pool, Requirement

Floats = npt.NDArray[np.float64]


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


class Later(NamedTuple):
    """What happens to a pool at an instant: payments into its balances, in their order, and of its positions,
    in theirs, which end and which are settled at their mark."""

    paid: Floats
    gone: npt.NDArray[np.bool_]
    settled: npt.NDArray[np.bool_]


class Terms(NamedTuple):
    """What a model lets the searches take for granted."""

    convexity: int  # of the model: margin.models.Convex
    bound: int  # which of the bounds holds


class Solver:
    """The searches for Python callers. `convexities` by model, see margin.models. `bounds` says
    which bound holds for each of them; none, unless told."""

    def __init__(
        self, models: Any, convexities: Sequence[int], bounds: npt.NDArray[np.int64] | None = None
    ) -> None:
        self.models = models
        self.convexities = np.array(convexities, dtype=np.int64)
        self.bounds = np.zeros(len(convexities), np.int64) if bounds is None else bounds
        self._pocket: Pocket | None = None
        self._room = (0, 0, 0)

    def pocket(self, book: Book[float], positions: int, balances: int) -> Pocket:
        """A pocket that fits, made anew when the book's tables were."""
        held = self._pocket
        room = (max(positions, self._room[0]), max(balances, self._room[1]), len(book.quotes))
        if held is None or room != self._room:
            self._room = room
            held = pocket_for(book, room[0], room[1])
        self._pocket = renewed(held, book)
        return self._pocket

    def warm_up_searches(self, book: Book[float], pocket: Pocket) -> None:
        """Compiles every search now, on nothing."""
        book = of_nothing(book)
        self.nearest(np.zeros(0, np.int64), book, pocket, np.zeros(0))
        self.survey(0, 1.0, 0.0, book, pocket)

    def warm_up(self, book: Book[float]) -> None:
        """Compiles what looks at a pool once."""
        self.assess(0, of_nothing(book))

    def assess(self, pool: int, book: Book[float]) -> Requirement[float]:
        """What one pool requires."""
        return assess(self.models, pool, book)  # type: ignore[no-any-return]

    def nearest(
        self, rows: npt.NDArray[np.int64], book: Book[float], pocket: Pocket, distance: Floats
    ) -> None:
        """Writes the nearest liquidating move of these pool rows into `distance`."""
        moves = _move_columns(pocket)
        found = np.zeros(len(rows))
        nearest_moves(self.models, self.convexities, rows, book, pocket, *moves, found)
        distance[rows] = found

    def survey(
        self,
        pool: int,
        level: float,
        most: float,
        book: Book[float],
        pocket: Pocket,
        distance: float = 0.0,
    ) -> Survey:
        """Everything that a message says of a pool.

        A rescue brings the ratio below `level` and every liquidating move farther away than `distance`, a
        fraction. `most` is the worth beyond which adding is no rescue; 0 looks for none.
        """
        moves, adds = _move_columns(pocket), np.full(len(pocket.balances), math.nan)
        legs = LegColumns(*(np.full(len(pocket.positions), math.nan) for _ in LegColumns._fields))
        model = int(book.pools[pool].model)
        terms = Terms(int(self.convexities[model]), int(self.bounds[model]))
        aim = Aim(float(level), float(distance), True)
        rows, market = np.array([pool]), np.full(2, math.nan)
        count = nearest_moves(self.models, self.convexities, rows, book, pocket, *moves, np.zeros(1))
        found = MoveColumns(moves.underlying[:count], moves.lower[:count], moves.upper[:count])
        columns = (scratch_for(book, pocket), found.underlying, legs, adds, market)
        survey_pool(self.models, terms, aim, float(most), pocket, *columns)
        return Survey(found, legs, adds, market)

    def later(self, later: Later, pool: int, book: Book[float]) -> Requirement[float]:
        """What a pool requires after what happens at an instant."""
        mine = alone(pool, book)
        mine.balances["wallet"] += later.paid
        mine.positions["quantity"][later.gone] = 0.0
        marks = book.instruments["mark"][mine.positions["instrument"][later.settled]]  # type: ignore[call-overload]
        mine.positions["entry_price"][later.settled] = book.quotes[marks]
        return self.assess(0, mine)

    def after(self, changes: Sequence[Change], pool: int, book: Book[float]) -> list[Requirement[float]]:
        """What a pool requires after each change alone."""
        found = []
        for change in changes:
            pocket = taken_out(pool, book)
            make = top_up if change.kind == TOP_UP else cut
            make(change.target, change.size, pocket)
            found.append(self.assess(0, pocket.book))
        return found


def of_nothing(book: Book[float]) -> Book[float]:
    """The book with one pool that holds nothing."""
    return book._replace(pools=empty_rows(Pool, 1), balances=empty_rows(Balance, 1))


def _move_columns(pocket: Pocket) -> MoveColumns:
    room = len(pocket.positions) + len(pocket.balances)
    return MoveColumns(np.zeros(room, np.int64), np.zeros(room), np.zeros(room))
