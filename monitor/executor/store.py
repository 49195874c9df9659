"""The executor's side of Redis: requests in, results out, the fence, the kill switch, who has a request.

The names are those of `monitor/deleverage/request.py`. An entry is acknowledged when its results are told;
one that is not stays with this consumer, and is read again after a restart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from monitor.config_executor import ExecutorConfig
from monitor.deleverage.request import EXECUTOR_GROUP, DeleverageResult, seal
from monitor.executor.guards import Standing
from monitor.executor.work import StoreUnavailable
from monitor.sinks.store_link import STORE_ERRORS, StoreLink, error_kind

BLOCK_S = 1.0
PATIENCE_S = 2.0  # of every command; a blocking one gets BLOCK_S more
RESULTS_MOST = 10_000
CLAIMED_FOR_S = 7 * 86_400


class Entry(NamedTuple):
    """One entry of the stream, as it came."""

    number: str
    id: str
    body: bytes
    signature: str


class RedisStore:
    """Raises StoreUnavailable; after that, `open` again."""

    def __init__(self, config: ExecutorConfig, consumer: str) -> None:
        assert config.store.url is not None  # checked by the config
        prefix = f"margind:{{{config.executor.shard}}}"
        self._requests = f"{prefix}:executor"
        self._results = f"{prefix}:deleverage:results"
        self._fence, self._kill = f"{prefix}:deleverage:fence", f"{prefix}:deleverage:kill"
        self._claims = f"{prefix}:executor:has:"
        self._key = config.executor.signing_key.reveal().encode()
        self._consumer = consumer
        self._link = StoreLink(config.store.url, config.store.password)
        self._reads_own = True  # what was taken before and not acknowledged comes first

    async def open(self) -> None:
        """Connects, and makes the consumer group where there is none."""
        await self._link.close()
        try:
            await self._link.open()
        except STORE_ERRORS as error:
            raise StoreUnavailable(error_kind(error)) from None
        self._reads_own = True
        try:
            await self._link.ask(
                "XGROUP", "CREATE", self._requests, EXECUTOR_GROUP, "0", "MKSTREAM", deadline_s=PATIENCE_S
            )
        except STORE_ERRORS as error:
            if "BUSYGROUP" not in str(error):
                await self._failed(error)

    async def take(self) -> Entry | None:
        """The next request, or None after a second without one."""
        if self._reads_own:
            entry = await self._read("0")
            if entry is not None:
                return entry
            self._reads_own = False
        return await self._read(">", "BLOCK", round(BLOCK_S * 1000))

    async def acknowledge(self, entry: Entry) -> None:
        """It is done with."""
        await self._ask("XACK", self._requests, EXECUTOR_GROUP, entry.number)

    async def tell(self, result: DeleverageResult) -> None:
        """Puts a result where the monitor and others read it."""
        sealed = seal(result, self._key)
        fields = ("id", sealed.id, "body", sealed.body, "signature", sealed.signature)
        await self._ask("XADD", self._results, "MAXLEN", "~", RESULTS_MOST, "*", *fields)

    async def standing(self) -> Standing:
        """The epoch in force and the kill switch, as they are now; the switch is asked last."""
        fence = await self._ask("GET", self._fence)
        killed = await self._ask("EXISTS", self._kill)
        text = _text(fence)
        return Standing(int(text) if text.isdecimal() and len(text) < 19 else 0, bool(killed))

    async def claims(self, request: str, owner: str) -> bool:
        """Whether the request is this executor's: the first that asks has it."""
        key = self._claims + request
        if await self._ask("SET", key, owner, "NX", "EX", CLAIMED_FOR_S):
            return True
        return _text(await self._ask("GET", key)) == owner

    async def close(self) -> None:
        """Drops the connection."""
        await self._link.close()

    async def _read(self, cursor: str, *more: str | int) -> Entry | None:
        words = ("XREADGROUP", "GROUP", EXECUTOR_GROUP, self._consumer, "COUNT", 1, *more)
        answer = await self._ask(*words, "STREAMS", self._requests, cursor, deadline_s=BLOCK_S + PATIENCE_S)
        return _entry(answer)

    async def _ask(self, *command: str | bytes | int, deadline_s: float = PATIENCE_S) -> Any:
        if not self._link.is_open:
            raise StoreUnavailable("connection")
        try:
            return await self._link.ask(*command, deadline_s=deadline_s)
        except STORE_ERRORS as error:
            await self._failed(error)

    async def _failed(self, error: Exception) -> None:
        await self._link.close()
        raise StoreUnavailable(error_kind(error)) from None


def _entry(answer: Any) -> Entry | None:
    """The first entry of XREADGROUP's answer, [[stream, [(number, fields)]]]; one that was trimmed
    away has no fields, and is read as an empty one."""
    entries = answer[0][1] if answer else []
    if not entries:
        return None
    number, fields = entries[0]
    given = fields or {}
    return Entry(
        _text(number), _text(given.get(b"id")), given.get(b"body", b""), _text(given.get(b"signature"))
    )


def _text(raw: Any) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw or "")
