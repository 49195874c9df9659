"""Opsgenie, through its Alert API: an alert there for each of our incidents, and its end.

Limits of docs.opsgenie.com, "Alert API", 2026-11: message 130 characters, alias 512, description 15,000, a
tag 50, details 8,000 in all. It queues (202) and says later whether it took the alert; that is not asked.
Accounts in the EU have `url = "https://api.eu.opsgenie.com/"`. Atlassian ends Opsgenie on 2027-04-05.
"""

from __future__ import annotations

from typing import Any

import msgspec

from alerts.alert import Level, Notification
from alerts.message import headline, lines
from alerts.notify.fitting import cut, fitted
from alerts.notify.http import Poster
from alerts.notify.notifier import Delivered, Outcome
from alerts.notify.threads import Action, Step, Threads, key_of
from alerts.wording import NAME_LIMIT, plain
from monitor.config import Secret

API = "https://api.opsgenie.com/"
MESSAGE_LIMIT, DESCRIPTION_LIMIT, NOTE_LIMIT = 130, 15_000, 500
TAG_LIMIT = 50
PRIORITY = {
    Level.CLEAR: "P5",
    Level.WARNING: "P3",
    Level.MARGIN_CALL: "P2",
    Level.CRITICAL: "P1",
    Level.LIQUIDATION: "P1",
}


class OpsgenieNotifier:
    """Creates, acknowledges and closes through one API integration."""

    def __init__(
        self, name: str, key: Secret, *, url: str | None = None, allow_private_destinations: bool = False
    ) -> None:
        self.name = name
        self._key = key
        self._poster = Poster(allow_private=allow_private_destinations)
        self._alerts = self._poster.checked(url or API) / "v2" / "alerts"
        self._threads = Threads()

    async def notify(self, notification: Notification) -> Outcome:
        """A call for each step; the page itself is the first."""
        for step in self._threads.plan(notification.thread, notification):
            outcome = await self._take(notification, step)
            if not isinstance(outcome, Delivered):
                return outcome
        self._threads.delivered(notification.thread, notification)
        return Delivered()

    async def acknowledge(self, thread: str, level: Level, author: str) -> Outcome:
        """Stops Opsgenie's escalation."""
        note = f"acknowledged in margind by {plain(author, NAME_LIMIT)}"
        return await self._act(key_of(thread, level), "acknowledge", note)

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    async def _take(self, notification: Notification, step: Step) -> Outcome:
        alias = key_of(notification.thread, step.level)
        if step.action is Action.TRIGGER:
            return await self._post(self._alerts, alert_of(notification, alias))
        return await self._act(alias, "close", cut(headline(notification), NOTE_LIMIT))

    async def _act(self, alias: str, action: str, note: str) -> Outcome:
        url = (self._alerts / alias / action).with_query(identifierType="alias")
        return await self._post(url, {"source": "margind", "note": note})

    async def _post(self, url: Any, content: dict[str, Any]) -> Outcome:
        headers = {"authorization": f"GenieKey {self._key.reveal()}"}
        return await self._poster.post(url, msgspec.json.encode(content), headers)


def alert_of(notification: Notification, alias: str) -> dict[str, Any]:
    """What creates an alert, or adds to the one of that alias."""
    told = (headline(notification), *lines(notification))
    return {
        "message": cut(headline(notification), MESSAGE_LIMIT),
        "alias": alias,
        "description": "\n".join(fitted(told, DESCRIPTION_LIMIT)),
        "priority": PRIORITY[notification.level],
        "source": "margind",
        "entity": plain(notification.key.pool, 3 * NAME_LIMIT),
        "tags": [tag for tag in _tags(notification) if tag],
        "details": {
            "id": plain(notification.id, NAME_LIMIT),
            "pool": plain(notification.key.pool, 3 * NAME_LIMIT),
            "condition": notification.key.condition.value,
            "level": notification.level.label,
            "incident": str(notification.incident),
        },
    }


def _tags(notification: Notification) -> tuple[str, ...]:
    words = (notification.key.condition.value, notification.level.label, notification.desk)
    return tuple(plain(word, TAG_LIMIT)[:TAG_LIMIT].replace(",", " ") for word in words)
