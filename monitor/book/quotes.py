"""Every measured number of the book with its age: marks, index prices, asset prices. One row a price,
columns for the sweep.

A mark is believed when it is young, ordered, near its index, and moves when its index moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitor.book.freshness import (
    FROZEN_INDEX_MOVE,
    effective_seen_ns,
    is_from_the_future,
    mark_silence_limit_ns,
)
from monitor.book.growing import grown
from monitor.book.volatility import Volatility
from monitor.domain.assessment import Reason
from monitor.domain.event import MarkPrice

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NEVER = 0


def price_name(venue: str, asset: str) -> str:
    """What the price of an asset is called among the quotes."""
    return f"{venue}:{asset} price"


class Quotes:
    """Prices by row. `values` and `reasons` are what the sweep reads; the rest is how they came to be."""

    def __init__(self, index_gap_limit: float) -> None:
        self._index_gap_limit = index_gap_limit
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._venues: dict[str, list[int]] = {}
        self.volatility = Volatility()
        self._gapped: set[str] = set()
        self._apart: set[int] = set()  # marks that do not stand near their index
        self.values: Floats = np.full(16, math.nan)
        self.reasons: Ints = np.full(16, int(Reason.PARTIAL), dtype=np.int64)
        self.seen_ns: Ints = np.zeros(16, dtype=np.int64)
        self.index: Floats = np.full(16, math.nan)
        self._venue_ns: Ints = np.zeros(16, dtype=np.int64)
        self._limit_ns: Ints = np.zeros(16, dtype=np.int64)
        self._is_gap: npt.NDArray[np.bool_] = np.zeros(16, dtype=np.bool_)
        self.is_fixed: npt.NDArray[np.bool_] = np.zeros(16, dtype=np.bool_)
        self._changed_ns: Ints = np.zeros(16, dtype=np.int64)
        self._index_at_change: Floats = np.full(16, math.nan)

    def __len__(self) -> int:
        return len(self._names)

    def row(self, venue: str, name: str, cadence_s: float, *, is_mark: bool = True) -> int:
        """The row of a price, made on first use; `name` is an instrument id or `venue:asset price` key.

        A break of the venue's marks is a gap of every mark; prices of assets come another way.
        """
        row = self._rows.get(name)
        if row is None:
            row = len(self._names)
            self._rows[name] = row
            self._names.append(name)
            self._grow(row + 1)
            if is_mark:
                self._venues.setdefault(venue, []).append(row)
                self._is_gap[row] = venue in self._gapped
        self._limit_ns[row] = mark_silence_limit_ns(cadence_s)
        return row

    def fixed_row(self, name: str, value: float) -> int:
        """A number that nobody tells (a pool's own unit is worth 1, the time to an expiry): never stale."""
        row = self.row("", name, 1.0)
        self.fix(row, value)
        return row

    def fix(self, row: int, value: float) -> None:
        """Writes a number that nobody tells."""
        self.values[row] = value
        self.reasons[row] = 0
        self.is_fixed[row] = True

    def set_apart(self, row: int) -> None:
        """The mark is no price of what its index prices (an option): the two are not compared."""
        self._apart.add(row)

    def find(self, name: str) -> int | None:
        """The row of a price, if it has one."""
        return self._rows.get(name)

    def take_history(self, name: str, prices: Sequence[float]) -> None:
        """Prices of before this run, for the estimators of speed; of what is not held they are dropped."""
        row = self.find(name)
        if row is not None:
            self.volatility.take_history(row, np.array(prices, np.float64))

    def name(self, row: int) -> str:
        """What the row prices."""
        return self._names[row]

    def gap(self, venue: str, is_open: bool) -> None:
        """A venue's public stream broke, or is whole again."""
        (self._gapped.add if is_open else self._gapped.discard)(venue)
        self._is_gap[self._venues.get(venue, [])] = is_open

    def apply_mark(self, row: int, event: MarkPrice, wall_received_ns: int) -> str | None:
        """Takes a mark in; answers why not, or None."""
        late = self._refusal(row, event.venue_ns, wall_received_ns)
        if late is not None:
            return late
        if event.index is not None and row not in self._apart:
            self.index[row] = event.index
        if event.mark is not None and event.mark != self.values[row]:
            self.values[row] = event.mark
            self._changed_ns[row] = event.received_ns
            self._index_at_change[row] = self.index[row]
        elif math.isnan(self._index_at_change[row]):
            self._index_at_change[row] = self.index[row]
        self._seen(row, event.venue_ns, event.received_ns, wall_received_ns)
        return None

    def apply_value(
        self, row: int, value: float, venue_ns: int, received_ns: int, wall_received_ns: int
    ) -> str | None:
        """Takes a number in that is no mark (the price of an asset, an index, a volatility); answers why not,
        or None."""
        late = self._refusal(row, venue_ns, wall_received_ns)
        if late is not None:
            return late
        self.values[row] = value
        self._seen(row, venue_ns, received_ns, wall_received_ns)
        return None

    def refresh(self, now_ns: int) -> Ints:
        """Recomputes every row's reasons at `now_ns`; answers the rows whose reasons changed."""
        count = len(self._names)
        self.volatility.sample(self.values[:count], now_ns)
        rows = slice(0, count)
        seen, values, index = self.seen_ns[rows], self.values[rows], self.index[rows]
        silent = now_ns - seen > self._limit_ns[rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            odd = np.abs(values - index) > self._index_gap_limit * index
            moved = np.abs(index / self._index_at_change[rows] - 1) > FROZEN_INDEX_MOVE
        frozen = moved & (now_ns - self._changed_ns[rows] > self._limit_ns[rows])
        # What repeats a frozen mark tells nothing: the last good datum is the one that still moved.
        seen[frozen] = self._changed_ns[rows][frozen]
        never = np.isnan(values)
        found = np.where(silent | frozen, int(Reason.STALE), 0) | np.where(odd, int(Reason.IMPLAUSIBLE), 0)
        found = np.where(never, int(Reason.PARTIAL), found)
        found |= np.where(self._is_gap[rows], int(Reason.GAP), 0)
        found[self.is_fixed[rows]] = 0
        changed: Ints = np.flatnonzero(found != self.reasons[rows])
        self.reasons[rows] = found
        return changed

    def _refusal(self, row: int, venue_ns: int, wall_received_ns: int) -> str | None:
        if not venue_ns:
            return None
        if venue_ns < self._venue_ns[row]:
            return "older"
        if is_from_the_future(venue_ns, wall_received_ns):
            return "future"
        return None

    def _seen(self, row: int, venue_ns: int, received_ns: int, wall_received_ns: int) -> None:
        # A replayed message has the venue time that we have: applied again it changes nothing, and confirms
        # nothing.
        if venue_ns and venue_ns == self._venue_ns[row]:
            return
        self._venue_ns[row] = venue_ns
        self.seen_ns[row] = max(
            int(self.seen_ns[row]), effective_seen_ns(received_ns, venue_ns, wall_received_ns)
        )

    def _grow(self, count: int) -> None:
        if count <= len(self.values):
            return
        self.values = grown(self.values, count, math.nan)
        self.reasons = grown(self.reasons, count, int(Reason.PARTIAL))
        self.seen_ns = grown(self.seen_ns, count, NEVER)
        self.index = grown(self.index, count, math.nan)
        self._venue_ns = grown(self._venue_ns, count, 0)
        self._limit_ns = grown(self._limit_ns, count, 0)
        self._is_gap = grown(self._is_gap, count, False)
        self.is_fixed = grown(self.is_fixed, count, False)
        self._changed_ns = grown(self._changed_ns, count, 0)
        self._index_at_change = grown(self._index_at_change, count, math.nan)
