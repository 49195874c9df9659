"""A venue's public side: definitions first, gaps that cover the venue, subscriptions that grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from adapters import public_feed as public_feed_module
from adapters.public_feed import PublicFeed
from adapters.session import Broken, Flowing, Opened, Session
from adapters.venue import KeyRefused, RateLimited, Stream, VenueUnavailable
from monitor.config import Account
from monitor.domain.event import Instruments, MarkPrice, StreamGap, StreamReady
from monitor.domain.identity import InstrumentId
from tests.support.fake_source import FakeSource, FakeVenue
from tests.support.fake_stream import VENUE, Ear, StreamServer, WordCodec, tools
from tests.support.virtual_time import LoopClock, run_virtual

ACCOUNTS = tuple(Account(name, VENUE, "desk") for name in ("first", "second"))


def named(server: StreamServer, name: str, *subscribe: str, carries_marks: bool = True) -> Stream:
    """A public stream with times of a test."""
    return Stream(
        name=name,
        url=server.url,
        codec=WordCodec(),
        subscribe=subscribe,
        sends_per_s=1_000.0,
        data_deadline_s=None,
        carries_marks=carries_marks,
    )


@asynccontextmanager
async def running(ear: Ear, streams: object) -> AsyncIterator[tuple[PublicFeed, FakeSource]]:
    """A feed over these streams."""
    kit = tools()
    source = FakeSource(lambda: Stream("private", "", WordCodec()), kit.clock)
    feed = PublicFeed(ACCOUNTS, FakeVenue(source, streams), ear.post, kit)  # type: ignore[arg-type]
    task = asyncio.create_task(feed.run())
    try:
        yield feed, source
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


@pytest.mark.integration
async def test_definitions_marks_and_ready() -> None:
    """Instruments come, marks come, and the first data says that the venue's marks are whole."""
    ear = Ear()
    async with StreamServer("mark 1") as server, running(ear, lambda _: (named(server, "public"),)):
        await ear.until(Instruments)
        await ear.until(MarkPrice)
        ready = await ear.until(StreamReady)
    assert (ready.venue, ready.account) == (VENUE, None)


@pytest.mark.integration
async def test_a_public_gap_covers_the_venue_until_data_flows_again() -> None:
    """The break is told for all marks, and StreamReady only with the first data of the new connection."""
    ear = Ear()
    async with StreamServer("mark 1") as server, running(ear, lambda _: (named(server, "public"),)):
        await ear.until(StreamReady)
        server.greet = ()
        server.connections[0].transport.abort()
        gap = await ear.until(StreamGap)
        await server.until(lambda: len(server.connections) == 2, "a second connection")
        assert len(ear.of(StreamReady)) == 1
        await server.say("mark 2")
        await ear.until(StreamReady, 2)
    assert gap.account is None


@pytest.mark.integration
async def test_one_whole_stream_does_not_hide_a_broken_one() -> None:
    """Ready is told when none of a venue's streams is broken; one without marks of its own tells neither."""
    ear = Ear()
    async with StreamServer("mark 1") as good, StreamServer("mark 1") as bad:
        streams = (named(good, "public-0"), named(bad, "public-1"), named(bad, "extra", carries_marks=False))
        async with running(ear, lambda _: streams):
            await bad.until(lambda: len(bad.connections) == 2, "both connections")
            await ear.until(StreamReady, 2)
            bad.refusing = 503
            for connection in bad.connections:
                connection.transport.abort()
            await ear.until(StreamGap)
            good.connections[0].transport.abort()
            await good.until(lambda: len(good.connections) == 2, "the good stream again")
            await ear.until(MarkPrice, 4)
            assert len(ear.of(StreamReady)) == 2
            bad.refusing = None
            await ear.until(StreamReady, 3)
    assert {gap.account for gap in ear.of(StreamGap)} == {None}


@pytest.mark.integration
async def test_new_positions_are_subscribed_on_the_open_connection() -> None:
    """`watch` sends only what the stream does not have yet; a connection made later subscribes all of it."""
    ear = Ear()
    async with StreamServer("mark 1") as server:

        def streams(instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
            return (named(server, "public", *(f"sub {name}" for name in instruments)),)

        async with running(ear, streams) as (feed, _):
            await ear.until(MarkPrice)
            feed.watch([InstrumentId("words:A")])
            await server.until(lambda: server.received == ["sub words:A"], "the first subscription")
            feed.watch([InstrumentId("words:A"), InstrumentId("words:B")])
            await server.until(lambda: "sub words:B" in server.received, "the second subscription")
            assert server.received == ["sub words:A", "sub words:B"] and len(server.connections) == 1
            server.connections[0].transport.abort()
            await server.until(lambda: len(server.received) == 4, "all subscriptions again")
    assert sorted(server.received[2:]) == ["sub words:A", "sub words:B"]


@pytest.mark.integration
async def test_what_is_wanted_while_the_stream_connects_is_subscribed_once_it_is_open() -> None:
    """Between reading the list and being connected the list may grow: nothing of it is lost."""
    ear = Ear()
    feeds: list[PublicFeed] = []
    asked = 0

    async with StreamServer("mark 1") as server:

        def streams(instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
            nonlocal asked
            asked += 1
            if asked == 2:  # the list of the connection that is now opened has just been read
                asyncio.get_running_loop().call_soon(feeds[0].watch, [InstrumentId("words:LATE")])
            return (named(server, "public", *(f"sub {name}" for name in instruments)),)

        async with running(ear, streams) as (feed, _):
            feeds.append(feed)
            await server.until(lambda: server.received == ["sub words:LATE"], "the late subscription")


@pytest.mark.integration
async def test_a_further_stream_is_opened_when_the_list_needs_it() -> None:
    """A venue that splits its list over connections gets the second one when the list has grown."""
    ear = Ear()
    async with StreamServer("mark 1") as server:

        def streams(instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
            return tuple(named(server, f"public-{n}", name) for n, name in enumerate(instruments))

        async with running(ear, streams) as (feed, _):
            feed.watch([InstrumentId("words:A")])
            await server.until(lambda: len(server.connections) == 1, "one connection")
            feed.watch([InstrumentId("words:B")])
            await server.until(lambda: len(server.connections) == 2, "two connections")


# --- definitions, in virtual time ---------------------------------------------------------------------


class FakeSession(Session):
    """Flows at once."""

    async def run(self) -> None:
        """Opened, flowing, and then nothing for ever."""
        now_ns = self._tools.clock.monotonic_ns()
        for signal in (Opened(now_ns), Flowing(now_ns)):
            self._tell(signal)
        await asyncio.get_running_loop().create_future()


class Stage:
    """A feed in virtual time."""

    def __init__(self) -> None:
        self.kit = tools(clock=LoopClock())
        self.ear = Ear()
        self.source = FakeSource(lambda: Stream("private", "", WordCodec()), self.kit.clock)
        stream = Stream("public", "", WordCodec())
        self.asked: list[str] = []
        venue = FakeVenue(self.source, lambda _: (stream,))
        find = venue.source

        def source(account: Account, *rest: object) -> object:
            self.asked.append(account.name)
            return find(account, *rest)  # type: ignore[arg-type]

        venue.source = source  # type: ignore[method-assign,assignment]
        self.feed = PublicFeed(ACCOUNTS, venue, self.ear.post, self.kit)

    async def play(self, seconds: float, answers: list[Exception | None]) -> None:
        """Lets the feed run so long while definitions are answered like this."""
        self.source.instrument_answers = answers
        task = asyncio.create_task(self.feed.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions without sockets."""
    monkeypatch.setattr(public_feed_module, "Session", FakeSession)


@pytest.mark.usefixtures("stage")
def test_definitions_are_read_again_within_five_minutes() -> None:
    """A change of tiers is seen within the promise, and connections of the reading are let go."""

    async def run() -> Stage:
        played = Stage()
        await played.play(3_600, [None])
        return played

    played = run_virtual(run())
    times_s = played.source.times_s("instruments")
    assert max(b - a for a, b in pairwise(times_s)) <= 300
    assert played.source.closed == len(times_s) == len(played.ear.of(Instruments))


@pytest.mark.usefixtures("stage")
def test_a_refused_account_costs_a_try_and_not_the_venue() -> None:
    """Definitions that one key may not read are read with another's."""

    async def run() -> Stage:
        played = Stage()
        await played.play(30, [KeyRefused("-2015"), None])
        return played

    played = run_virtual(run())
    assert played.asked == ["first", "second"]
    assert len(played.ear.of(Instruments)) == 1


@pytest.mark.usefixtures("stage")
def test_definitions_that_cannot_be_had_are_asked_for_with_back_off() -> None:
    """A venue that is down for a minute is asked again and again, not in a loop, and answers in the end."""

    async def run() -> Stage:
        played = Stage()
        await played.play(200, [VenueUnavailable("503")] * 8 + [RateLimited("429", 40.0), None])
        return played

    played = run_virtual(run())
    assert len(played.ear.of(Instruments)) == 1
    assert played.source.count("instruments") == 10


@pytest.mark.usefixtures("stage")
def test_an_instrument_that_nobody_knew_makes_the_definitions_be_read_soon() -> None:
    """A position in a symbol listed a minute ago is defined within ten seconds, and asked for once."""

    async def run() -> Stage:
        played = Stage()
        task = asyncio.create_task(played.play(100, [None]))
        await asyncio.sleep(60)
        played.feed._defined = frozenset({InstrumentId("words:OLD")})
        played.feed.watch([InstrumentId("words:NEW")])
        await asyncio.sleep(11)
        assert played.source.count("instruments") == 2
        await task
        return played

    assert run_virtual(run()).source.count("instruments") == 2


@pytest.mark.usefixtures("stage")
def test_a_break_is_told_from_the_last_datum_on() -> None:
    """The gap carries the time of the last good datum, from which the page is timed."""
    played = Stage()
    played.feed._tell(Stream("public", "", WordCodec()), Broken("silent", "no data", 77))
    (gap,) = played.ear.of(StreamGap)
    assert gap.received_ns == 77 and gap.account is None
