"""What is written down before it is sent: a decision, who is to hear of it, and what it opens or ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from alerts.alert import Incident, Kind, Notice, Notification, notification_of, thread_of
from alerts.group import Group
from alerts.ledger import Intent, OpenRoute, Unsettled
from alerts.route import Routing
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId


class Outlook(NamedTuple):
    """What a decision is seen against."""

    open: Sequence[Incident]
    routing: Routing
    shard: str


def intent_of(group: Group, assessment: MarginAssessment | None, now_ns: int, outlook: Outlook) -> Intent:
    """One message for a group of notices, on every route that takes it."""
    first = group[0]
    others = first.others + tuple(notice.key.pool for notice in group[1:])
    thread, left = thread_of(first.incident, outlook.shard), left_open(first, outlook, now_ns)
    notification = notification_of(first, assessment, now_ns, others, thread, left)
    routes = outlook.routing.of(notification, now_ns)
    return Intent(notification, tuple(notice.incident for notice in group), routes)


def left_open(notice: Notice, outlook: Outlook, now_ns: int) -> int:
    """How much of the same thread, told to the same receivers, is open after a resolution."""
    if notice.kind is not Kind.RESOLVED:
        return 0
    thread = thread_of(notice.incident, outlook.shard)
    routes = outlook.routing.of(notice, now_ns)
    return sum(
        thread_of(incident, outlook.shard) == thread
        and outlook.routing.of(notice_again(incident), now_ns) == routes
        for incident in outlook.open
        if incident.key.condition is notice.key.condition
    )


def notice_again(incident: Incident, others: tuple[PoolId, ...] = ()) -> Notice:
    """What is open, as it would be told again."""
    return Notice(incident, Kind.REPEATED, incident.desk, "", others=others)


def still_open(notice: Notice, assessment: MarginAssessment | None, now_ns: int, shard: str) -> Notification:
    """The same as a notification, for receivers that want to hear of it again and again."""
    thread = thread_of(notice.incident, shard)
    return notification_of(notice, assessment, now_ns, notice.others, thread)


def routes_left(
    unsettled: Unsettled, knows: Callable[[str], bool], outlook: Outlook, now_ns: int
) -> list[OpenRoute]:
    """Where it was to go; where the config of today says, if nobody of then is left."""
    left = []
    for route in unsettled.routes:
        if not any(map(knows, route.receivers)):
            today = outlook.routing.of(unsettled.notification, now_ns)
            names = dict.fromkeys(name for receivers in today for name in receivers)
            route = OpenRoute(route.number, tuple(names))
        left.append(route)
    return left
