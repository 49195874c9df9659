"""One account's feed over a real socket: the order of what it posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.account_feed import AccountFeed
from adapters.venue import (
    Stream,
)
from monitor.domain.event import (
    AccountDelta,
    AccountSnapshot,
    StreamAlive,
    StreamGap,
    StreamReady,
)
from tests.support.fake_source import FakeSource, feed_of
from tests.support.fake_stream import ACCOUNT, Ear, StreamServer, WordCodec, tools
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def so(is_so: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    """A plain look as `eventually` wants it."""

    async def look() -> object:
        return is_so()

    return look


@asynccontextmanager
async def running(server: StreamServer, ear: Ear) -> AsyncIterator[tuple[AccountFeed, FakeSource]]:
    """A feed on a server, with times of a test."""
    kit = tools()

    def stream() -> Stream:
        return Stream(
            "private", server.url, WordCodec(), data_deadline_s=None, ping_every_s=0.1, pong_timeout_s=0.3
        )

    source = FakeSource(stream, kit.clock)
    feed = feed_of(source, ear, kit)
    task = asyncio.create_task(feed.run())
    try:
        yield feed, source
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()
        assert source.closed == 1


async def test_after_a_break_come_gap_snapshot_and_ready_in_this_order() -> None:
    """A reconnect is no special path: StreamGap, then the snapshot, then StreamReady."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear):
        await ear.until(StreamReady)
        server.connections[0].transport.abort()
        await ear.until(StreamReady, 2)
    assert ear.names(StreamAlive) == [
        "AccountSnapshot",
        "StreamReady",
        "StreamGap",
        "AccountSnapshot",
        "StreamReady",
    ]
    assert ear.of(StreamGap)[0].account == ACCOUNT


async def test_what_the_stream_tells_during_the_snapshot_is_neither_lost_nor_early() -> None:
    """Deltas wait until the snapshot was posted; older ones are dropped, the others follow in order."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear) as (feed, source):
        source.hold, source.venue_ns = asyncio.Event(), 50
        await server.until(lambda: server.connections, "a connection")
        await server.say("delta 49", "delta 50", "delta 51")
        await server.say("delta 52")
        await eventually(so(lambda: len(feed._buffer) == 4), "four deltas in the buffer")
        assert not ear.of(AccountDelta, AccountSnapshot)
        source.hold.set()
        await ear.until(StreamReady)
    assert ear.names(StreamAlive)[-5:] == [
        "AccountSnapshot",
        "AccountDelta",
        "AccountDelta",
        "AccountDelta",
        "StreamReady",
    ]
    assert [delta.venue_ns for delta in ear.of(AccountDelta)] == [50, 51, 52]


async def test_a_break_during_the_snapshot_makes_it_too_old() -> None:
    """A snapshot from before the newest connection is posted, but only the next one ends the gap."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear) as (_, source):
        source.hold = asyncio.Event()
        await eventually(so(lambda: source.count("snapshot") == 1), "a snapshot under way")
        server.connections[0].transport.abort()
        await server.until(lambda: len(server.connections) == 2, "a second connection")
        await eventually(so(lambda: ear.of(StreamGap)), "the gap")
        source.hold.set()
        await ear.until(StreamReady)
    assert ear.names(StreamAlive) == ["StreamGap", "AccountSnapshot", "AccountSnapshot", "StreamReady"]


async def test_pongs_keep_a_quiet_account_alive() -> None:
    """Nothing happens for a while: StreamAlive comes with the pongs, and no gap."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear):
        await ear.until(StreamReady)
        await ear.until(StreamAlive, 4)
    assert not ear.of(StreamGap)


async def test_a_venues_own_gap_gets_a_new_stream_and_a_snapshot() -> None:
    """A listen key that expires costs one reconnect: gap, new stream, snapshot, ready."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear) as (_, source):
        await ear.until(StreamReady)
        await server.say("gap")
        await ear.until(StreamReady, 2)
        assert source.count("private_stream") == 2
    assert ear.names(StreamAlive)[2:] == ["StreamGap", "AccountSnapshot", "StreamReady"]


async def test_a_frame_that_was_not_understood_is_looked_up() -> None:
    """What a bad private frame said is lost, so the account is read again."""
    ear = Ear()
    async with StreamServer() as server, running(server, ear):
        await ear.until(StreamReady)
        await server.say("nonsense")
        await ear.until(AccountSnapshot, 2)
    assert not ear.of(StreamGap)
