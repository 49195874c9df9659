"""The one connection to Redis: deadlines on every command, no retries inside, every error given a short name.

Deadlines are ours (`asyncio.timeout`): redis-py's own start again with each byte that arrives, and its
retries would multiply them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from monitor.config import Secret
from monitor.sinks.store_client import async_client
from monitor.store_url import BadStoreUrl

CONNECT_S = 1.0  # a slow link needs several round trips to greet; nothing waits for it
COMMAND_S = 0.25
KINDS = (  # the first that fits names the error
    (exceptions.OutOfMemoryError, "out_of_memory"),
    (exceptions.ReadOnlyError, "read_only"),
    (exceptions.BusyLoadingError, "loading"),
    (exceptions.AuthenticationError, "refused"),
    (exceptions.NoPermissionError, "refused"),
    (exceptions.TimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (exceptions.ConnectionError, "connection"),
    (OSError, "connection"),
)
STORE_ERRORS = (exceptions.RedisError, OSError, TimeoutError)

Command = tuple[str | bytes | int, ...]


class StoreLink:
    """Open, ask, close. Raises only STORE_ERRORS; after one of them, `close` and open again."""

    def __init__(self, url: str, password: Secret | None = None) -> None:
        self._url, self._password = url, password
        self._client: Redis | None = None
        self._sentinels: list[Redis] = []
        try:
            self._new_client()
        except ValueError as error:
            raise BadStoreUrl(f"store.url {url.rsplit('@', 1)[-1]!r}: {error}") from None

    @property
    def is_open(self) -> bool:
        """Whether the last command was answered."""
        return self._client is not None

    async def open(self) -> None:
        """Connects, and asks for a PONG before anything large is sent."""
        self._client, self._sentinels = self._new_client()
        await self.ask("PING", deadline_s=CONNECT_S)

    async def ask(self, *command: str | bytes | int, deadline_s: float = COMMAND_S) -> Any:
        """The answer to one command."""
        assert self._client is not None
        async with asyncio.timeout(deadline_s):
            return await self._client.execute_command(*command)

    async def transact(self, commands: Sequence[Command], deadline_s: float = COMMAND_S) -> None:
        """All of them or none, in one round trip."""
        assert self._client is not None
        pipeline = self._client.pipeline(transaction=True)
        for command in commands:
            pipeline.execute_command(*command)
        async with asyncio.timeout(deadline_s):
            await pipeline.execute()

    async def close(self) -> None:
        """Drops the connections. A frozen server does not take leave, so that errors here mean nothing."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(COMMAND_S):
                for each in (client, *self._sentinels):
                    await each.connection_pool.disconnect(inuse_connections=True)
        except STORE_ERRORS:
            pass  # the sockets are closed all the same

    def _new_client(self) -> tuple[Redis, list[Redis]]:
        options = {
            "password": self._password.reveal() if self._password else None,  # one in the URL wins
            "protocol": 2,
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": None,
            "retry": Retry(NoBackoff(), 0),
        }
        return async_client(self._url, options)


def error_kind(error: Exception) -> str:
    """One of a few words, for metrics and logs."""
    cause: BaseException = error
    if type(error) is exceptions.ConnectionError and isinstance(error.__cause__, exceptions.RedisError):
        cause = error.__cause__  # what the server answered to our greeting
    return next((kind for known, kind in KINDS if isinstance(cause, known)), "command")


def error_text(error: Exception) -> str:
    """What went wrong, without the command that redis-py quotes: positions stay out of the logs."""
    return str(error).rsplit("caused error: ", 1)[-1]
