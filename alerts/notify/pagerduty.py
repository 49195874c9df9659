"""PagerDuty, through its Events API v2: an incident there for each of ours, and its end.

PagerDuty answers 202 for what it has queued; the limits are those of developer.pagerduty.com, "Send an alert
event", 2026-11: an event of 512 KB, a summary of 1,024 characters, 120 events a minute for one key. An
acknowledgement or an end of what it does not know is dropped there, silently.
"""

from __future__ import annotations

from typing import Any

import msgspec

from alerts.alert import Level, Notification
from alerts.message import headline
from alerts.notify.fitting import cut
from alerts.notify.http import Poster
from alerts.notify.notifier import Delivered, Outcome
from alerts.notify.threads import Action, Step, Threads, key_of
from alerts.notify.webhook import body_of
from alerts.wording import NAME_LIMIT, plain, utc
from monitor.config import Secret

API = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_LIMIT = 1024  # characters
EVENT_LIMIT = 512 * 1024  # bytes
DETAILS_LIMIT = 100_000  # bytes; more is read by nobody
SEVERITY = {
    Level.CLEAR: "info",
    Level.WARNING: "warning",
    Level.MARGIN_CALL: "error",
    Level.CRITICAL: "critical",
    Level.LIQUIDATION: "critical",
}


class PagerDutyNotifier:
    """Triggers, acknowledges and resolves through one integration key."""

    every_s = 0.5  # 120 a minute
    burst = 20

    def __init__(
        self, name: str, key: Secret, *, url: str | None = None, allow_private_destinations: bool = False
    ) -> None:
        self.name = name
        self._key = key
        self._poster = Poster(allow_private=allow_private_destinations)
        self._url = self._poster.checked(url or API)
        self._threads = Threads()

    async def notify(self, notification: Notification) -> Outcome:
        """An event for each step; the page itself is the first."""
        for step in self._threads.plan(notification.thread, notification):
            outcome = await self._send(event_of(notification, step))
            if not isinstance(outcome, Delivered):
                return outcome
        self._threads.delivered(notification.thread, notification)
        return Delivered()

    async def acknowledge(self, thread: str, level: Level, author: str) -> Outcome:
        """Stops PagerDuty's escalation. Who it was is not part of such an event."""
        return await self._send(_bare(Action.ACKNOWLEDGE, key_of(thread, level)))

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    async def _send(self, event: dict[str, Any]) -> Outcome:
        body = msgspec.json.encode({"routing_key": self._key.reveal(), **event})
        return await self._poster.post(self._url, body, {})


def event_of(notification: Notification, step: Step) -> dict[str, Any]:
    """The event of a step, without the routing key."""
    event = _bare(step.action, key_of(notification.thread, step.level))
    if step.action is Action.TRIGGER:
        event |= {"client": "margind", "payload": payload_of(notification)}
    return event


def _bare(action: Action, key: str) -> dict[str, Any]:
    return {"event_action": action.value, "dedup_key": key}


def payload_of(notification: Notification) -> dict[str, Any]:
    """What a person sees of it; the details are the document of a webhook."""
    return {
        "summary": cut(headline(notification), SUMMARY_LIMIT),
        "source": plain(notification.key.pool, 3 * NAME_LIMIT) or "margind",
        "severity": SEVERITY[notification.level],
        "timestamp": utc(notification.created_ns),
        "component": plain(notification.key.pool.split("/", 1)[0], NAME_LIMIT),
        "group": plain(notification.desk, NAME_LIMIT),
        "class": notification.key.condition.value,
        "custom_details": msgspec.json.decode(body_of(notification, DETAILS_LIMIT)),
    }
