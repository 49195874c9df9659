"""The scales that stand beside ratio and distance and are looked at each second: time to liquidation,
distance in volatilities, coming funding, a broken peg, and the dead-band that follows the volatility.

What they say lies in two columns of the figures, which the sweep takes in: `beside` raises a band, `held`
keeps one from falling. Where an estimator knows nothing the scale is silent. Who configures none pays
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.book import warming
from monitor.book.assessor import Assessor
from monitor.book.coming import Calendar, funding_cost
from monitor.book.depeg import farthest_from_peg
from monitor.book.growing import grown
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.reach import ReachTables, reach_bands
from monitor.book.settings import LevelRow
from monitor.book.sweep import level_tables
from monitor.book.volatility import DAY_MINUTES
from monitor.margin.band import CLEAR, UNKNOWN

MOST_ROWS = 10_000  # looked at in one go, the raised ones each time and the others in turn
MOST_SLOW = 32
LEVELS = 3

Ints = npt.NDArray[np.int64]


class Beside:
    """By pool row. `refresh` once a second."""

    def __init__(self, quotes: Quotes, placing: Placing, assessor: Assessor, is_used: bool) -> None:
        self._quotes = quotes
        self._placing = placing
        self._assessor = assessor
        self._calendar = Calendar(placing, assessor)
        self._tables = _Tables(placing.levels)
        self._near: Ints = np.zeros(16, np.int64)
        self._held: Ints = np.zeros(16, np.int64)
        self._funded: Ints = np.zeros(16, np.int64)
        self._pegged: Ints = np.zeros(16, np.int64)
        self._next = [0, 0]
        if is_used:  # compiled now, and not when the first pool is there
            with warming.undisturbed():
                self._reach(np.zeros(0, np.int64))

    def refresh(self, wall_ns: int) -> None:
        """Looks at pools whose levels use these scales; what changes is swept again."""
        if self._tables.count != len(self._placing.levels):
            self._tables = _Tables(self._placing.levels)
        if not self._tables.is_used:
            return
        figures = self._assessor.figures
        count = len(self._placing.by_row)
        self._fit(count)
        levels = self._placing.columns.pools["levels"][:count]
        known = figures["band"][:count] != UNKNOWN
        self._reach(self._in_turn(0, known & self._tables.reaches[levels], MOST_ROWS))
        for row in self._in_turn(1, known & self._tables.slow[levels], MOST_SLOW):
            self._look_slowly(int(row), wall_ns)
        self._write(count, levels, known)

    def _reach(self, rows: Ints) -> None:
        book = self._assessor.book()
        pocket = self._assessor.pocket(book, rows)
        underlyings = np.zeros(len(pocket.positions) + len(pocket.balances), np.int64)
        speeds = self._quotes.volatility.present_speeds(len(self._quotes.values))
        found = (pocket, underlyings, self._near, self._held)
        models = self._assessor.solver.models
        reach_bands(models, rows, book, speeds, self._tables.reach, self._tables.levels, *found)

    def _look_slowly(self, row: int, wall_ns: int) -> None:
        """By what Python looks at, one pool after the other: coming funding, and a peg that breaks."""
        pool = self._placing.by_row[row]
        if pool is None:
            return
        figures, levels = self._assessor.figures[row], self._levels_of(pool)
        cost = funding_cost(self._calendar.coming(pool, wall_ns)) if levels.funding_raise[0] else None
        headroom = float(figures.equity) - float(figures.maintenance_margin)
        funded, pegged = int(self._funded[row]), int(self._pegged[row])
        self._funded[row] = share_band(funded, cost, headroom, levels.funding_raise, levels.funding_clear)
        apart = farthest_from_peg(pool, self._placing, self._quotes) if levels.depeg_raise[0] else None
        self._pegged[row] = share_band(pegged, apart, 1.0, levels.depeg_raise, levels.depeg_clear)

    def _levels_of(self, pool: PlacedPool) -> LevelRow:
        return self._placing.levels[int(self._placing.columns.pools[pool.row].levels)]

    def _in_turn(self, which: int, wanted: npt.NDArray[np.bool_], most: int) -> Ints:
        """The raised ones, and as many others in turn as there is room for."""
        rows: Ints = np.flatnonzero(wanted)
        if len(rows) <= most:
            return rows
        first = self._next[which] % len(rows)
        self._next[which] = first + most
        raised = rows[self._assessor.figures["band"][rows] > CLEAR][:most]
        return np.unique(np.concatenate((raised, rows[first : first + most])))

    def _write(self, count: int, levels: Ints, known: npt.NDArray[np.bool_]) -> None:
        """What a pool's levels do not use, or nobody knows of it now, is silent."""
        figures = self._assessor.figures[:count]
        reaches, slow = known & self._tables.reaches[levels], known & self._tables.slow[levels]
        used = ((self._near, reaches), (self._held, reaches), (self._funded, slow), (self._pegged, slow))
        for column, is_used in used:
            column[:count][~is_used] = CLEAR
        beside = np.maximum.reduce([c[:count] for c in (self._near, self._funded, self._pegged)])
        held = self._held[:count]
        changed = (figures["beside"] != beside) | (figures["held"] != held)
        figures["beside"], figures["held"] = beside, held
        self._placing.touched[:count] |= changed

    def _fit(self, count: int) -> None:
        if count > len(self._near):
            self._near = grown(self._near, count, 0)
            self._held = grown(self._held, count, 0)
            self._funded = grown(self._funded, count, 0)
            self._pegged = grown(self._pegged, count, 0)


class _Tables:
    """The levels of these scales as columns, and which rows of levels use them at all."""

    def __init__(self, rows: list[LevelRow]) -> None:
        self.count = len(rows)
        held = rows or [LevelRow((1.0,) * 4, (1.0,) * 4)]
        day = math.sqrt(DAY_MINUTES)
        raised = [[row.minutes_raise, [day * k for k in row.volatilities_raise]] for row in held]
        cleared = [[row.minutes_clear, [day * k for k in row.volatilities_clear]] for row in held]
        dead_band = np.array([row.dead_band for row in held], np.float64)
        self.reach = ReachTables(np.array(raised, np.float64), np.array(cleared, np.float64), dead_band)
        self.levels: Any = level_tables(held)
        self.reaches = (self.reach.raised > 0).any(axis=(1, 2)) | (dead_band > 0)
        self.slow = np.array([row.funding_raise[0] > 0 or row.depeg_raise[0] > 0 for row in held], np.bool_)
        self.is_used = bool(self.reaches.any() or self.slow.any())


def share_band(
    band: int, part: float | None, whole: float, raised: Sequence[float], cleared: Sequence[float]
) -> int:
    """Rises where a part is a level's share of the whole, falls below the clear mark; silent where the part
    is not known."""
    if part is None or part <= 0:
        return CLEAR
    while band < LEVELS and not part < raised[band] * whole:
        band += 1
    while band > CLEAR and part < cleared[band - 1] * whole:
        band -= 1
    return band
