"""Which evaluations say something new: compared in columns, so that 100,000 pools cost milliseconds.

Of the thread that writes; the engine's loop only hands views over.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from monitor.domain.identity import PoolId
from monitor.domain.turn import BookView, PoolLabel, PoolState
from monitor.history.records import DEFICIT, MARGIN_ERROR_OPEN, ROW, Pool, Rows
from monitor.sinks.state_diff import NEVER, RATIO_STEP
from monitor.sinks.state_record import margin_ratios

DISTANCE_STEP = 0.01  # of the distance itself: what is near is followed closely
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NO_ROW = -1


class Changes:
    """What was kept last of each pool, by its number. `numbers` are those that the file knows."""

    def __init__(self, numbers: dict[Pool, int]) -> None:
        self._numbers = numbers
        self._next = max(numbers.values(), default=-1) + 1
        self._labels: tuple[PoolLabel, ...] | None = None
        self._number_of: dict[PoolId, int] = {}
        self._of_row = np.zeros(0, dtype=np.int64)
        self._row_of = np.zeros(0, dtype=np.int64)
        self._last = np.zeros(0, dtype=ROW)
        self._ratio = np.zeros(0)
        self.fresh: list[tuple[int, Pool]] = []  # numbers that the file does not know yet

    def crossed(self, view: BookView, states: Iterable[PoolState]) -> tuple[Rows, dict[int, str]]:
        """The evaluations of pools whose state changed in the turn of this view, with their words."""
        self._align(view)
        told = {number: state for state in states if (number := self._number_of.get(state.pool)) is not None}
        for number, state in told.items():
            self._note(number, state, view)
        rows = self._row_of[np.fromiter(told, np.int64, len(told))]
        kept = self._kept(view, rows[rows != NO_ROW])
        words = {place: told[number].detail for place, number in enumerate(kept["pool"].tolist())}
        return kept, {place: detail for place, detail in words.items() if detail}

    def moved(self, view: BookView, *, whole: bool = False) -> Rows:
        """The evaluations that differ from what was kept last; all of them where `whole`."""
        self._align(view)
        rows = np.arange(len(view.pools)) if whole else np.flatnonzero(self._is_moved(view))
        return self._kept(view, rows)

    def forget(self, pools: Iterable[PoolId]) -> list[int]:
        """These are gone; answers their numbers. One that comes back is told anew."""
        gone = [number for pool in pools if (number := self._number_of.get(pool)) is not None]
        self._last["band"][gone] = NEVER
        return gone

    def _is_moved(self, view: BookView) -> npt.NDArray[np.bool_]:
        last, ratio = self._last[self._of_row], margin_ratios(view)
        before = self._ratio[self._of_row]
        with np.errstate(invalid="ignore"):
            moved = np.abs(ratio - before) >= RATIO_STEP
            near = np.minimum(view.distance, last["distance"])
            away = np.abs(view.distance - last["distance"])
            moved |= (away >= DISTANCE_STEP * near) & (away > 0)
        moved |= np.isnan(ratio) != np.isnan(before)
        moved |= np.isnan(view.distance) != np.isnan(last["distance"])
        moved |= (view.band != last["band"]) | (view.reasons != last["reasons"])
        moved |= view.deficit != ((last["flags"] & DEFICIT) != 0)
        return np.asarray(moved, dtype=np.bool_)

    def _kept(self, view: BookView, rows: npt.NDArray[np.intp]) -> Rows:
        """These rows as records, and remembered as kept."""
        numbers = self._of_row[rows]
        kept = self._last[numbers]
        kept["at_ns"], kept["pool"] = view.as_of_ns, numbers
        kept["band"], kept["reasons"] = view.band[rows], view.reasons[rows]
        kept["equity"], kept["maintenance"] = view.equity[rows], view.maintenance_margin[rows]
        kept["distance"], kept["margin_error"] = view.distance[rows], view.margin_error[rows]
        kept["flags"] = (kept["flags"] & MARGIN_ERROR_OPEN) | np.where(view.deficit[rows], DEFICIT, 0)
        self._last[numbers] = kept
        self._ratio[numbers] = margin_ratios(view, rows)
        return kept

    def _note(self, number: int, state: PoolState, view: BookView) -> None:
        """What only a state tells, and the columns don't."""
        last = self._last
        open_ = MARGIN_ERROR_OPEN if state.margin_error_open else 0
        last["flags"][number] = (last["flags"][number] & DEFICIT) | open_
        last["venue_band"][number] = int(state.venue_band)
        since, seen = state.unknown_since_ns, state.unknown_seen_ns
        last["unknown_since_ns"][number] = 0 if since is None else view.as_of_ns - (view.now_ns - since)
        last["unknown_seen_ns"][number] = 0 if seen is None else view.as_of_ns - (view.now_ns - seen)

    def _align(self, view: BookView) -> None:
        """Follows a new list of pools."""
        if view.pools is self._labels:
            return
        self._labels = view.pools
        numbers = [self._numbered(label) for label in view.pools]
        self._number_of |= {label.id: number for label, number in zip(view.pools, numbers, strict=True)}
        self._of_row = np.array(numbers, dtype=np.int64)
        self._grow(max(numbers, default=-1) + 1)
        self._row_of = np.full(len(self._last), NO_ROW, dtype=np.int64)
        self._row_of[self._of_row] = np.arange(len(numbers))

    def _numbered(self, label: PoolLabel) -> int:
        pool = Pool(label.id, label.account, label.desk, label.model, label.unit)
        number = self._numbers.get(pool)
        if number is None:
            number = self._numbers[pool] = self._next
            self._next += 1
            self.fresh.append((number, pool))
        return number

    def _grow(self, size: int) -> None:
        more = size - len(self._last)
        if more > 0:
            fresh = np.zeros(more, dtype=ROW)
            fresh["band"] = NEVER
            fresh["distance"] = np.nan
            self._last = np.concatenate((self._last, fresh))
            self._ratio = np.concatenate((self._ratio, np.full(more, np.nan)))
