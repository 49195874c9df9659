"""From states of pools to what is told: raised at once, eased late, silent when nothing changed.

Pure; the times are arguments. Levels, not edges: what is open is compared with what is so now, after a
restart as on any other day. Two clocks come in: `now_ns` (monotonic) for holds and deadlines, `wall_ns` for
what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from alerts.alert import Ack, AlertKey, Condition, Incident, Kind, Level, Notice
from alerts.silences import Silences
from monitor.config import Alerts
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState

SECOND_NS = 1_000_000_000
UNKNOWN_LEVEL = Level.CRITICAL
UNKNOWN_AFTER_SEEN_NS = 4 * SECOND_NS  # a fault that is noticed late still gets this long to end by itself
OF_POOLS = (
    Condition.MARGIN,
    Condition.UNKNOWN,
    Condition.DEFICIT,
    Condition.MARGIN_ERROR,
    Condition.VENUE_WORSE,
)


@dataclass(slots=True)
class _Watch:
    """One key that is open, or that wants to be."""

    desk: str
    detail: str
    wanted: Level | None  # None: nothing can be said now, so what is open stays as it is
    due_ns: int = 0  # a raise waits until then
    better_since_ns: int | None = None
    worst_since_better: Level = Level.CLEAR
    hidden_as: tuple[int, Level] | None = None  # by which version of the silences, at which level
    hidden_until_ns: int = 0  # wall clock
    restored: bool = False  # its first evaluation after a restart is told at once, also if it is better


class Incidents:
    """All open incidents. What was open, and the numbers, come from the ledger."""

    def __init__(
        self,
        times: Alerts,
        restored: Iterable[Incident] = (),
        numbers: Mapping[AlertKey, int] | None = None,
        first_number: int = 1,
        acks: Iterable[Ack] = (),
        silences: Silences | None = None,
    ) -> None:
        self._times = times
        self._silences = silences or Silences()
        self._numbers = dict(numbers or {})
        self._first_number = first_number
        self._open = {incident.key: incident for incident in restored}
        self._watched: dict[AlertKey, _Watch] = {
            key: _Watch(incident.desk, "", None, restored=True) for key, incident in self._open.items()
        }
        self._acks = {ack.key: ack for ack in acks if self._is_of_now(ack)}

    def retime(self, times: Alerts) -> None:
        """Other times from now on; what is under way is judged by them at the next look."""
        self._times = times

    @property
    def open(self) -> tuple[Incident, ...]:
        """What is open now."""
        return tuple(self._open.values())

    def ack(self, key: AlertKey) -> Ack | None:
        """Who has what is open of this key, as bad as it is."""
        return self._acks.get(key)

    def acknowledge(self, key: AlertKey, author: str, wall_ns: int) -> Ack | None:
        """Somebody has it: no repeats of this level or a better one. None where nothing is open."""
        incident = self._open.get(key)
        if incident is None:
            return None
        ack = self._acks[key] = Ack(key, incident.number, incident.level, author, wall_ns)
        return ack

    def hidden(self, wall_ns: int) -> list[tuple[AlertKey, str, Level, str]]:
        """What would be told now but for a silence: its key, desk and level, and which silence."""
        found = []
        for key, watch in self._watched.items():
            if watch.wanted is not None and watch.wanted > self._level_of(key):
                silence = self._silences.hiding(key, watch.desk, watch.wanted, wall_ns)
                if silence is not None:
                    found.append((key, watch.desk, watch.wanted, silence.id))
        return found

    def observe(self, state: PoolState, now_ns: int, wall_ns: int) -> list[Notice]:
        """Takes the state of a pool in; answers what is to be told of it now."""
        notices = []
        for condition, wanted in levels_of(state).items():
            due_ns = self._due_ns(state) if condition is Condition.UNKNOWN else 0
            key = AlertKey(state.pool, condition)
            notices += self._take(key, _Watch(state.desk, state.detail, wanted, due_ns), now_ns, wall_ns)
        return notices

    def observe_own(
        self, key: AlertKey, detail: str, wanted: Level, now_ns: int, wall_ns: int, desk: str = ""
    ) -> list[Notice]:
        """Takes in how the daemon itself fares; no desk's matter, so nobody's desk, unless one is named."""
        return self._take(key, _Watch(desk, detail, wanted), now_ns, wall_ns)

    def tick(self, now_ns: int, wall_ns: int) -> list[Notice]:
        """What is to be told because time has passed."""
        return [
            notice
            for key, watch in list(self._watched.items())
            for notice in self._decide(key, watch, now_ns, wall_ns)
        ]

    def forget(self, pool: PoolId, why: str, wall_ns: int) -> list[Notice]:
        """The pool is gone: what is open of it ends, and that is told."""
        notices = []
        for key in [AlertKey(pool, condition) for condition in Condition]:
            watch = self._watched.pop(key, None)
            if watch is not None and key in self._open:
                watch.detail = why
                notices.append(self._close(key, watch, wall_ns))
        return notices

    def unseen(self) -> set[PoolId]:
        """Pools with incidents of the last run that nothing has been heard of in this one."""
        return {key.pool for key, watch in self._watched.items() if watch.restored and watch.wanted is None}

    def _is_of_now(self, ack: Ack) -> bool:
        incident = self._open.get(ack.key)
        return incident is not None and ack.number == incident.number and ack.level >= incident.level

    def _level_of(self, key: AlertKey) -> Level:
        incident = self._open.get(key)
        return incident.level if incident else Level.CLEAR

    def _is_hidden(self, key: AlertKey, watch: _Watch, level: Level, wall_ns: int) -> bool:
        """Asked four times a second of all that is hidden, so a yes is remembered while it holds."""
        asked = (self._silences.version, level)
        if watch.hidden_as == asked and wall_ns < watch.hidden_until_ns:
            return True
        silence = self._silences.hiding(key, watch.desk, level, wall_ns)
        if silence is None:
            return False
        watch.hidden_as, watch.hidden_until_ns = asked, silence.ends_ns
        return True

    def _take(self, key: AlertKey, fresh: _Watch, now_ns: int, wall_ns: int) -> list[Notice]:
        watch = self._watched.get(key)
        if watch is None:
            if not fresh.wanted:
                return []
            watch = self._watched[key] = fresh
        watch.desk, watch.detail = fresh.desk, fresh.detail
        watch.wanted, watch.due_ns = fresh.wanted, fresh.due_ns
        return self._decide(key, watch, now_ns, wall_ns)

    def _due_ns(self, state: PoolState) -> int:
        began_ns, seen_ns = state.unknown_since_ns, state.unknown_seen_ns
        if began_ns is None or seen_ns is None:
            return 0
        return max(began_ns + round(self._times.unknown_after_s * SECOND_NS), seen_ns + UNKNOWN_AFTER_SEEN_NS)

    def _decide(self, key: AlertKey, watch: _Watch, now_ns: int, wall_ns: int) -> list[Notice]:
        wanted = watch.wanted
        incident = self._open.get(key)
        if wanted is None:
            watch.better_since_ns = None
            return []
        is_first = watch.restored
        if key.condition is not Condition.UNKNOWN or not wanted:  # every run begins with not knowing
            watch.restored = False
        level = self._level_of(key)
        if wanted > level:
            watch.better_since_ns = None
            if now_ns < watch.due_ns or self._is_hidden(key, watch, wanted, wall_ns):
                return []
            return [self._raise(key, watch, wanted, wall_ns)]
        if wanted < level:
            return self._better(key, watch, wanted, is_first, now_ns, wall_ns)
        watch.better_since_ns = None
        if incident is None:
            del self._watched[key]
            return []
        return self._repeat(watch, incident, wall_ns)

    def _better(
        self, key: AlertKey, watch: _Watch, wanted: Level, is_first: bool, now_ns: int, wall_ns: int
    ) -> list[Notice]:
        """Told when it held; eased to the worst level of the time that it held."""
        if watch.better_since_ns is None:
            watch.better_since_ns, watch.worst_since_better = now_ns, wanted
        watch.worst_since_better = max(watch.worst_since_better, wanted)
        held_ns = now_ns - watch.better_since_ns
        if held_ns < self._times.resolve_after_s * SECOND_NS and not is_first:
            return []
        if watch.worst_since_better and self._is_hidden(key, watch, watch.worst_since_better, wall_ns):
            watch.better_since_ns, watch.worst_since_better = now_ns, wanted  # the hold begins again
            return []
        watch.better_since_ns = None
        if watch.worst_since_better is Level.CLEAR:
            del self._watched[key]
            return [self._close(key, watch, wall_ns)]
        return [self._tell(self._open[key], watch, watch.worst_since_better, Kind.EASED, wall_ns)]

    def _raise(self, key: AlertKey, watch: _Watch, level: Level, wall_ns: int) -> Notice:
        incident = self._open.get(key)
        if incident is not None:
            return self._tell(incident, watch, level, Kind.ESCALATED, wall_ns)
        number = self._numbers[key] = self._numbers.get(key, self._first_number - 1) + 1
        fresh = Incident(key, number, level, 0, wall_ns, wall_ns)
        return self._tell(fresh, watch, level, Kind.RAISED, wall_ns)

    def _repeat(self, watch: _Watch, incident: Incident, wall_ns: int) -> list[Notice]:
        if wall_ns - incident.told_ns < self._times.repeat_after_s * SECOND_NS:
            return []
        if self.ack(incident.key) or self._is_hidden(incident.key, watch, incident.level, wall_ns):
            return []
        return [self._tell(incident, watch, incident.level, Kind.REPEATED, wall_ns)]

    def _tell(self, incident: Incident, watch: _Watch, level: Level, kind: Kind, wall_ns: int) -> Notice:
        watch.restored = False  # what this run has spoken of is held like anything else
        told = msgspec.structs.replace(
            incident,
            level=level,
            occasion=incident.occasion + 1,
            told_ns=wall_ns,
            worst=max(level, incident.worst),
            desk=watch.desk,
        )
        ack = self._acks.get(incident.key)
        if ack is not None and (level > ack.level or level is Level.CLEAR):
            del self._acks[incident.key]  # worse than what somebody has, or over
        if level is Level.CLEAR:
            self._open.pop(incident.key, None)
        else:
            self._open[incident.key] = told
        return Notice(told, kind, watch.desk, watch.detail)

    def _close(self, key: AlertKey, watch: _Watch, wall_ns: int) -> Notice:
        return self._tell(self._open[key], watch, Level.CLEAR, Kind.RESOLVED, wall_ns)


def observe_standing(
    incidents: Incidents, standing: Mapping[PoolId, tuple[str, int, str]], now_ns: int, wall_ns: int
) -> list[Notice]:
    """Takes in what stands of requests to cut positions (desk, level, words by pool); all else of them has
    ended."""
    keys = {AlertKey(pool, Condition.DELEVERAGE): word for pool, word in standing.items()}
    for incident in incidents.open:
        if incident.key.condition is Condition.DELEVERAGE:
            keys.setdefault(incident.key, (incident.desk, int(Level.CLEAR), ""))
    return [
        notice
        for key, (desk, level, words) in keys.items()
        for notice in incidents.observe_own(key, words, Level(level), now_ns, wall_ns, desk)
    ]


def levels_of(state: PoolState) -> dict[Condition, Level | None]:
    """How bad each condition is in a state; None where an unknown pool leaves nothing to say."""
    if state.band is RiskBand.UNKNOWN:
        unsaid: dict[Condition, Level | None] = dict.fromkeys(OF_POOLS)
        return unsaid | {Condition.UNKNOWN: UNKNOWN_LEVEL}
    band = Level(int(state.band))
    venues = Level(max(0, int(state.venue_band)))
    return {
        Condition.MARGIN: band,
        Condition.UNKNOWN: Level.CLEAR,
        Condition.DEFICIT: Level.CRITICAL if state.deficit else Level.CLEAR,
        Condition.MARGIN_ERROR: Level.WARNING if state.margin_error_open else Level.CLEAR,
        Condition.VENUE_WORSE: venues if venues > band else Level.CLEAR,
    }
