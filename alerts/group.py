"""Which notices leave next, and which leave as one message. Pure.

The worst first, but never a newer notice of an incident before an older one. What a newer notice says as
well is not said twice. Pools that one fault made unknown, or known again, and those that one change of rules
is for, are told together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from alerts.alert import AlertKey, Condition, Kind, Level, Notice

SMALLEST = 3  # fewer are told one by one
TOGETHER = (Condition.UNKNOWN, Condition.RULE_CHANGE)
Routing = Callable[[Notice], object]
Group = tuple[Notice, ...]


def arranged(notices: Iterable[Notice], routing: Routing) -> list[Group]:
    """Every notice in exactly one group, the worst first. `routing`: equal for equal receivers."""
    left = newest(notices)
    worst: dict[AlertKey, Level] = {}
    for notice in left:
        worst[notice.key] = max(notice.incident.level, worst.get(notice.key, Level.CLEAR))
    return grouped(sorted(left, key=lambda notice: -worst[notice.key]), routing)


def newest(notices: Iterable[Notice]) -> list[Notice]:
    """Without those that a later notice of the same incident outdoes: a jump of two levels is told once."""
    kept: dict[tuple[AlertKey, int, int], Notice] = {}
    for notice in notices:
        incident = notice.incident
        before = (incident.key, incident.number, incident.occasion - 1)
        outdone = kept.get(before)
        is_for_others = notice.kind is Kind.UNACKNOWLEDGED  # those before would hear of nothing
        if outdone is not None and incident.level >= outdone.incident.level and not is_for_others:
            del kept[before]
            received = [ns for ns in (outdone.received_ns, notice.received_ns) if ns is not None]
            notice = msgspec.structs.replace(
                notice,
                kind=Kind.RAISED if outdone.kind is Kind.RAISED else notice.kind,
                received_ns=min(received, default=None),
            )
        kept[incident.key, incident.number, incident.occasion] = notice
    return list(kept.values())


def grouped(notices: Sequence[Notice], routing: Routing) -> list[Group]:
    """In the order of the first notice of each group."""
    of_key = Counter(notice.key for notice in notices)
    groups: dict[object, list[Notice]] = {}
    for number, notice in enumerate(notices):
        is_alone = notice.key.condition not in TOGETHER or of_key[notice.key] > 1
        groups.setdefault(number if is_alone else _fault(notice, routing), []).append(notice)
    found: list[Group] = []
    for group in groups.values():
        found += [tuple(group)] if len(group) >= SMALLEST else [(notice,) for notice in group]
    return found


def _fault(notice: Notice, routing: Routing) -> object:
    venue = notice.key.pool.split("/", 1)[0]
    condition = notice.key.condition
    what = notice.detail if condition is Condition.RULE_CHANGE else ""
    return (condition, what, venue, notice.desk, notice.kind, notice.incident.level, routing(notice))
