"""Webhooks out, signed as Standard Webhooks 1.0.0 says: the id is the same on every attempt, the time is new.

Nothing that the receiver answers is repeated anywhere, and no reason holds a part of the URL: its path and
query are often secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from standardwebhooks.webhooks import Webhook

from alerts.alert import Notification
from alerts.message import document
from alerts.notify.answers import ATTEMPT_S, outcome_of, outcome_of_failure
from alerts.notify.destination import checked_url, open_session
from alerts.notify.notifier import Outcome, Retry
from monitor.config import Secret

BODY_LIMIT = 20_000  # bytes; Standard Webhooks 1.0.0, "Payload size", 2026-01
ANSWER_LIMIT = 4096
DRAIN_S = 0.5
CUT_ORDER = ("contributors", "moves", "rescue", "others", "lines")  # what a reader misses least goes first


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
        self._url = checked_url(url, allow_private=allow_private_destinations)
        self._signers = [Webhook(one.reveal()) for one in (secret, previous) if one is not None]
        self._allow_private = allow_private_destinations
        self._resolver = resolver
        self._wall_ns = wall_ns
        self._session: aiohttp.ClientSession | None = None

    async def notify(self, notification: Notification) -> Outcome:
        """One POST of at most five seconds."""
        return await self.post(notification.id, body_of(notification))

    async def post(self, message_id: str, body: bytes) -> Outcome:
        """The same of any JSON."""
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._post(body, self._headers(message_id, body))
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = datetime.fromtimestamp(self._wall_ns() // 10**9, UTC)
        return {
            "content-type": "application/json",
            "user-agent": "margind",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(
                signer.sign(message_id, now, body.decode()) for signer in self._signers
            ),
        }

    async def _post(self, body: bytes, headers: dict[str, str]) -> Outcome:
        async with self._opened().post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            outcome = outcome_of(response.status, response.headers.get("retry-after"))
            await _drain(response)
            return outcome

    def _opened(self) -> aiohttp.ClientSession:
        """One session for all attempts, made inside the loop that uses it."""
        if self._session is None:
            self._session = open_session(allow_private=self._allow_private, resolver=self._resolver)
        return self._session


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Reads a short answer to its end, so that the connection serves again; a long one loses it."""
    try:
        async with asyncio.timeout(DRAIN_S):
            left = ANSWER_LIMIT
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()


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
