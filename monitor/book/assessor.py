"""Runs the compiled loops over what was touched, and keeps every figure that a pool has: bands, margin
error, distance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.book import warming
from monitor.book.accounts import AccountState
from monitor.book.bounds import bounds_of, scratch_for
from monitor.book.compiled import compile_models
from monitor.book.growing import grown
from monitor.book.margin_error import relative_error
from monitor.book.placing import PlacedPool, Placing
from monitor.book.pocket import Pocket
from monitor.book.quotes import Quotes
from monitor.book.settings import BookSettings
from monitor.book.shared import Shared, shared_of
from monitor.book.solve import Solver
from monitor.book.sweep import FIGURES, empty_figures, level_tables, oldest_marks, sweep
from monitor.book.tables import row_of
from monitor.domain.assessment import RiskBand
from monitor.domain.event import AccountSnapshot
from monitor.domain.identity import pool_id
from monitor.margin.band import UNKNOWN, next_band
from monitor.margin.models import MODELS
from monitor.margin.rows import Book, Instrument, Position, Requirement
from monitor.margin.rows import Pool as PoolRow
from monitor.margin.venue_words import margin_ratio_of

OPEN_AFTER = 2  # reconciles in a row past the limit: one may have met a fast market between two reads
EVERY_ROW = slice(None)
Ints = npt.NDArray[np.int64]


class Assessor:
    """Figures by pool row."""

    def __init__(self, settings: BookSettings, quotes: Quotes, placing: Placing) -> None:
        self._limit = settings.margin_error_limit
        self._quotes = quotes
        self._placing = placing
        convexities = [MODELS[name].convexity for name in settings.models]
        self._bounds = bounds_of(settings.models)
        with warming.undisturbed():
            models = compile_models(settings.models)
        self.solver = Solver(models, convexities, self._bounds)
        self.figures: Any = empty_figures(16)
        self.margin_error = np.full(16, math.nan)
        self.distance = np.full(16, math.nan)
        self.venue_ratio = np.full(16, math.nan)
        self._errors_in_a_row = np.zeros(16, dtype=np.int64)
        self._venue_band = np.zeros(16, dtype=np.int64)
        self._crossed: set[int] = set()
        self._distance_next = 0
        self._live: tuple[int, Ints] = (-1, np.zeros(0, np.int64))  # as of which generation
        self._levels: Any = None
        self._shared: tuple[int, Shared] = (-1, shared_of(placing.columns.book(quotes.values)))
        with warming.undisturbed():
            self._warm_up()

    def book(self) -> Book[float]:
        """The tables as they are now."""
        return self._placing.columns.book(self._quotes.values)

    def sweep(self) -> int:
        """Assesses what was touched since the last time; answers how many pools."""
        self._fit()
        live, touched = self._live_rows(), self._placing.touched
        rows = live[touched[live]]
        touched[:] = False
        if len(rows):
            self._run(rows)
        return len(rows)

    def cross(self, row: int) -> None:
        """The state of a pool may have changed by something that no sweep sees."""
        self._crossed.add(row)

    def take_crossed(self) -> list[int]:
        """Rows whose state may have changed since the last time, in order."""
        rows = sorted(self._crossed)
        self._crossed.clear()
        return rows

    def compare(self, snapshot: AccountSnapshot, state: AccountState) -> bool:
        """Puts our figures beside the venue's, at the snapshot's own marks; answers whether one is off past
        the limit."""
        self._fit()
        values = self._quotes.values.copy()
        for instrument, mark in snapshot.marks.items():
            row = self._quotes.find(instrument)
            if row is not None:
                values[row] = mark
        book = self._placing.columns.book(values)
        placed = [self._placing.pools.get(pool_id(state.id, fact.pool)) for fact in snapshot.pools]
        off = [self._compare_pool(pool, book) for pool in placed if pool is not None]
        return any(off)

    def is_margin_error_open(self, row: int) -> bool:
        """Whether our figure and the venue's differed by more than the limit twice in a row."""
        return bool(self._errors_in_a_row[row] >= OPEN_AFTER)

    def venue_band(self, row: int) -> RiskBand:
        """Where the venue's own figure stands where that is worse than ours, else clear."""
        return RiskBand(int(self._venue_band[row]))

    def oldest_mark(self, rows: Ints) -> Ints:
        """When the oldest mark of each pool was seen."""
        oldest = np.zeros(len(rows), dtype=np.int64)
        if len(rows):
            oldest_marks(rows, self.book(), self._quotes.seen_ns, oldest)
        return oldest

    def position_counts(self, rows: Ints) -> Ints:
        """Legs of each pool."""
        pools = self._placing.columns.pools
        return np.asarray(pools["position_last"][rows] - pools["position_first"][rows], dtype=np.int64)

    def refresh_distances(self, count: int) -> None:
        """Solves up to `count` endangered pools, and as many others in turn."""
        self._fit()
        rows = self._to_solve(count)
        if len(rows):
            book = self.book()
            self.solver.nearest(rows, book, self.pocket(book, rows), self.distance)

    def pocket(self, book: Book[float], rows: Ints | slice = EVERY_ROW) -> Pocket:
        """A pocket that any of these pools fits into."""
        pools: Any = book.pools
        positions = (pools["position_last"][rows] - pools["position_first"][rows]).max(initial=1)
        balances = (pools["balance_last"][rows] - pools["balance_first"][rows]).max(initial=1)
        return self.solver.pocket(book, int(positions), int(balances))

    def _run(self, rows: Ints) -> None:
        book = self.book()
        crossed = np.zeros(len(rows), dtype=np.int64)
        count = self._sweep(rows, book, crossed)
        self._crossed.update(int(row) for row in crossed[:count])

    def _live_rows(self) -> Ints:
        """Rows that a pool has, in order; looked for again when the list of pools changes."""
        if self._live[0] != self._placing.generation:
            rows = [row for row, pool in enumerate(self._placing.by_row) if pool is not None]
            self._live = (self._placing.generation, np.array(rows, dtype=np.int64))
        return self._live[1]

    def _to_solve(self, count: int) -> Ints:
        """Up to `count` of the worst pools, those in the worst band first, and as many of all in turn."""
        live = self._live_rows()
        bands: Ints = self.figures["band"][live]
        known: Ints = live[bands != UNKNOWN]
        bands = bands[bands != UNKNOWN]
        if not len(known):
            return known
        worst = np.argsort(-bands, kind="stable")[: min(count, np.count_nonzero(bands > 0))]
        first = self._distance_next % len(known)
        self._distance_next = (first + count) % len(known)
        return np.unique(np.concatenate((known[worst], known[first : first + count])))

    def _sweep(self, rows: Ints, book: Book[float], crossed: Ints) -> int:
        shared = self._shared_now(book)
        tables = (book, shared, self._quotes.reasons, self._levels, self.figures)
        pocket = self.pocket(book, rows)
        room = (pocket, scratch_for(book, pocket, shared.each), crossed)
        return int(sweep(self.solver.models, self._bounds, rows, *tables, *room))

    def _shared_now(self, book: Book[float]) -> Shared:
        version = self._placing.columns.shared_version
        if self._shared[0] != version:
            self._shared = (version, shared_of(book))
        return self._shared[1]

    def _compare_pool(self, pool: PlacedPool, book: Book[float]) -> bool:
        reported = pool.fact.reported
        if reported is None or pool.own_reasons or pool.is_told:  # the venue beside itself proves nothing
            return False
        found = self.solver.assess(pool.row, book)
        notional = self._notional(pool, book)
        errors = [
            relative_error(found.maintenance_margin, reported.maintenance_margin, notional),
            relative_error(found.equity, reported.equity, notional),
        ]
        told = [error for error in errors if not math.isnan(error)]
        error = max(told, default=math.nan)
        before = (self.is_margin_error_open(pool.row), self._venue_band[pool.row])
        self.margin_error[pool.row] = error
        self._errors_in_a_row[pool.row] = self._errors_in_a_row[pool.row] + 1 if error > self._limit else 0
        self._venue_band[pool.row] = self._worse_at_venue(pool, found)
        if before != (self.is_margin_error_open(pool.row), self._venue_band[pool.row]):
            self._crossed.add(pool.row)
        return error > self._limit

    def _worse_at_venue(self, pool: PlacedPool, found: Requirement[float]) -> int:
        told = _told_margins(pool)
        if told is None:
            return int(RiskBand.CLEAR)
        levels = self._placing.levels[int(self._placing.columns.pools[pool.row].levels)]
        marks = (0, levels.raise_at, levels.clear_at)
        ours = next_band(0, found.maintenance_margin, found.equity, *marks)
        maintenance, equity = told
        venues = next_band(0, maintenance, equity, *marks)
        self.venue_ratio[pool.row] = maintenance / equity if equity > 0 else math.nan
        return max(venues, 0) if venues > ours else int(RiskBand.CLEAR)

    def _notional(self, pool: PlacedPool, book: Book[float]) -> float:
        account = row_of(PoolRow, book.pools, pool.row)
        total = 0.0
        for place in range(account.position_first, account.position_last):
            position = row_of(Position, book.positions, place)
            instrument = row_of(Instrument, book.instruments, position.instrument)
            size = abs(position.quantity) * instrument.multiplier
            price = book.quotes[instrument.mark]
            is_in_coins = instrument.inverse and instrument.option < 0  # an option's price is in them already
            total += size / price if is_in_coins else size * price
        return float(total)

    def _fit(self) -> None:
        count = len(self._placing.by_row)
        if count > len(self.figures):
            fresh = np.zeros(1, FIGURES)[0]
            fresh["band"] = UNKNOWN
            self.figures = grown(self.figures, count, fresh).view(np.recarray)
            self.margin_error = grown(self.margin_error, count, math.nan)
            self.distance = grown(self.distance, count, math.nan)
            self.venue_ratio = grown(self.venue_ratio, count, math.nan)
            self._errors_in_a_row = grown(self._errors_in_a_row, count, 0)
            self._venue_band = grown(self._venue_band, count, 0)
        for row in self._placing.vacated:
            self._forget(row)
        self._placing.vacated.clear()
        if self._levels is None or len(self._levels.distance_raise) != len(self._placing.levels):
            self._levels = level_tables(self._placing.levels)

    def _forget(self, row: int) -> None:
        self.figures[row] = empty_figures(1)[0]
        self.margin_error[row] = self.distance[row] = self.venue_ratio[row] = math.nan
        self._errors_in_a_row[row] = self._venue_band[row] = 0
        self._crossed.add(row)

    def _warm_up(self) -> None:
        """Compiles every loop now, before the first socket opens."""
        self._fit()
        book = self.book()
        nothing = np.zeros(0, dtype=np.int64)
        self._sweep(nothing, book, nothing)
        oldest_marks(nothing, book, self._quotes.seen_ns, nothing)
        self.solver.warm_up(book)
        warming.finish()
        self.solver.warm_up_searches(book, self.pocket(book))


def _told_margins(pool: PlacedPool) -> tuple[float, float] | None:
    """Maintenance margin and equity as the venue tells them; of one that tells its ratio alone, and by the
    name that we know it by, that ratio on our scale, of an equity of 1."""
    reported = pool.fact.reported
    if reported is None:
        return None
    if reported.maintenance_margin is not None and reported.equity is not None:
        return reported.maintenance_margin, reported.equity
    says = MODELS[pool.fact.model].says_at(pool.venue)
    if reported.ratio is None or reported.ratio_name != says.name:
        return None
    ratio = margin_ratio_of(says, reported.ratio, float(pool.fact.threshold))
    return None if math.isnan(ratio) else (ratio, 1.0)
