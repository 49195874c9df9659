"""Which notices leave as one message: pools that one fault made unknown, or known again, at one moment. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alerts.alert import Condition, Notice

SMALLEST = 3  # fewer are told one by one
Routing = Callable[[Notice], object]


def grouped(notices: Iterable[Notice], routing: Routing) -> list[tuple[Notice, ...]]:
    """Groups in the order of their first notice; every notice is in exactly one. `routing`: equal for equal receivers."""
    groups: dict[object, list[Notice]] = {}
    for number, notice in enumerate(notices):
        groups.setdefault(_key(notice, number, routing), []).append(notice)
    found: list[tuple[Notice, ...]] = []
    for group in groups.values():
        found += [tuple(group)] if len(group) >= SMALLEST else [(notice,) for notice in group]
    return found


def _key(notice: Notice, number: int, routing: Routing) -> object:
    if notice.key.condition is not Condition.UNKNOWN:
        return number
    venue = notice.key.pool.split("/", 1)[0]
    return (venue, notice.desk, notice.kind, notice.incident.level, routing(notice))
