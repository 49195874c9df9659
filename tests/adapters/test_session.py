"""The session against a real websocket server: each way that a stream dies, and how it comes back."""

from __future__ import annotations

import asyncio

import pytest

from adapters.session import Alive, Broken, Flowing, Misheard, Opened
from adapters.venue import Stream
from monitor.domain.event import AccountDelta, MarkPrice, StreamGap
from tests.support.fake_stream import VENUE, Ear, StreamServer, WordCodec, counted, tools
from tests.support.running_session import session, stream_to

pytestmark = pytest.mark.integration


async def test_subscribes_and_tells_what_it_hears() -> None:
    """Opened comes first, then data, and the first data says that the stream flows."""
    ear = Ear()
    async with StreamServer("beat", "mark 1.5", "delta 7") as server:
        stream = stream_to(server, subscribe=("one", "two"), sends_per_s=100.0)
        async with session(stream, ear):
            await server.until(lambda: server.received == ["one", "two"], "both subscriptions")
            await ear.until(AccountDelta)
    assert ear.names(Alive) == ["Opened", "MarkPrice", "Flowing", "AccountDelta"] or ear.names(Alive) == [
        "Opened",
        "MarkPrice",
        "AccountDelta",
        "Flowing",
    ]


async def test_what_comes_is_read_while_subscriptions_are_still_sent() -> None:
    """Hundreds of symbols take seconds to ask for: marks are heard meanwhile, life counts at the end."""
    ear = Ear()
    async with StreamServer("mark 1.5") as server:
        wanted = tuple(f"symbol {number}" for number in range(8))
        stream = stream_to(server, subscribe=wanted, sends_per_s=4.0)
        async with session(stream, ear):
            await ear.until(MarkPrice)
            assert len(server.received) < len(wanted)
            await server.until(lambda: tuple(server.received) == wanted, "all subscriptions")
            assert not ear.of(Flowing)
            await server.say("mark 1.6")
            await ear.until(Flowing)
    assert not ear.of(Broken)


async def test_a_mute_server_is_noticed_and_left() -> None:
    """Subscribed and then nothing: the deadline runs from the subscription, and a new connection is made."""
    ear, kit = Ear(), tools()
    async with StreamServer() as server:
        stream = stream_to(server, data_deadline_s=0.3, pong_timeout_s=5.0)
        async with session(stream, ear, kit):
            broken = await ear.broken()
            await server.until(lambda: len(server.connections) >= 2, "a second connection")
    assert broken.reason == "silent"
    assert counted(kit.metrics, "feed_stale", venue=VENUE, stream="public", reason="silent") >= 1
    assert counted(kit.metrics, "reconnects", venue=VENUE, stream="public", reason="silent") >= 1


async def test_silence_after_data_is_told_from_the_last_datum_on() -> None:
    """The fault began when the last datum came, not when we noticed."""
    ear = Ear()
    async with StreamServer("mark 1.5") as server, session(stream_to(server, data_deadline_s=0.3), ear):
        broken = await ear.broken()
    assert broken.since_ns == ear.of(MarkPrice)[0].received_ns


async def test_heartbeats_are_no_data() -> None:
    """Heartbeats and acknowledgements do not push the deadline back, and the reason names them."""
    ear, kit = Ear(), tools()
    async with StreamServer() as server, session(stream_to(server, data_deadline_s=0.5), ear, kit):

        async def beat() -> None:
            await server.until(lambda: server.connections, "a connection")
            while True:
                await server.say("beat", number=0)
                await asyncio.sleep(0.05)

        beating = asyncio.create_task(beat())
        broken = await ear.broken()
        beating.cancel()
        await asyncio.wait([beating])
    assert broken.reason == "heartbeat_only"
    assert counted(kit.metrics, "frames_ignored", venue=VENUE, kind="beat") >= 3


async def test_a_half_open_socket_is_noticed_by_its_missing_pong() -> None:
    """A peer that neither reads nor answers, and sends no data either, is dropped without a word."""
    ear = Ear()
    async with StreamServer("mark 1.5") as server, session(stream_to(server, pong_timeout_s=0.3), ear):
        await ear.until(Alive)
        server.connections[0].transport.pause_reading()
        broken = await ear.broken()
        await server.until(lambda: len(server.connections) == 2, "a second connection")
    assert broken.reason == "half_open"


async def test_the_default_times_find_a_half_open_socket_within_five_seconds() -> None:
    """Ping, pong and grace of a stream as it is declared add up to less than the promise of 5 s."""
    stream = Stream(name="x", url="", codec=WordCodec())
    assert stream.ping_every_s + stream.pong_timeout_s + 0.1 < 5
    assert stream.data_deadline_s is not None and stream.data_deadline_s + 0.1 < 5


async def test_bad_frames_are_counted_and_cost_only_themselves() -> None:
    """A frame of no sense, a codec that crashes, bytes that are no text: counted, and the stream goes on."""
    ear, kit = Ear(), tools()
    async with StreamServer("nonsense", "crash") as server, session(stream_to(server), ear, kit):
        await server.until(lambda: server.connections, "a connection")
        await server.say(b"\xff\xfe\x00", "mark 2")
        await ear.until(MarkPrice)
    assert [signal.reason for signal in ear.of(Misheard)] == ["no word", "codec crashed", "no word"]
    assert counted(kit.metrics, "frames_bad", venue=VENUE, reason="no word") == 2
    assert counted(kit.metrics, "frames_bad", venue=VENUE, reason="codec crashed") == 1
    assert counted(kit.metrics, "frames", venue=VENUE, stream="public") == 4
    assert not ear.of(Broken)


async def test_a_frame_above_the_limit_ends_the_connection_and_not_the_process() -> None:
    """An oversized frame is refused by size before it is read whole."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server, max_frame_bytes=1_000), ear):
        await ear.until(MarkPrice)
        await server.say("x" * 100_000)
        broken = await ear.broken()
        await ear.until(Opened, 2)
    assert broken.reason == "too_big"


@pytest.mark.parametrize(
    ("code", "reason"), [(1001, "service_restart"), (1012, "service_restart"), (1008, "closed")]
)
async def test_a_close_is_named_and_the_stream_comes_back(code: int, reason: str) -> None:
    """A venue that restarts says so by its code; every close ends in a new connection."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear):
        await ear.until(MarkPrice)
        await server.connections[0].close(code)
        assert (await ear.broken()).reason == reason
        await ear.until(MarkPrice, 2)
    assert ear.names(Alive, Flowing) == ["Opened", "MarkPrice", "Broken", "Opened", "MarkPrice"]


async def test_a_connection_that_is_torn_is_told() -> None:
    """A reset without a close frame breaks the stream too."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear):
        await ear.until(MarkPrice)
        server.connections[0].transport.abort()
        assert (await ear.broken()).reason == "closed"
        await ear.until(Opened, 2)


async def test_a_gap_that_the_venue_tells_ends_the_connection() -> None:
    """A codec's StreamGap is passed on, and a new connection follows."""
    ear = Ear()
    async with StreamServer("mark 1") as server, session(stream_to(server), ear):
        await ear.until(MarkPrice)
        await server.say("gap")
        await ear.until(Opened, 2)
    assert ear.names(Alive, Flowing)[:5] == ["Opened", "MarkPrice", "StreamGap", "Broken", "Opened"]
    assert ear.of(Broken)[0].detail == ear.of(StreamGap)[0].detail


async def test_a_venue_that_wants_heartbeats_gets_them() -> None:
    """The text heartbeat goes out at its pace."""
    ear = Ear()
    async with StreamServer() as server:
        stream = stream_to(server, heartbeat="ping", heartbeat_every_s=0.05)
        async with session(stream, ear):
            await server.until(lambda: server.received[:3] == ["ping"] * 3, "three heartbeats")


async def test_a_refused_handshake_is_a_break_with_the_venues_pause() -> None:
    """503 is tried again with back-off; 429 waits as long as the venue says."""
    ear = Ear()
    async with StreamServer("mark 1") as server:
        server.refusing = 503
        async with session(stream_to(server), ear):
            assert (await ear.broken(2)).reason == "refused"
            server.refusing = None
            await ear.until(MarkPrice)
        server.refusing, server.retry_after = 429, "1"
        limited = Ear()
        async with session(stream_to(server), limited):
            assert (await limited.broken()).reason == "rate_limited"
            refused_ns = limited.of(Broken)[0].since_ns
            server.refusing = None
            opened = await limited.until(Opened)
    assert opened.at_ns - refused_ns >= 1_000_000_000


async def test_no_secret_of_an_address_is_logged_or_told(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A listen key in the address appears in no log line, break or event, whatever happens to the stream."""
    caplog.set_level("DEBUG")
    ear = Ear()
    async with StreamServer("mark 1", "crash") as server:
        stream = stream_to(server, url=f"{server.url}?listenKey=CANARYKEY", pong_timeout_s=0.3)
        async with session(stream, ear):
            await ear.until(MarkPrice)
            await server.connections[0].close(1012)
            await ear.until(MarkPrice, 2)
            server.connections[1].transport.pause_reading()
            await ear.broken(2)
            server.refusing = 401
            await ear.broken(3)
    shown = capsys.readouterr()
    assert "stream_broken" in shown.out + caplog.text
    for text in (caplog.text, shown.out, shown.err, str(ear.heard)):
        assert "CANARYKEY" not in text


async def test_an_address_that_answers_nothing_is_given_up_in_time() -> None:
    """A server that accepts and never answers the handshake is a refusal after the open time-out."""

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    ear = Ear()
    stream = Stream(name="public", url=f"ws://127.0.0.1:{port}", codec=WordCodec(), open_timeout_s=0.2)
    async with session(stream, ear):
        assert (await ear.broken()).reason == "refused"
    listener.close()
    for writer in held:
        writer.close()
    await listener.wait_closed()


async def test_a_burst_is_heard_whole() -> None:
    """20,000 frames at once: each is decoded and counted, in order, and the stream does not break."""
    ear, kit = Ear(), tools()
    async with StreamServer() as server, session(stream_to(server), ear, kit):
        await server.until(lambda: server.connections, "a connection")
        for number in range(20_000):
            await server.say(f"delta {number}")
        await ear.until(AccountDelta, 20_000, timeout_s=40)
    assert [delta.venue_ns for delta in ear.of(AccountDelta)] == list(range(20_000))
    assert counted(kit.metrics, "frames", venue=VENUE, stream="public") == 20_000
    assert not ear.of(Broken)
