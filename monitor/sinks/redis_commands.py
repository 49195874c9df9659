"""Takes commands from a Redis stream, has them done, and answers in another. Without a secret there are none.

Read without a group, from what is written after the start: a command is done once or not at all, and who gets
no answer asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from monitor.clock import Clock
from monitor.config import Secret
from monitor.names import Metrics
from monitor.sinks.command_record import SCHEMA, Answer, BadCommand, Command, Gate, mark_of
from monitor.sinks.state_record import Keys
from monitor.sinks.store_link import STORE_ERRORS, StoreLink, error_kind

log = structlog.get_logger()
BLOCK_MS = 1_000
READ_S = 3.0
PAUSE_S = 1.0
AT_ONCE = 16
MOST_ANSWERS = 1_000
Execute = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]  # method, path, body: status and text


class RedisCommands:
    """`run` as a task."""

    def __init__(
        self,
        url: str,
        secret: Secret,
        execute: Execute,
        *,
        shard: str,
        clock: Clock,
        metrics: Metrics,
        password: Secret | None = None,
    ) -> None:
        self._link = StoreLink(url, password)
        self._secret, self._execute, self._shard = secret, execute, shard
        self._clock, self._metrics = clock, metrics
        self._keys = Keys(shard)
        self._gate = Gate(secret, shard, clock.wall_ns())
        self._last: bytes | None = None  # the newest entry that was read
        self.is_reading = False  # what is written from now on is read

    async def run(self) -> None:
        """Reads until it is cancelled; an error of the store costs a pause."""
        try:
            while True:
                try:
                    await self._read()
                except STORE_ERRORS as error:
                    self._metrics.store_errors.labels(error_kind(error)).inc()
                    await self._link.close()
                    await asyncio.sleep(PAUSE_S)
        finally:
            await self._link.close()

    async def _read(self) -> None:
        if not self._link.is_open:
            await self._link.open()
            self._last = await self._begin()
            self.is_reading = True
        after = self._last or b"0-0"
        command = ("XREAD", "COUNT", AT_ONCE, "BLOCK", BLOCK_MS, "STREAMS", self._keys.commands, after)
        for _, entries in await self._link.ask(*command, deadline_s=READ_S) or ():
            for number, fields in entries:
                self._last = number
                await self._take(_pairs(fields))

    async def _begin(self) -> bytes:
        """After what is there at the first start; after what was read, unless the stream began anew."""
        newest = await self._link.ask("XREVRANGE", self._keys.commands, "+", "-", "COUNT", 1)
        last: bytes = newest[0][0] if newest else b"0-0"
        if self._last is None or _order(last) < _order(self._last):
            return last if self._last is None else b"0-0"
        return self._last

    async def _take(self, fields: dict[bytes, bytes]) -> None:
        try:
            command = self._gate.passed(fields, self._clock.wall_ns())
        except BadCommand as refused:
            self._metrics.commands.labels(refused.result).inc()
            log.warning("command_refused", result=refused.result, reason=str(refused))
            return
        status, text = await self._execute(command.method, command.path, bytes(command.body))
        self._metrics.commands.labels("done" if status < 400 else "refused").inc()
        log.info("command_done", command=command.id, path=command.path, status=status)
        await self._answer(command, status, text)

    async def _answer(self, command: Command, status: int, text: bytes) -> None:
        told = Answer(SCHEMA, command.id, status, text.decode(errors="replace"))
        content = msgspec.json.encode(told)
        mark = mark_of(self._secret, "answer", self._shard, content)
        place = (self._keys.answers, "MAXLEN", "~", MOST_ANSWERS, "*")
        await self._link.ask("XADD", *place, "answer", content, "mark", mark)


def _pairs(fields: Any) -> dict[bytes, bytes]:
    if isinstance(fields, dict):
        return fields
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _order(number: bytes) -> tuple[int, int]:
    first, _, second = number.partition(b"-")
    return int(first), int(second or 0)
