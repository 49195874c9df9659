"""Webhooks out, signed as Standard Webhooks 1.0.0 says: the id is the same on every attempt, the time is new.

Nothing that the receiver answers is repeated anywhere, and no reason holds a part of the URL: its path and
query are often secret.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp.abc import AbstractResolver
from standardwebhooks.webhooks import Webhook

from alerts.alert import Notification
from alerts.message import document
from alerts.notify.http import Poster
from alerts.notify.notifier import Outcome
from monitor.config import Secret

BODY_LIMIT = 20_000  # bytes; Standard Webhooks 1.0.0, "Payload size", 2026-01
CUT_ORDER = (  # what a reader misses least goes first
    "contributors",
    "moves",
    "rescue",
    "deadlines",
    "others",
    "lines",
)


class WebhookNotifier:
    """Posts the document of each notification to one URL.

    With a previous secret each is signed by both, so that the receiver may change from one to the other when
    it likes (Standard Webhooks 1.0.0, "Signature scheme").
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: Secret,
        *,
        previous: Secret | None = None,
        allow_private_destinations: bool = False,
        resolver: AbstractResolver | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self._poster = Poster(allow_private=allow_private_destinations, resolver=resolver)
        self._url = self._poster.checked(url)
        self._signers = [Webhook(one.reveal()) for one in (secret, previous) if one is not None]
        self._wall_ns = wall_ns

    async def notify(self, notification: Notification) -> Outcome:
        """One POST of at most five seconds."""
        return await self.post(notification.id, body_of(notification))

    async def post(self, message_id: str, body: bytes) -> Outcome:
        """The same of any JSON."""
        return await self._poster.post(self._url, body, self._headers(message_id, body))

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = datetime.fromtimestamp(self._wall_ns() // 10**9, UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(
                signer.sign(message_id, now, body.decode()) for signer in self._signers
            ),
        }


def body_of(notification: Notification, limit: int = BODY_LIMIT) -> bytes:
    """The document as JSON under `limit` bytes; `cut` in it counts what was left out of each list."""
    content = document(notification)
    encoded = msgspec.json.encode(content)
    for name in CUT_ORDER:
        while len(encoded) >= limit and content[name]:
            _halve(content, name)
            encoded = msgspec.json.encode(content)
    return encoded


def _halve(content: dict[str, Any], name: str) -> None:
    """Drops the less important half of a list."""
    held = len(content[name])
    content[name] = content[name][: held // 2]
    content["cut"][name] = content["cut"].get(name, 0) + held - held // 2
