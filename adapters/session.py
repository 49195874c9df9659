"""The only websocket loop: open, follow, move in time, and after a break come back with back-off.

A session keeps one stream of one venue. What it hears it decodes and tells; what happens to the connection it
tells as a signal, and the feed behind it decides what that means (a gap, a snapshot, a page).

Exceptions of a codec end here: they are counted as bad frames and cost that frame, not the account.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from adapters.backoff import Backoff
from adapters.gate import ConnectBudget, VenueGate
from adapters.link import Link, StreamBroken
from adapters.venue import SHUTDOWN_NOTICE, BadFrame, Decoded, Ignored, Stream
from monitor.clock import Clock
from monitor.domain.event import Event, StreamGap
from monitor.domain.identity import AccountId
from monitor.names import Metrics

log = structlog.get_logger()
HEALTHY_AFTER_NS = 10_000_000_000  # a link that lived so long makes the next failure a first one
ROTATE_EARLIEST = 0.9  # feeds that started together must not move together
MOVE_AGAIN_S = 60.0  # after a move that failed; the old link still works
FIRST_SIGN_S = 10.0
TIMED_EVERY = 16  # frames: looking at the histogram costs as much as decoding one
STALE_REASONS = {"silent", "heartbeat_only", "half_open"}


class Opened(msgspec.Struct, frozen=True):
    """Connected and subscribed, after a start or a break: what was held may be wrong."""

    at_ns: int


class Flowing(msgspec.Struct, frozen=True):
    """The first data (or first pong, where data may be rare) since Opened."""

    at_ns: int


class Alive(msgspec.Struct, frozen=True):
    """A pong or a message: the venue still talks to us."""

    at_ns: int


class Moved(msgspec.Struct, frozen=True):
    """A younger connection took over while the old one still worked: nothing was lost."""

    at_ns: int


class Misheard(msgspec.Struct, frozen=True):
    """A frame that could not be read: what it said is lost."""

    reason: str
    at_ns: int


class Broken(msgspec.Struct, frozen=True):
    """The stream broke; the last good datum came at `since_ns`."""

    reason: str
    detail: str
    since_ns: int


# Who hears every frame before it is decoded: venue, account (None: public), stream, address, frame, received.
Tap = Callable[[str, AccountId | None, str, str, bytes, int], None]
Signal = Opened | Flowing | Alive | Moved | Misheard | Broken
Tell = Callable[[Sequence[Event] | Signal], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the feeds of one venue are given."""

    clock: Clock
    metrics: Metrics
    rng: random.Random
    gate: VenueGate
    tap: Tap | None = None


class Session:
    """One stream, kept. `define` says before each connection what to connect to, or raises StreamBroken."""

    def __init__(
        self,
        venue: str,
        name: str,
        who: str,
        define: Callable[[], Awaitable[Stream]],
        tell: Tell,
        connects: ConnectBudget,
        tools: Tools,
    ) -> None:
        self._venue = venue
        self._name = name  # a label: "public", "private"
        self._who = who  # for the log: an account, or the venue
        self._define = define
        self._tell = tell
        self._connects = connects
        self._tools = tools
        self._backoff = Backoff(tools.rng)
        self._link: Link | None = None
        self._counts = _Counts(venue, name, tools.metrics)

    async def run(self) -> None:
        """For ever."""
        while True:
            began_ns = self._tools.clock.monotonic_ns()
            broken = await self._one_life()
            self._link = None
            lived_ns = self._tools.clock.monotonic_ns() - began_ns
            self._note(broken, began_ns)
            await asyncio.sleep(self._pause_s(broken, lived_ns > HEALTHY_AFTER_NS))

    async def send(self, frames: tuple[str, ...]) -> bool:
        """Sends more subscriptions on the open connection; answers whether there was one to send them on."""
        if self._link is None:
            return False
        try:
            await self._link.send(frames)
        except StreamBroken as broken:
            self._link.fail(broken)
            return False
        return True

    def reopen(self, detail: str) -> None:
        """Gives this connection up for a new one."""
        if self._link is not None:
            self._link.fail(StreamBroken("venue_gap", detail, at_once=True))

    async def _one_life(self) -> StreamBroken:
        """One connection after another without a hole; answers what ended the last."""
        try:
            link = await self._open()
        except StreamBroken as broken:
            return broken
        self._tell(Opened(link.opened_ns))
        async with asyncio.TaskGroup() as group:
            return await self._follow(group, link)

    async def _follow(self, group: asyncio.TaskGroup, link: Link) -> StreamBroken:
        ending = group.create_task(self._read(link))
        link.first_sign.add_done_callback(self._flows)
        wait_s = self._rotate_after_s(link.stream)
        while True:
            self._link = link
            await _first_of(wait_s, ending, link.leaving)
            if ending.done():
                return ending.result()
            successor = await self._successor(group, ending)
            if successor is None:
                link.leaving = asyncio.get_running_loop().create_future()
                wait_s = MOVE_AGAIN_S
                continue
            link.abort()
            await ending
            link, ending = successor
            wait_s = self._rotate_after_s(link.stream)
            self._tools.metrics.reconnects.labels(self._venue, self._name, "moved").inc()
            self._tell(Moved(self._tools.clock.monotonic_ns()))

    async def _successor(
        self, group: asyncio.TaskGroup, before: asyncio.Task[StreamBroken]
    ) -> tuple[Link, asyncio.Task[StreamBroken]] | None:
        """A second link that has shown life while the first still works, or None. One at a time a venue."""
        async with self._tools.gate.rotation:
            try:
                link = await self._open()
            except StreamBroken as broken:
                log.warning("stream_move_failed", venue=self._venue, who=self._who, reason=broken.reason)
                return None
            if before.done():  # what came between its end and this opening was heard by nobody
                link.abort()
                return None
            ending = group.create_task(self._read(link))
            await _first_of(link.asking_s + FIRST_SIGN_S, ending, link.first_sign)
            if link.first_sign.done() and not ending.done():
                return link, ending
            link.abort()
            await ending
            return None

    async def _open(self) -> Link:
        stream = await self._define()
        await asyncio.sleep(self._connects.reserve(self._tools.clock.monotonic_ns()))
        self._tools.metrics.connect_attempts.labels(self._venue).inc()
        link = Link(stream, self._tools.clock, self._hear, self._alive)
        try:
            await link.open()
        except BaseException:
            link.abort()
            raise
        return link

    async def _read(self, link: Link) -> StreamBroken:
        try:
            await link.run()
        except StreamBroken as broken:
            return broken
        raise AssertionError("a link ends with StreamBroken")

    def _hear(self, link: Link, frame: bytes, received_ns: int) -> bool:
        """Decodes and tells one frame; answers whether it was data."""
        if self._tools.tap is not None:
            account = None if self._who == self._venue else AccountId(self._who)
            self._tools.tap(self._venue, account, self._name, link.stream.url, frame, received_ns)
        decoded = self._decode(link.stream, frame, received_ns)
        self._counts.count(decoded, self._tools.clock.monotonic_ns() - received_ns)
        if isinstance(decoded, Ignored):
            self._alive(received_ns)
            if decoded.kind == SHUTDOWN_NOTICE and not link.leaving.done():
                link.leaving.set_result(None)
            return False
        if isinstance(decoded, BadFrame):
            self._tell(Misheard(decoded.reason, received_ns))
            return False
        self._tell(decoded)
        for event in decoded:
            if isinstance(event, StreamGap):
                self.reopen(event.detail)  # also when it is told on the other connection of a move
                raise StreamBroken("venue_gap", event.detail, received_ns, at_once=True)
        return bool(decoded)

    def _decode(self, stream: Stream, frame: bytes, received_ns: int) -> Decoded:
        try:
            return stream.codec.decode(frame, received_ns)
        except Exception as error:  # noqa: BLE001  a codec's bug costs a frame and is counted, not an account
            log.error("codec_crashed", venue=self._venue, who=self._who, error=type(error).__name__)
            return BadFrame("codec crashed")

    def _alive(self, at_ns: int) -> None:
        self._tell(Alive(at_ns))

    def _flows(self, _: asyncio.Future[None]) -> None:
        self._tell(Flowing(self._tools.clock.monotonic_ns()))

    def _rotate_after_s(self, stream: Stream) -> float:
        return stream.rotate_after_s * self._tools.rng.uniform(ROTATE_EARLIEST, 1)

    def _note(self, broken: StreamBroken, began_ns: int) -> None:
        metrics = self._tools.metrics
        metrics.reconnects.labels(self._venue, self._name, broken.reason).inc()
        if broken.reason in STALE_REASONS:
            metrics.feed_stale.labels(self._venue, self._name, broken.reason).inc()
        log.warning(
            "stream_broken", venue=self._venue, who=self._who, reason=broken.reason, detail=broken.detail
        )
        since_ns = broken.since_ns if broken.since_ns is not None else began_ns
        self._tell(Broken(broken.reason, broken.detail, since_ns))

    def _pause_s(self, broken: StreamBroken, was_healthy: bool) -> float:
        if was_healthy:
            self._backoff.reset()
            if broken.at_once:
                return 0.0
        return max(broken.retry_after_s, self._backoff.next_s())


async def _first_of(timeout_s: float, *futures: asyncio.Future[Any]) -> None:
    """Until one of them is done, or the time is over."""
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


class _Counts:
    """Counters with their labels bound once: looking labels up costs more than decoding a frame."""

    def __init__(self, venue: str, name: str, metrics: Metrics) -> None:
        self._venue = venue
        self._metrics = metrics
        self._frames = metrics.frames.labels(venue, name)
        self._seconds = metrics.decode_seconds.labels(venue)
        self._until_timed = 0

    def count(self, decoded: Decoded, took_ns: int) -> None:
        self._frames.inc()
        if self._until_timed == 0:
            self._until_timed = TIMED_EVERY
            self._seconds.observe(took_ns / 1e9)
        self._until_timed -= 1
        if isinstance(decoded, Ignored):
            self._metrics.frames_ignored.labels(self._venue, decoded.kind).inc()
        elif isinstance(decoded, BadFrame):
            self._metrics.frames_bad.labels(self._venue, decoded.reason).inc()
