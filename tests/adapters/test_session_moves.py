"""The session when it is the one who acts: moves, rotation, more subscriptions, a stream given up."""

from __future__ import annotations

import asyncio

import pytest

from adapters import session as session_module
from adapters.link import StreamBroken
from adapters.session import Alive, Broken, Flowing, Moved, Opened, Session
from adapters.venue import Stream
from monitor.domain.event import MarkPrice
from tests.support.fake_stream import VENUE, Ear, StreamServer, counted, tools
from tests.support.running_session import session, stream_to

pytestmark = pytest.mark.integration


async def test_an_announced_shutdown_is_left_before_it_happens() -> None:
    """Make before break: the new connection brings data, then the old one goes, and nothing is broken."""
    ear, kit = Ear(), tools()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear, kit):
        await ear.until(MarkPrice)
        await server.say("bye")
        await ear.until(Moved)
        await server.until(lambda: server.closed, "the end of the old connection")
        await server.say("mark 3")
        await ear.until(MarkPrice, 3)
    assert server.closed[0] is server.connections[0]
    assert ear.names(Alive, Flowing) == ["Opened", "MarkPrice", "MarkPrice", "Moved", "MarkPrice"]
    assert counted(kit.metrics, "reconnects", venue=VENUE, stream="public", reason="moved") == 1


async def test_a_move_that_fails_leaves_the_old_connection_alone() -> None:
    """While no second connection can be had, the first goes on."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear):
        await ear.until(MarkPrice)
        server.refusing = 503
        await server.say("bye", "mark 2")
        await ear.until(MarkPrice, 2)
        await server.say("mark 3")
        await ear.until(MarkPrice, 3)
    assert len(server.connections) == 1
    assert not ear.of(Broken, Moved)


async def test_a_move_waits_until_everything_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of symbols take longer to ask for than a sign of life may take, and the move succeeds."""
    monkeypatch.setattr(session_module, "FIRST_SIGN_S", 0.3)
    ear = Ear()
    wanted = tuple(f"symbol {number}" for number in range(8))
    async with StreamServer("mark 1") as server:
        stream = stream_to(server, subscribe=wanted, sends_per_s=4.0)
        async with session(stream, ear):
            await server.until(lambda: len(server.received) == len(wanted), "the first subscriptions")
            await server.say("mark 2")
            await ear.until(Flowing)
            await server.say("bye")
            await server.until(lambda: len(server.received) == 2 * len(wanted), "all of them again")
            await server.say("mark 3")
            await ear.until(Moved)
    assert not ear.of(Broken)


async def test_rotation_is_staggered_one_feed_of_a_venue_at_a_time() -> None:
    """Six sessions that are due together never hold more than one connection beyond their own."""
    kit, ears = tools(), [Ear() for _ in range(6)]
    async with StreamServer("mark 1") as server:
        stream = stream_to(server, rotate_after_s=0.5)
        contexts = [session(stream, ear, kit) for ear in ears]
        try:
            for context in contexts:
                await context.__aenter__()
            for ear in ears:
                await ear.until(Moved, 2)
        finally:
            for context in reversed(contexts):
                await context.__aexit__(None, None, None)
    assert server.most_open <= 6 + 2  # one on its way in, one on its way out
    assert not any(ear.of(Broken) for ear in ears)


async def test_more_subscriptions_go_out_on_the_open_connection() -> None:
    """`send` reaches the venue without a reconnect, and does nothing while there is no connection."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear) as running:
        await running.send(("too early",))
        await ear.until(MarkPrice)
        await running.send(("more",))
        await server.until(lambda: "more" in server.received, "the new subscription")
    assert len(server.connections) == 1 and "too early" not in server.received


async def test_reopen_gives_a_connection_up() -> None:
    """A feed that learns elsewhere that its stream is dead gets a new one."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear) as running:
        await ear.until(MarkPrice)
        running.reopen("listen key gone")
        assert (await ear.broken()).detail == "listen key gone"
        await ear.until(Opened, 2)


async def test_what_defines_the_stream_may_fail_and_is_asked_again() -> None:
    """No listen key now is a break like any other."""
    ear, kit, tries = Ear(), tools(), []
    async with StreamServer("mark 1") as server:

        async def define() -> Stream:
            tries.append(1)
            if len(tries) < 3:
                raise StreamBroken("unavailable", "no listen key")
            return stream_to(server)

        running = Session(VENUE, "private", VENUE, define, ear.tell, kit.gate.private_connects, kit)
        task = asyncio.create_task(running.run())
        await ear.until(MarkPrice)
        task.cancel()
        await asyncio.wait([task])
    assert [broken.reason for broken in ear.of(Broken)] == ["unavailable"] * 2
