"""For receivers that keep incidents of their own: which of theirs a notification opens and closes.

Each level of a thread is an incident of its own there, because a service rings for a new one only: what
became worse would be a line in the history of one that somebody has acknowledged. The lower ones end then.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from alerts.alert import Kind, Level, Notification

MOST_THREADS = 10_000  # remembered; the oldest is forgotten
LEVELS = tuple(level for level in Level if level)


class Action(Enum):
    """What is to be done with an incident of the service."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Step(NamedTuple):
    """One of them."""

    action: Action
    level: Level


class Told(NamedTuple):
    """The newest that a service was told of a thread."""

    is_open: bool
    created_ns: int


def key_of(thread: str, level: Level) -> str:
    """What the service knows the incident by."""
    return f"{thread}-{level.label}"


def steps(notification: Notification) -> tuple[Step, ...]:
    """What the service is to do, the most urgent first; nothing while others of the thread are open."""
    if notification.kind is Kind.RESOLVED or not notification.level:
        return () if notification.left else tuple(_ends(notification, Level.CLEAR))
    begun = Step(Action.TRIGGER, notification.level)
    if notification.kind in (Kind.RAISED, Kind.REPEATED):
        return (begun,)
    return (begun, *_ends(notification, notification.level))


def _ends(notification: Notification, but: Level) -> list[Step]:
    worst = max(notification.worst or Level.LIQUIDATION, notification.level)  # none: of an older release
    return [Step(Action.RESOLVE, level) for level in LEVELS if level <= worst and level is not but]


class Threads:
    """What was delivered to one service in this run, so that a late message does not turn it back."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def plan(self, thread: str, notification: Notification) -> tuple[Step, ...]:
        """The steps; a page that its resolution overtook is told and ended at once."""
        wanted = steps(notification)
        if not self.knows_newer(thread, notification):
            return wanted
        is_page = bool(notification.level)
        if is_page and not self._told[thread].is_open:
            return (*wanted, Step(Action.RESOLVE, notification.level))
        return wanted if is_page else ()

    def delivered(self, thread: str, notification: Notification) -> None:
        """The service has taken every step."""
        if self.knows_newer(thread, notification):
            return
        self._told.pop(thread, None)
        is_open = bool(notification.level) or bool(notification.left)
        self._told[thread] = Told(is_open, notification.created_ns)
        if len(self._told) > MOST_THREADS:
            del self._told[next(iter(self._told))]

    def is_open(self, thread: str) -> bool:
        """Whether the service was told of it in this run, and of no end."""
        told = self._told.get(thread)
        return told is not None and told.is_open

    def knows_newer(self, thread: str, notification: Notification) -> bool:
        """Whether the service was told something newer of it."""
        told = self._told.get(thread)
        return told is not None and told.created_ns > notification.created_ns
