"""Alerts as a Redis stream, `margind:{shard}:alerts`: fields `id`, and `alert` by `margind schema alert`.

Read with a consumer group. The id is the same on every attempt: an entry that comes twice says so by it. The
stream is bounded, and a Redis that is away costs the same patience as any other receiver.
"""

from __future__ import annotations

import asyncio

import msgspec
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import NoBackoff

from alerts.alert import Notification
from alerts.message import document
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from monitor.config import Secret

LENGTH = 10_000  # entries, about
ATTEMPT_S = 2.0
REFUSED = (exceptions.AuthenticationError, exceptions.NoPermissionError)


class StreamNotifier:
    """Appends the document of each notification to one key."""

    def __init__(self, name: str, url: str, key: str, *, password: Secret | None = None) -> None:
        self.name = name
        self._key = key
        self._redis: Redis = Redis.from_url(
            url,
            password=None if password is None else password.reveal(),
            protocol=2,
            socket_connect_timeout=ATTEMPT_S,
            socket_timeout=None,
            retry=RedisRetry(NoBackoff(), 0),
        )

    async def notify(self, notification: Notification) -> Outcome:
        """One XADD."""
        content = msgspec.json.encode(document(notification))
        entry = ("*", "id", notification.id, "alert", content)
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await self._redis.execute_command("XADD", self._key, "MAXLEN", "~", LENGTH, *entry)
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")
        except (exceptions.RedisError, OSError) as error:
            if isinstance(error, REFUSED) or isinstance(error.__cause__, REFUSED):
                return Rejected("Redis refuses the login or the command")
            return Retry(f"Redis does not take it: {type(error).__name__}")
        return Delivered()

    async def close(self) -> None:
        """Closes the connections, those that were refused too."""
        await self._redis.connection_pool.disconnect(inuse_connections=True)
