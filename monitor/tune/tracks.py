"""The history as one track a pool, ready to be judged again.

A distance is solved for the endangered pools four times a second and for the others in turn, so between two
solves it is old. What does not grow old is how it follows the ratio: where the ratio is r, the distance is
k (1/r - 1), k being about the maintenance rate of what the pool holds. So each row takes the k of the nearest
solve.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import RiskBand
from monitor.history.reading import Kept
from monitor.history.records import DEFICIT, ROW, Pool, Rows, rows_of
from monitor.margin.band import is_breached

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
LONGEST_QUIET_NS = 900 * SECOND_NS  # a whole batch comes every ten minutes: past this nobody watched

MOST_ROWS = 20_000_000  # some four gigabytes of memory


class TooMuchHistory(Exception):
    """More than is judged at once; the text says what to do."""


class Track(NamedTuple):
    """All evaluations of one pool, in order."""

    pool: Pool
    rows: Rows
    details: dict[int, str]
    distance: Floats  # carried by the ratio between two solves
    ends_ns: tuple[int, ...]  # when it was gone


class Span(NamedTuple):
    """How long was watched, all runs together."""

    from_ns: int
    to_ns: int
    watched_ns: int


class Breach(NamedTuple):
    """A pool that reached liquidation."""

    pool: str
    at_ns: int


def tracks_of(kept: Kept) -> list[Track]:
    """One for each number that has a name and an evaluation."""
    batches = [rows_of(batch) for batch in kept.batches]
    if (count := sum(map(len, batches))) > MOST_ROWS:
        raise TooMuchHistory(f"{count:,} evaluations are more than {MOST_ROWS:,}: begin later, with --from")
    rows: Rows = np.concatenate(batches) if batches else np.zeros(0, dtype=ROW)
    if not len(rows):
        return []
    starts = np.cumsum([0, *map(len, batches)])
    words = {
        int(start) + place: text
        for start, batch in zip(starts, kept.batches, strict=False)
        for place, text in batch.details.items()
    }
    ends: dict[int, list[int]] = {}
    for batch in kept.batches:
        for at_ns, number in batch.removed:
            ends.setdefault(number, []).append(at_ns)
    order = np.argsort(rows["pool"], kind="stable")
    numbers, firsts = np.unique(rows["pool"][order], return_index=True)
    return [
        _track(kept.pools[number], rows, places, words, tuple(ends.get(number, ())))
        for number, places in zip(numbers.tolist(), np.split(order, firsts[1:]), strict=True)
        if number in kept.pools
    ]


def span_of(kept: Kept) -> Span:
    """From the first to the last evaluation, without the time in which nobody watched."""
    times = [
        (int(rows["at_ns"].min()), int(rows["at_ns"].max()))
        for rows in map(rows_of, kept.batches)
        if len(rows)
    ]
    if not times:
        return Span(0, 0, 0)
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(times)]
    unwatched = sum(gap for gap in gaps if gap > LONGEST_QUIET_NS)
    begin, end = times[0][0], max(last for _, last in times)
    return Span(begin, end, end - begin - unwatched)


def breaches_of(tracks: Iterable[Track], apart_ns: int) -> list[Breach]:
    """When each pool reached liquidation: by our figure, or by the venue's. What goes in and out within
    `apart_ns` is one breach."""
    found = []
    for track in tracks:
        last_ns = None
        for at_ns in track.rows["at_ns"][_is_over(track)].tolist():
            if last_ns is None or at_ns - last_ns > apart_ns:
                found.append(Breach(track.pool.id, at_ns))
            last_ns = at_ns
    return sorted(found, key=lambda breach: (breach.at_ns, breach.pool))


def _is_over(track: Track) -> npt.NDArray[np.bool_]:
    rows = track.rows
    margins = zip(rows["maintenance"].tolist(), rows["equity"].tolist(), strict=True)
    over = np.fromiter((is_breached(*margin, 1.0) for margin in margins), np.bool_, len(rows))
    over |= (rows["venue_band"] == RiskBand.LIQUIDATION) | ((rows["flags"] & DEFICIT) != 0)
    over |= rows["distance"] == 0
    return np.asarray(over & (rows["band"] != RiskBand.UNKNOWN), dtype=np.bool_)


def _track(
    pool: Pool, rows: Rows, places: npt.NDArray[np.intp], words: dict[int, str], ends: tuple[int, ...]
) -> Track:
    mine = rows[places]
    details = {place: words[each] for place, each in enumerate(places.tolist()) if each in words}
    return Track(pool, mine, details, carried(mine), ends)


def carried(rows: Rows) -> Floats:
    """The distance at each row: k (1/r - 1) with the k of the nearest solve in time, as it was told where
    there is no k."""
    distance = rows["distance"].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        room = rows["equity"] / rows["maintenance"] - 1
        factor = distance / room
    is_solved = np.isfinite(factor) & (factor > 0) & (room > 0) & _is_news(distance)
    solved = np.flatnonzero(is_solved)
    if not len(solved):
        return distance
    times, at = rows["at_ns"], rows["at_ns"][solved]
    after = np.clip(np.searchsorted(at, times), 1, max(1, len(solved) - 1))
    before = after - 1
    after = np.minimum(after, len(solved) - 1)
    nearest = np.where(times - at[before] <= at[after] - times, before, after)
    told = np.maximum(factor[solved][nearest] * room, 0.0)
    return np.where(np.isfinite(told), told, distance)


def _is_news(distance: Floats) -> npt.NDArray[np.bool_]:
    """Where it differs from the row before: there it was solved a moment ago."""
    with np.errstate(invalid="ignore"):
        return np.concatenate(([True], np.diff(distance) != 0))
