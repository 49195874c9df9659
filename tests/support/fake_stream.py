"""A websocket server that does what a test says, a codec of a few words, and an ear that remembers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from prometheus_client import CollectorRegistry
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from adapters.gate import ConnectLimit, VenueGate
from adapters.session import Broken, Signal, Tools
from adapters.venue import SHUTDOWN_NOTICE, BadFrame, Decoded, Ignored
from monitor.clock import Clock, SystemClock
from monitor.domain.event import AccountDelta, Event, MarkPrice, StreamGap
from monitor.domain.identity import AccountId, InstrumentId
from monitor.names import Metrics

VENUE = "words"
ACCOUNT = AccountId("words/desk")
_QUIET = logging.getLogger("tests.fake_stream")  # what it would log is what tests look for elsewhere
_QUIET.setLevel(logging.CRITICAL)
MANY = ConnectLimit(count=10_000, per_s=1.0)


class WordCodec:
    """`mark 1.5` and `delta 7` are data, `beat` and `bye` are not, `crash` is a bug, `gap` ends it all."""

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """One outcome a word."""
        words = (frame.encode() if isinstance(frame, str) else frame).decode(errors="replace").split()
        match words:
            case ["mark", price]:
                mark = MarkPrice(InstrumentId("words:X"), float(price), None, None, None, 1, received_ns)
                return [mark]
            case ["delta", time_ns]:
                return [AccountDelta(ACCOUNT, (), (), int(time_ns), received_ns)]
            case ["gap"]:
                return [StreamGap(VENUE, ACCOUNT, "the venue says so", received_ns)]
            case ["beat"]:
                return Ignored("beat")
            case ["bye"]:
                return Ignored(SHUTDOWN_NOTICE)
            case ["crash"]:
                raise RuntimeError("a bug of the codec")
            case _:
                return BadFrame("no word")


class StreamServer:
    """`greet` is sent to each connection that opens; `refusing` answers 503 (or another status) instead."""

    def __init__(self, *greet: str) -> None:
        self.greet: tuple[str, ...] = greet
        self.connections: list[ServerConnection] = []
        self.closed: list[ServerConnection] = []
        self.received: list[str] = []
        self.refusing: int | None = None
        self.retry_after: str | None = None
        self.most_open = 0
        self._changed = asyncio.Event()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"ws://{host}:{port}/stream"

    async def say(self, *frames: str | bytes, number: int = -1) -> None:
        """Sends on one connection, the newest unless told."""
        for frame in frames:
            await self.connections[number].send(frame)

    async def until(self, is_so: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
        """Waits for a connection or a frame to make something true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited {timeout_s} s for {what}") from None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            ping_interval=None,
            close_timeout=0.2,
            logger=_QUIET,
            process_request=self._judge,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        for connection in self.connections:
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    def _judge(self, connection: ServerConnection, _: Any) -> Any:
        if self.refusing is None:
            return None
        response = connection.respond(self.refusing, "not now\n")
        if self.retry_after is not None:
            response.headers["Retry-After"] = self.retry_after
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.most_open = max(self.most_open, len(self.connections) - len(self.closed))
        self._changed.set()
        try:
            for frame in self.greet:
                await connection.send(frame)
            async for said in connection:
                self.received.append(said if isinstance(said, str) else said.decode())
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            self.closed.append(connection)
            self._changed.set()


class Ear:
    """What a session or a feed told, in order."""

    def __init__(self) -> None:
        self.heard: list[Event | Signal] = []
        self._counts: Counter[type] = Counter()
        self._changed = asyncio.Event()

    def tell(self, news: Sequence[Event] | Signal) -> None:
        """For a session."""
        for each in [news] if isinstance(news, Signal) else news:
            self.post(each)

    def post(self, event: Event | Signal) -> None:
        """For a feed."""
        self.heard.append(event)
        self._counts[type(event)] += 1
        self._changed.set()

    def of(self, *kinds: type) -> list[Any]:
        """What was heard of these kinds."""
        return [news for news in self.heard if isinstance(news, kinds)]

    def names(self, *without: type) -> list[str]:
        """The kinds of all that was heard."""
        return [type(news).__name__ for news in self.heard if not isinstance(news, without)]

    async def until(self, kind: type, count: int = 1, timeout_s: float = 10.0) -> Any:
        """The newest of a kind, once there are so many."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._counts[kind] < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} number {count} within {timeout_s} s") from None
        return self.of(kind)[count - 1]

    async def broken(self, count: int = 1) -> Broken:
        """The newest break."""
        found: Broken = await self.until(Broken, count)
        return found


def tools(seed: int = 1, limit: ConnectLimit = MANY, clock: Clock | None = None) -> Tools:
    """What feeds are given, with counters of their own."""
    clock = clock or SystemClock()
    return Tools(clock, Metrics(CollectorRegistry()), random.Random(seed), VenueGate(limit, clock))


def counted(metrics: Metrics, name: str, **labels: str) -> float:
    """A counter's value, 0 when it never counted."""
    return metrics.registry.get_sample_value(f"margind_{name}_total", labels) or 0.0
