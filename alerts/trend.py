"""The margin ratio of every pool over the last hour, for a small picture. Bounded, and gone with the process.

One float32 for each pool and half minute: 100,000 pools take 48 MB, a thousand half a megabyte.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import BookView

EVERY_S = 30.0
SAMPLES = 120  # an hour
FIRST_COLUMNS = 64
MOST_POOLS = 100_000  # of further ones no picture is drawn
Floats = npt.NDArray[np.float32]


class Hour(NamedTuple):
    """One pool, oldest first: how many seconds ago (0 or less), and the ratio, nan where it was UNKNOWN."""

    seconds: npt.NDArray[np.float64]
    ratios: Floats


class Trend:
    """`observe` each view; `hour` when somebody wants to see one."""

    def __init__(self) -> None:
        self._ratios: Floats = np.full((SAMPLES, FIRST_COLUMNS), np.nan, dtype=np.float32)
        self._taken_ns = np.zeros(SAMPLES, dtype=np.int64)
        self._count = 0  # samples so far
        self._column_of: dict[PoolId, int] = {}
        self._free: list[int] = []
        self._generation: int | None = None
        self._columns: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # of the rows of the view
        self._next_ns = 0

    def observe(self, view: BookView) -> None:
        """Takes a sample, where half a minute has passed since the one before."""
        if view.now_ns < self._next_ns:
            return
        self._next_ns = view.now_ns + round(EVERY_S * 1e9)
        if view.generation != self._generation:
            self._place(view)
        row = self._count % SAMPLES
        self._ratios[row] = np.nan
        known = self._columns >= 0
        self._ratios[row, self._columns[known]] = ratios_of(view)[known]
        self._taken_ns[row] = view.now_ns
        self._count += 1

    def hour(self, pool: PoolId, now_ns: int) -> Hour | None:
        """What is known of a pool, seen from a moment of the monotonic clock; None where nothing is."""
        column = self._column_of.get(pool)
        if column is None or self._count == 0:
            return None
        held = min(self._count, SAMPLES)
        rows = np.arange(self._count - held, self._count) % SAMPLES
        return Hour((self._taken_ns[rows] - now_ns) / 1e9, self._ratios[rows, column].copy())

    def _place(self, view: BookView) -> None:
        """A column for each pool of the view; one that is gone gives its column back."""
        self._generation = view.generation
        there = {label.id for label in view.pools}
        for pool in [pool for pool in self._column_of if pool not in there]:
            column = self._column_of.pop(pool)
            self._ratios[:, column] = np.nan
            self._free.append(column)
        self._widen(min(len(there), MOST_POOLS))
        columns = (self._column(label.id) for label in view.pools)
        self._columns = np.fromiter(columns, dtype=np.int64, count=len(view.pools))

    def _column(self, pool: PoolId) -> int:
        held = self._column_of.get(pool)
        if held is not None:
            return held
        if len(self._column_of) >= MOST_POOLS:
            return -1
        column = self._free.pop() if self._free else len(self._column_of)
        self._column_of[pool] = column
        return column

    def _widen(self, wanted: int) -> None:
        """Room for so many pools, and for some that come one by one."""
        held = self._ratios.shape[1]
        if wanted > held:
            wider = np.full((SAMPLES, min(max(wanted, 2 * held), MOST_POOLS)), np.nan, dtype=np.float32)
            wider[:, :held] = self._ratios
            self._ratios = wider


def ratios_of(view: BookView) -> Floats:
    """Maintenance over equity; nan where the pool is UNKNOWN, or where no ratio can be told."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = np.where(view.maintenance_margin <= 0, 0.0, view.maintenance_margin / view.equity)
        said = (view.band != int(RiskBand.UNKNOWN)) & ((view.equity > 0) | (view.maintenance_margin <= 0))
        said &= np.isfinite(ratios)
        return np.where(said, ratios, np.nan).astype(np.float32)
