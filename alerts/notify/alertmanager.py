"""Prometheus Alertmanager, through its API v2: an alert there for each of our incidents, and its end.

The level is a label, so that what becomes worse is a new alert and is told at once: Alertmanager tells of a
changed annotation at the next repetition only. Alertmanager keeps no alerts over a restart and ends what it
does not hear of, so what is open is posted again each minute (prometheus.io, "Sending alerts", 2026-11: "on
the order of 30 seconds to 3 minutes"). Each time the end is moved an hour ahead: should we die, a page stands
for that long instead of being called resolved after `resolve_timeout`.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from yarl import URL

from alerts.alert import Level, Notification
from alerts.message import headline, lines
from alerts.notify.fitting import fitted
from alerts.notify.http import Poster
from alerts.notify.notifier import Delivered, Outcome
from alerts.notify.threads import LEVELS, Action, Threads
from alerts.wording import NAME_LIMIT, plain, pool_parts, utc
from monitor.config import Secret
from monitor.domain.identity import PoolId

UPHOLD_S = 60.0
HOLD_S = 3600.0
SECOND_NS = 1_000_000_000
DESCRIPTION_LIMIT = 16_000  # characters
AT_ONCE = 500  # alerts in one request
SEVERITY = {
    Level.CLEAR: "info",
    Level.WARNING: "warning",
    Level.MARGIN_CALL: "warning",
    Level.CRITICAL: "critical",
    Level.LIQUIDATION: "critical",
}
Alert = dict[str, Any]


class AlertmanagerNotifier:
    """Posts to one Alertmanager; a lone secret is a bearer token, with a user it is a password."""

    uphold_every_s = UPHOLD_S

    def __init__(
        self,
        name: str,
        url: str,
        *,
        user: str | None = None,
        secret: Secret | None = None,
        allow_private_destinations: bool = False,
        hold_s: float = HOLD_S,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self._poster = Poster(allow_private=allow_private_destinations)
        self._url = _alerts_of(self._poster.checked(url))
        self._user, self._secret = user, secret
        self._hold_ns = round(hold_s * SECOND_NS)
        self._wall_ns = wall_ns
        self._threads = Threads()
        self._in_order = asyncio.Lock()  # what is upheld must not arrive after its end

    async def notify(self, notification: Notification) -> Outcome:
        """One POST of an alert for each pool and step."""
        async with self._in_order:
            outcome = await self._post(list(self._alerts(notification, self._wall_ns())))
        if isinstance(outcome, Delivered):
            for pool in (notification.key.pool, *notification.others):
                self._threads.delivered(_thread(notification, pool), _alone(notification))
        return outcome

    def holds(self, notification: Notification) -> bool:
        """Whether this Alertmanager was told of it, and of no end."""
        return self._threads.is_open(_thread(notification, notification.key.pool))

    async def uphold(self, notifications: Sequence[Notification]) -> Outcome:
        """The same alerts again, with a later end."""
        outcome: Outcome = Delivered()
        async with self._in_order:
            until_ns = self._wall_ns() + self._hold_ns
            still = [one for one in notifications if self._is_news(one)]
            for start in range(0, len(still), AT_ONCE):
                chunk = [_alert(one, one.key.pool, one.level, until_ns) for one in still[start:][:AT_ONCE]]
                outcome = await self._post(chunk)
                if not isinstance(outcome, Delivered):
                    break
        return outcome

    def _is_news(self, notification: Notification) -> bool:
        return not self._threads.knows_newer(_thread(notification, notification.key.pool), notification)

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    def _alerts(self, notification: Notification, now_ns: int) -> Iterator[Alert]:
        """Each pool is an alert of its own: grouping is Alertmanager's work."""
        for pool in (notification.key.pool, *notification.others):
            for step in self._threads.plan(_thread(notification, pool), _alone(notification)):
                ends_ns = now_ns + self._hold_ns if step.action is Action.TRIGGER else now_ns
                yield _alert(notification, pool, step.level, ends_ns)

    async def _post(self, alerts: list[Alert]) -> Outcome:
        if not alerts:
            return Delivered()
        return await self._poster.post(self._url, msgspec.json.encode(alerts), self._headers())

    def _headers(self) -> dict[str, str]:
        if self._secret is None:
            return {}
        if self._user is None:
            return {"authorization": f"Bearer {self._secret.reveal()}"}
        pair = base64.b64encode(f"{self._user}:{self._secret.reveal()}".encode()).decode()
        return {"authorization": f"Basic {pair}"}


def _thread(notification: Notification, pool: PoolId) -> str:
    return f"{pool} {notification.key.condition.value}"


def _alone(notification: Notification) -> Notification:
    """What else is open has an alert of its own."""
    return msgspec.structs.replace(notification, left=0)


def _alerts_of(base: URL) -> URL:
    return base / "api" / "v2" / "alerts"


def _alert(notification: Notification, pool: PoolId, level: Level, ends_ns: int) -> Alert:
    return {
        "labels": labels_of(notification, pool, level),
        "annotations": annotations_of(notification),
        "startsAt": utc(min(notification.created_ns, ends_ns)),
        "endsAt": utc(ends_ns),
    }


def labels_of(notification: Notification, pool: PoolId, level: Level) -> dict[str, str]:
    """What makes the alert the same one: bounded, and none of them empty."""
    assert level in LEVELS
    parts = pool_parts(pool)
    condition = notification.key.condition.value
    found = {
        "alertname": f"Margind{condition.title().replace('_', '')}",
        "severity": SEVERITY[level],
        "level": level.label,
        "condition": condition,
        "venue": parts.venue,
        "account": f"{parts.venue}/{parts.account}",
        "pool": parts.id,
        "desk": plain(notification.desk, NAME_LIMIT),
        "source": "margind",
    }
    return {name: value for name, value in found.items() if value}


def annotations_of(notification: Notification) -> dict[str, str]:
    """What a person reads; not part of what the alert is."""
    return {
        "summary": headline(notification),
        "description": "\n".join(fitted(lines(notification), DESCRIPTION_LIMIT)),
        "id": plain(notification.id, NAME_LIMIT),
        "incident": str(notification.incident),
    }
