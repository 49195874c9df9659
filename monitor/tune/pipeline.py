"""A night once more, in virtual time: the states of the pools at other thresholds, through `Incidents`.

Nobody silences and nobody acknowledges in it, and there are no quiet hours: what is compared is thresholds.
What the venue's own figure would have paged is left out, because the history does not keep that figure.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from alerts.alert import Condition, Kind, Level, Notice
from alerts.incidents import Incidents
from monitor.config import Alerts
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from monitor.history.records import DEFICIT, MARGIN_ERROR_OPEN
from monitor.tune.tracks import Ints, Track

GRID_NS = 250_000_000  # as often as a daemon looks at the time
GONE = "gone"
PAGES = (Kind.RAISED, Kind.ESCALATED, Kind.REPEATED, Kind.UNACKNOWLEDGED)
UNKNOWN_AFTER_SEEN_S = 4.0


class Told(NamedTuple):
    """A notice and its time."""

    at_ns: int
    notice: Notice

    def is_page(self, least: Level) -> bool:
        """Whether it calls somebody for a margin, at this level or worse."""
        incident = self.notice.incident
        of_margin = self.notice.key.condition is Condition.MARGIN
        return of_margin and self.notice.kind in PAGES and incident.level >= least


def told_by(tracks: Sequence[Track], bands: Sequence[Ints], times: Alerts) -> list[Told]:
    """All that the alerts would have told."""
    incidents = Incidents(times)
    looks: list[int] = []
    found: list[Told] = []

    def note(at_ns: int, notices: Sequence[Notice]) -> None:
        found.extend(Told(at_ns, notice) for notice in notices)
        if notices:
            _plan(looks, at_ns, (times.repeat_after_s,))

    def look_until(at_ns: int) -> None:
        while looks and looks[0] <= at_ns:
            look_ns = heapq.heappop(looks)
            if not looks or looks[0] > look_ns:
                note(look_ns, incidents.tick(look_ns, look_ns))

    for at_ns, pool, state in _events(tracks, bands):
        look_until(at_ns)
        if state is None:
            note(at_ns, incidents.forget(pool, GONE, at_ns))
        else:
            note(at_ns, incidents.observe(state, at_ns, at_ns))
            waits = (0.0, times.resolve_after_s, times.unknown_after_s, UNKNOWN_AFTER_SEEN_S)
            _plan(looks, at_ns, waits)
    look_until(max((int(track.rows["at_ns"][-1]) for track in tracks), default=0))
    return found


def _plan(looks: list[int], at_ns: int, waits_s: Sequence[float]) -> None:
    """The next looks of a daemon after these waits: only then can time alone make something due."""
    for wait_s in waits_s:
        due_ns = at_ns + round(wait_s * 1e9)
        heapq.heappush(looks, due_ns - due_ns % GRID_NS + GRID_NS)


def _events(tracks: Sequence[Track], bands: Sequence[Ints]) -> Iterator[tuple[int, PoolId, PoolState | None]]:
    """Each state that differs from the one before it, and each end, in the order of their times."""
    each = [_events_of(track, mine) for track, mine in zip(tracks, bands, strict=True)]
    return heapq.merge(*each, key=lambda event: event[0])


def _events_of(track: Track, bands: Ints) -> Iterator[tuple[int, PoolId, PoolState | None]]:
    rows, pool = track.rows, PoolId(track.pool.id)
    news = _news(track, bands)
    places = np.flatnonzero(news).tolist()
    ends = list(track.ends_ns)
    for place in places:
        at_ns = int(rows["at_ns"][place])
        while ends and ends[0] <= at_ns:
            yield ends.pop(0), pool, None
        yield at_ns, pool, _state(track, place, int(bands[place]))
    for at_ns in ends:
        yield at_ns, pool, None


def _news(track: Track, bands: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    rows = track.rows
    news = np.ones(len(rows), dtype=np.bool_)
    columns: Mapping[str, Ints] = {name: rows[name] for name in ("reasons", "flags", "unknown_since_ns")}
    same = np.ones(max(0, len(rows) - 1), dtype=np.bool_)
    for column in (bands, *columns.values()):
        same &= column[1:] == column[:-1]
    news[1:] = ~same
    if track.ends_ns:  # what comes back after its end is told anew
        first = np.searchsorted(rows["at_ns"], np.array(track.ends_ns), side="right")
        news[first[first < len(rows)]] = True
    return news


def _state(track: Track, place: int, band: int) -> PoolState:
    row = track.rows[place]
    since_ns, seen_ns = int(row["unknown_since_ns"]), int(row["unknown_seen_ns"])
    flags = int(row["flags"])
    return PoolState(
        pool=PoolId(track.pool.id),
        desk=track.pool.desk,
        band=RiskBand(band),
        last_band=RiskBand(max(band, 0)),
        reasons=Reason(int(row["reasons"])),
        deficit=bool(flags & DEFICIT),
        margin_error_open=bool(flags & MARGIN_ERROR_OPEN),
        venue_band=RiskBand.CLEAR,
        unknown_since_ns=since_ns or None,
        unknown_seen_ns=seen_ns or None,
        detail=track.details.get(place, ""),
    )
