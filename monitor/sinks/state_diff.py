"""Which rows a reader of Redis does not have yet: kept in columns, so that 100,000 pools stay cheap."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitor.domain.identity import PoolId
from monitor.domain.turn import BookView
from monitor.sinks.state_record import margin_ratios

RATIO_STEP = 1e-4
NEVER = -2  # no band: the row was never written


class Written:
    """What was last written of each pool. `align` to a view, then ask `changed`; `mark` what was written."""

    def __init__(self) -> None:
        self._generation: int | None = None
        self._row_of: dict[PoolId, int] = {}
        self._held: set[PoolId] = set()  # in Redis, as far as we know
        self._gone: tuple[PoolId, ...] = ()
        self._resize(0)

    @property
    def gone(self) -> tuple[PoolId, ...]:
        """Pools that were written and no longer exist."""
        return self._gone

    def is_aligned(self, view: BookView) -> bool:
        """Whether the rows are those of this view's list of pools."""
        return view.generation == self._generation

    def align(self, view: BookView) -> None:
        """Follows a new list of pools; rows keep what was written under the same id."""
        if self.is_aligned(view):
            return
        old_rows, old = self._row_of, (self._band, self._reasons, self._deficit, self._ratio)
        self._row_of = {label.id: row for row, label in enumerate(view.pools)}
        self._generation = view.generation
        kept = [(row, old_rows[pool]) for pool, row in self._row_of.items() if pool in old_rows]
        self._resize(len(view.pools))
        if kept:
            rows, sources = np.array(kept, dtype=np.intp).T
            for column, old_column in zip(self._columns(), old, strict=True):
                column[rows] = old_column[sources]
        self._gone = tuple(sorted(self._held - self._row_of.keys()))

    def changed(self, view: BookView) -> npt.NDArray[np.intp]:
        """Rows whose band, reasons or deficit differ from what was written, or whose ratio moved by 1e-4."""
        ratio = margin_ratios(view)
        moved = np.abs(ratio - self._ratio) >= RATIO_STEP
        moved |= np.isnan(ratio) != np.isnan(self._ratio)
        moved |= view.band != self._band
        moved |= view.reasons != self._reasons
        moved |= view.deficit != self._deficit
        return np.flatnonzero(moved)

    def mark(self, view: BookView, rows: npt.NDArray[np.intp]) -> None:
        """These rows were written as they stand in the view."""
        self._band[rows] = view.band[rows]
        self._reasons[rows] = view.reasons[rows]
        self._deficit[rows] = view.deficit[rows]
        self._ratio[rows] = margin_ratios(view, rows)
        self._held.update(view.pools[row].id for row in rows.tolist())

    def forget(self, pools: Sequence[PoolId]) -> None:
        """These pools were removed from Redis."""
        self._held.difference_update(pools)
        self._gone = tuple(pool for pool in self._gone if pool in self._held)

    def _resize(self, size: int) -> None:
        self._band = np.full(size, NEVER, dtype=np.int64)
        self._reasons = np.zeros(size, dtype=np.int64)
        self._deficit = np.zeros(size, dtype=np.bool_)
        self._ratio = np.full(size, np.nan)

    def _columns(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self._band, self._reasons, self._deficit, self._ratio


class StreamBudget:
    """How many of the newest entries of a stream fit into a number of bytes: the n of `MAXLEN ~ n`."""

    def __init__(self, limit_bytes: int, most_entries: int = 50_000) -> None:
        self._limit_bytes = limit_bytes
        self._sizes: deque[int] = deque(maxlen=most_entries)
        self._total = 0

    @property
    def entries(self) -> int:
        """Entries that fit, the newest always."""
        return max(1, len(self._sizes))

    def seed(self, entries: int, total_bytes: int) -> None:
        """Starts from a stream that exists, its entries taken as equal."""
        self._sizes.clear()
        self._total = 0
        for _ in range(min(entries, self._sizes.maxlen or 0)):
            self.add(total_bytes // entries)

    def add(self, size_bytes: int) -> None:
        """One more entry; the oldest leave the count until the rest fits."""
        if len(self._sizes) == self._sizes.maxlen:
            self._total -= self._sizes.popleft()
        self._sizes.append(size_bytes)
        self._total += size_bytes
        while self._total > self._limit_bytes and len(self._sizes) > 1:
            self._total -= self._sizes.popleft()

    def shrink(self) -> None:
        """Keeps the newest half: the server has no memory left."""
        for _ in range(len(self._sizes) // 2):
            self._total -= self._sizes.popleft()
