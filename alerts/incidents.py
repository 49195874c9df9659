"""From states of pools to what is told: raised at once, eased late, silent when nothing changed.

Pure; the times are arguments. Levels, not edges: what is open is compared with what is so now, after a
restart as on any other day. Two clocks come in: `now_ns` (monotonic) for holds and deadlines, `wall_ns` for
what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from alerts.alert import Ack, AlertKey, Condition, Incident, Kind, Level, Notice
from alerts.holding import INHIBITED, Held, Holding, inhibiting
from alerts.levels import UNKNOWN_LEVEL, detail_of, due_ns, levels_of
from alerts.route import Routing
from alerts.venue_fault import FEWEST, VenueFaults
from alerts.watch import Watch
from monitor.config import Alerts
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState

SECOND_NS = 1_000_000_000


class Incidents:
    """All open incidents. What was open, and the numbers, come from the ledger."""

    def __init__(
        self,
        times: Alerts,
        restored: Iterable[Incident] = (),
        numbers: Mapping[AlertKey, int] | None = None,
        first_number: int = 1,
        acks: Iterable[Ack] = (),
        holding: Holding | None = None,
        named: Mapping[AlertKey, Iterable[PoolId]] | None = None,
    ) -> None:
        self._times = times
        self._holding = holding or Holding()
        self._venues = VenueFaults(named or {})
        self._numbers = dict(numbers or {})
        self._first_number = first_number
        self._open = {incident.key: incident for incident in restored}
        self._watched: dict[AlertKey, Watch] = {
            key: Watch(incident.desk, "", None, restored=True) for key, incident in self._open.items()
        }
        self._acks = {ack.key: ack for ack in acks if self._is_of_now(ack)}

    def retime(self, times: Alerts, routing: Routing) -> None:
        """Other times and routes from now on; what is under way is judged by them at the next look."""
        self._times = times
        self._holding.reroute(routing)
        for watch in self._watched.values():
            watch.step_ns = 0

    @property
    def open(self) -> tuple[Incident, ...]:
        """What is open now."""
        return tuple(self._open.values())

    def ack(self, key: AlertKey) -> Ack | None:
        """Who has what is open of this key, as bad as it is."""
        return self._acks.get(key)

    def named(self, key: AlertKey) -> tuple[PoolId, ...]:
        """The pools that the alert of a venue tells of."""
        return self._venues.named(key)

    def acknowledge(self, key: AlertKey, author: str, wall_ns: int) -> Ack | None:
        """Somebody has it: no repeats of this level or a better one. None where nothing is open."""
        incident = self._open.get(key)
        if incident is None:
            return None
        ack = self._acks[key] = Ack(key, incident.number, incident.level, author, wall_ns)
        return ack

    def held(self, wall_ns: int) -> list[tuple[AlertKey, str, Level, Held]]:
        """What would be told now but is held back: its key, desk and level, and by what."""
        found = []
        for key, watch in self._watched.items():
            if watch.wanted is not None and watch.wanted > self._level_of(key):
                held = self._why_held(key, watch.desk, watch.wanted, wall_ns)
                if held is not None:
                    found.append((key, watch.desk, watch.wanted, held))
        return found

    def observe(self, state: PoolState, now_ns: int, wall_ns: int) -> list[Notice]:
        """Takes the state of a pool in; answers what is to be told of it now."""
        notices = []
        self._venues.take(state, due_ns(state, self._times))
        worst_first = sorted(levels_of(state).items(), key=lambda each: -(each[1] or 0))
        for condition, wanted in worst_first:
            # No sooner than the next look: by then the venue may be the matter.
            due = max(due_ns(state, self._times), now_ns + 1) if condition is Condition.UNKNOWN else 0
            key = AlertKey(state.pool, condition)
            notices += self._take(
                key, Watch(state.desk, detail_of(state, condition), wanted, due), now_ns, wall_ns
            )
        return notices + self._released(notices, now_ns, wall_ns)

    def observe_own(
        self, key: AlertKey, detail: str, wanted: Level, now_ns: int, wall_ns: int, desk: str = ""
    ) -> list[Notice]:
        """Takes in how the daemon itself fares; no desk's matter, so nobody's desk, unless one is named."""
        return self._take(key, Watch(desk, detail, wanted), now_ns, wall_ns)

    def tick(self, now_ns: int, wall_ns: int) -> list[Notice]:
        """What is to be told because time has passed."""
        notices = self._look_at_venues(now_ns, wall_ns)
        notices += [
            notice
            for key, watch in list(self._watched.items())
            if key.condition is not Condition.VENUE
            for notice in self._decide(key, watch, now_ns, wall_ns)
        ]
        return notices + self._released(notices, now_ns, wall_ns)

    def forget(self, pool: PoolId, why: str, wall_ns: int) -> list[Notice]:
        """The pool is gone: what is open of it ends, and that is told."""
        notices = []
        self._venues.drop(pool)
        for key in [AlertKey(pool, condition) for condition in Condition]:
            watch = self._watched.pop(key, None)
            if watch is not None and key in self._open:
                watch.detail = why
                notices.append(self._close(key, watch, wall_ns))
        return notices

    def unseen(self) -> set[PoolId]:
        """Pools with incidents of the last run that nothing has been heard of in this one."""
        return {key.pool for key, watch in self._watched.items() if watch.restored and watch.wanted is None}

    def _look_at_venues(self, now_ns: int, wall_ns: int) -> list[Notice]:
        """Before their pools: what is told of a venue needs not be told of each."""
        notices = []
        for key, desk, detail in self._venues.looked_at():
            unknown = self._venues.unknown(key)
            if key not in self._open:
                untold = [pool for pool in unknown if AlertKey(pool, Condition.UNKNOWN) not in self._open]
                unknown = unknown if len(untold) >= FEWEST else ()
                self._venues.name(key, unknown)
            level = UNKNOWN_LEVEL if unknown else Level.CLEAR
            watch = Watch(desk, detail, level, self._venues.due_ns(key))
            notices += self._take(key, watch, now_ns, wall_ns)
        return notices

    def _is_of_now(self, ack: Ack) -> bool:
        incident = self._open.get(ack.key)
        return incident is not None and ack.number == incident.number and ack.level >= incident.level

    def _level_of(self, key: AlertKey) -> Level:
        incident = self._open.get(key)
        return incident.level if incident else Level.CLEAR

    def _released(self, told: Iterable[Notice], now_ns: int, wall_ns: int) -> list[Notice]:
        """What something worse of the same pool has kept from being told, and does no more."""
        better = {notice.key.pool for notice in told if notice.kind in (Kind.EASED, Kind.RESOLVED)}
        keys = [AlertKey(pool, condition) for pool in better for condition in INHIBITED]
        return [
            notice
            for key in keys
            if (watch := self._watched.get(key)) is not None
            for notice in self._decide(key, watch, now_ns, wall_ns)
        ]

    def _is_hidden(self, key: AlertKey, watch: Watch, level: Level, wall_ns: int) -> bool:
        """Asked four times a second of all that is hidden, so a yes is remembered while it holds."""
        asked = (self._holding.version, level)
        if watch.hidden_as == asked and wall_ns < watch.hidden_until_ns:
            return True
        held = self._why_held(key, watch.desk, level, wall_ns)
        if held is None:
            return False
        watch.hidden_as, watch.hidden_until_ns = asked, held.until_ns
        return True

    def _why_held(self, key: AlertKey, desk: str, level: Level, wall_ns: int) -> Held | None:
        held = self._holding.why(key, desk, level, wall_ns)
        worse = None if held else self._inhibiting(key, desk, level)
        return Held(f"inhibited by {worse.value}", wall_ns) if worse else held

    def _inhibiting(self, key: AlertKey, desk: str, level: Level) -> Condition | None:
        if key.condition is Condition.UNKNOWN and self._venues.naming(key.pool, desk) in self._open:
            return Condition.VENUE
        return inhibiting(key, level, self._open)

    def _take(self, key: AlertKey, fresh: Watch, now_ns: int, wall_ns: int) -> list[Notice]:
        watch = self._watched.get(key)
        if watch is None:
            if not fresh.wanted:
                return []
            watch = self._watched[key] = fresh
        watch.desk, watch.detail = fresh.desk, fresh.detail
        watch.wanted, watch.due_ns = fresh.wanted, fresh.due_ns
        return self._decide(key, watch, now_ns, wall_ns)

    def _decide(self, key: AlertKey, watch: Watch, now_ns: int, wall_ns: int) -> list[Notice]:
        wanted = watch.wanted
        incident = self._open.get(key)
        if wanted is None:
            watch.better_since_ns = None
            return [] if incident is None else self._unanswered(watch, incident, wall_ns)
        is_first = watch.restored
        if (
            key.condition not in (Condition.UNKNOWN, Condition.VENUE) or not wanted
        ):  # every run begins with not knowing
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
        return self._unanswered(watch, incident, wall_ns) or self._repeat(watch, incident, wall_ns)

    def _better(
        self, key: AlertKey, watch: Watch, wanted: Level, is_first: bool, now_ns: int, wall_ns: int
    ) -> list[Notice]:
        """Told when it held; eased to the worst level of the time that it held."""
        if watch.better_since_ns is None:
            watch.better_since_ns, watch.worst_since_better = now_ns, wanted
        watch.worst_since_better = max(watch.worst_since_better, wanted)
        held_ns = now_ns - watch.better_since_ns
        if held_ns < self._times.resolve_after_s * SECOND_NS and not is_first:
            return []
        eased = watch.worst_since_better
        if eased and self._holding.why(key, watch.desk, eased, wall_ns) is not None:
            watch.better_since_ns, watch.worst_since_better = now_ns, wanted  # the hold begins again
            return []
        watch.better_since_ns = None
        if watch.worst_since_better is Level.CLEAR:
            del self._watched[key]
            return [self._close(key, watch, wall_ns)]
        return [self._tell(self._open[key], watch, watch.worst_since_better, Kind.EASED, wall_ns)]

    def _raise(self, key: AlertKey, watch: Watch, level: Level, wall_ns: int) -> Notice:
        incident = self._open.get(key)
        if incident is not None:
            return self._tell(incident, watch, level, Kind.ESCALATED, wall_ns)
        number = self._numbers[key] = self._numbers.get(key, self._first_number - 1) + 1
        fresh = Incident(key, number, level, 0, wall_ns, wall_ns, since_ns=wall_ns)
        return self._tell(fresh, watch, level, Kind.RAISED, wall_ns)

    def _unanswered(self, watch: Watch, incident: Incident, wall_ns: int) -> list[Notice]:
        """For the next receivers, where nobody has said to have it for as long as the config waits."""
        if watch.step_ns == 0:
            wait_s = self._next_step_s(incident)
            watch.step_ns = None if wait_s is None else incident.since_ns + round(wait_s * SECOND_NS)
        if watch.step_ns is None or wall_ns < watch.step_ns or self.ack(incident.key):
            return []
        if self._is_hidden(incident.key, watch, incident.level, wall_ns):
            return []
        reached_s = self._next_step_s(incident)
        assert reached_s is not None
        further = msgspec.structs.replace(incident, reached_s=reached_s)
        told = self._tell(further, watch, incident.level, Kind.UNACKNOWLEDGED, wall_ns)
        return [told, *self._unanswered(watch, told.incident, wall_ns)]  # it may have waited for long

    def _next_step_s(self, incident: Incident) -> float | None:
        return self._holding.routing.next_step_s(incident, self._venues.named(incident.key))

    def _repeat(self, watch: Watch, incident: Incident, wall_ns: int) -> list[Notice]:
        if wall_ns - incident.told_ns < self._times.repeat_after_s * SECOND_NS:
            return []
        if self.ack(incident.key) or self._is_hidden(incident.key, watch, incident.level, wall_ns):
            return []
        return [self._tell(incident, watch, incident.level, Kind.REPEATED, wall_ns)]

    def _tell(self, incident: Incident, watch: Watch, level: Level, kind: Kind, wall_ns: int) -> Notice:
        watch.restored = False  # what this run has spoken of is held like anything else
        watch.step_ns = 0
        told = msgspec.structs.replace(
            incident,
            level=level,
            occasion=incident.occasion + 1,
            told_ns=wall_ns,
            worst=max(level, incident.worst),
            desk=watch.desk,
            since_ns=wall_ns if level > incident.level else incident.since_ns,
        )
        ack = self._acks.get(incident.key)
        if ack is not None and (level > ack.level or level is Level.CLEAR):
            del self._acks[incident.key]  # worse than what somebody has, or over
        if level is Level.CLEAR:
            self._open.pop(incident.key, None)
        else:
            self._open[incident.key] = told
        others = self._venues.named(incident.key)
        return Notice(told, kind, watch.desk, watch.detail, others=others)

    def _close(self, key: AlertKey, watch: Watch, wall_ns: int) -> Notice:
        return self._tell(self._open[key], watch, Level.CLEAR, Kind.RESOLVED, wall_ns)
