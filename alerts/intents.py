"""What is written down before it is sent: a decision, who is to hear of it, and what it opens or ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alerts.alert import Incident, Kind, Notice, Notification, notification_of, thread_of
from alerts.group import Group
from alerts.ledger import Intent
from alerts.route import routes_of
from monitor.config import Route
from monitor.domain.assessment import MarginAssessment


class Outlook(NamedTuple):
    """What a decision is seen against."""

    open: Sequence[Incident]
    routes: Sequence[Route]
    shard: str


def intent_of(group: Group, assessment: MarginAssessment | None, now_ns: int, outlook: Outlook) -> Intent:
    """One message for a group of notices, on every route that takes it."""
    first = group[0]
    others = tuple(notice.key.pool for notice in group[1:])
    thread, left = thread_of(first.incident, outlook.shard), left_open(first, outlook)
    notification = notification_of(first, assessment, now_ns, others, thread, left)
    routes = routes_of(notification, outlook.routes)
    return Intent(notification, tuple(notice.incident for notice in group), routes)


def left_open(notice: Notice, outlook: Outlook) -> int:
    """How much of the same thread, told to the same receivers, is open after a resolution."""
    if notice.kind is not Kind.RESOLVED:
        return 0
    thread = thread_of(notice.incident, outlook.shard)
    routes = routes_of(notice, outlook.routes)
    return sum(
        thread_of(incident, outlook.shard) == thread
        and routes_of(notice_again(incident), outlook.routes) == routes
        for incident in outlook.open
        if incident.key.condition is notice.key.condition
    )


def notice_again(incident: Incident) -> Notice:
    """What is open, as it would be told again."""
    return Notice(incident, Kind.REPEATED, incident.desk, "")


def still_open(
    incident: Incident, assessment: MarginAssessment | None, now_ns: int, shard: str
) -> Notification:
    """The same as a notification, for receivers that want to hear of it again and again."""
    return notification_of(notice_again(incident), assessment, now_ns, thread=thread_of(incident, shard))
