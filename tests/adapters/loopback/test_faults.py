"""Each fault does to a client what its name says."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from adapters.loopback import Account, LoopbackExchange, World
from tests.support.binance_calls import VENUE, Caller, says_nothing, stream
from tests.support.raw_stream import Reader
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

MARKS = "/market/stream?streams=btcusdt@markPrice@1s/ethusdt@markPrice@1s"


@pytest.fixture
def account(world: World) -> Account:
    """One cross long."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDT", 10_000)
    world.set_position(made, "BTCUSDT", "0.5", 95_000)
    return made


@pytest.fixture
def caller(exchange: LoopbackExchange, http: aiohttp.ClientSession, account: Account) -> Caller:
    """Signed calls for that account."""
    return Caller(exchange, http, account)


async def private(caller: Caller) -> str:
    """The path of the account's stream."""
    _, body = await caller.raw("POST", "/fapi/v1/listenKey")
    return f"/private/ws?listenKey={body['listenKey']}"


async def is_silent(reader: Reader, exchange: LoopbackExchange) -> bool:
    """A publication brings nothing."""
    exchange.publish_now()
    return await says_nothing(reader)


async def test_a_muted_venue_answers_and_says_nothing(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N2: the socket lives, pings are answered, data stops until unmuted."""
    async with stream(exchange, http, MARKS) as reader:
        exchange.faults.mute(VENUE)
        assert await is_silent(reader, exchange)
        await reader.ws.ping(b"there?")
        assert (await reader.ws.receive(timeout=10)).type is aiohttp.WSMsgType.PONG
        exchange.faults.unmute(VENUE)
        exchange.publish_now()
        assert (await reader.next())["data"]["s"] == "BTCUSDT"


async def test_one_muted_symbol_leaves_the_others(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N4: the symbol is missing from its own stream and from the array."""
    async with (
        stream(exchange, http, MARKS) as some,
        stream(exchange, http, "/market/ws/!markPrice@arr@1s") as every,
    ):
        exchange.faults.mute_symbol(VENUE, "BTCUSDT")
        exchange.publish_now()
        assert (await some.next())["data"]["s"] == "ETHUSDT"
        assert "BTCUSDT" not in {row["s"] for row in await every.next()}


async def test_heartbeats_only_is_pings_without_data(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N3: the venue's pings come every second, data does not."""
    async with stream(exchange, http, MARKS) as reader:
        exchange.faults.heartbeats_only(VENUE)
        exchange.publish_now()
        assert (await reader.ws.receive(timeout=10)).type is aiohttp.WSMsgType.PING


async def test_frozen_marks_repeat_while_the_index_moves(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """D1: one symbol's mark stands still, its index and all others move; thawed, it jumps to the truth."""
    world = exchange.world
    async with stream(exchange, http, MARKS) as reader:
        exchange.publish_now()
        assert [(await reader.next())["data"]["p"] for _ in range(2)] == ["95000.00000000", "3200.00000000"]
        exchange.faults.freeze_marks(VENUE, "BTCUSDT")
        world.set_mark("BTCUSDT", 90_000)
        world.set_mark("ETHUSDT", 3_000)
        exchange.publish_now()
        btc, eth = await reader.next(), await reader.next()
        assert (btc["data"]["p"], btc["data"]["i"]) == ("95000.00000000", "90000.00000000")
        assert eth["data"]["p"] == "3000.00000000"
        exchange.faults.thaw_marks(VENUE)
        exchange.publish_now()
        assert (await reader.next())["data"]["p"] == "90000.00000000"


async def test_a_half_open_socket_is_dead_and_new_ones_work(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N1: no data, no pong, no close, for ever and after healing too; a reconnect is served."""
    async with stream(exchange, http, MARKS) as dead:
        exchange.faults.half_open(VENUE)
        async with stream(exchange, http, MARKS) as fresh:
            await dead.ws.ping(b"there?")
            exchange.publish_now()
            assert (await fresh.next())["data"]["s"] == "BTCUSDT"
            exchange.faults.heal(VENUE)
            exchange.publish_now()
            await fresh.next()
            with pytest.raises(TimeoutError):
                await dead.next(timeout_s=0.2)
        exchange.faults.reset(VENUE)


async def test_a_black_hole_swallows_everything_until_healed(
    caller: Caller, http: aiohttp.ClientSession
) -> None:
    """Streams, pings and calls hang as with a stopped process; healed, the same socket and call go on."""
    exchange = caller.exchange
    async with stream(exchange, http, MARKS) as reader:
        exchange.faults.black_hole(VENUE)
        exchange.publish_now()
        await reader.ws.ping(b"there?")
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(caller.get("/fapi/v3/account"))
            with pytest.raises(TimeoutError):
                await reader.next(timeout_s=0.2)
            assert not call.done()
            exchange.faults.black_hole(VENUE, on=False)
            assert (await call)[0] == 200
        assert (await reader.ws.receive(timeout=10)).type is aiohttp.WSMsgType.PONG


@pytest.mark.parametrize("code", [1001, 1012])
async def test_sockets_are_closed_with_a_code(
    exchange: LoopbackExchange, http: aiohttp.ClientSession, code: int
) -> None:
    """N5: everybody on the venue gets the close frame with this code."""
    async with stream(exchange, http, MARKS) as one, stream(exchange, http, MARKS) as two:
        exchange.faults.close(VENUE, code)
        for reader in (one, two):
            message = await reader.ws.receive(timeout=10)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, code)


async def test_a_reset_has_no_close_frame(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """A torn connection ends abnormally, and the exchange forgets it."""
    async with stream(exchange, http, MARKS) as reader:
        exchange.faults.reset(VENUE)
        await reader.ws.receive(timeout=10)
        assert reader.ws.close_code in {None, 1006}

        async def gone() -> bool:
            return len(exchange.sockets(VENUE)) == 0

        await eventually(gone, "the end of the socket")


async def test_refused_connections_come_back_on_the_same_port(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N7: new connections are refused while open ones go on; healed, the same address works."""
    base = exchange.endpoints(VENUE)["rest"]

    async def status() -> str:
        try:
            async with aiohttp.ClientSession() as fresh, fresh.get(f"{base}/fapi/v1/ping") as response:
                return str(response.status)
        except aiohttp.ClientConnectorError:
            return "refused"

    async def refused() -> bool:
        return await status() == "refused"

    async def served() -> bool:
        return await status() == "200"

    async with stream(exchange, http, MARKS) as reader:
        for _ in range(2):
            exchange.faults.refuse(VENUE)
            await eventually(refused, "a refusal")
            exchange.publish_now()
            assert (await reader.next())["data"]["s"] == "BTCUSDT"
            assert (await reader.next())["data"]["s"] == "ETHUSDT"
            exchange.faults.heal(VENUE)
            await eventually(served, "an answer")


@pytest.mark.parametrize("frame", ['{"e":', "NaN", b"\x00\xff"])
async def test_bad_frames_are_sent_as_they_are(
    exchange: LoopbackExchange, http: aiohttp.ClientSession, frame: str | bytes
) -> None:
    """Whatever is given goes out, as text or as bytes."""
    async with stream(exchange, http, MARKS) as reader:
        exchange.faults.bad_frame(VENUE, frame)
        assert (await reader.ws.receive(timeout=10)).data == frame


async def test_a_listen_key_expires_on_demand(caller: Caller, http: aiohttp.ClientSession) -> None:
    """A12: the event comes, renewing says -1125; a new key works unless that is refused too."""
    async with stream(caller.exchange, http, await private(caller)) as reader:
        caller.exchange.faults.expire_listen_key(caller.account.id)
        assert (await reader.next())["e"] == "listenKeyExpired"
        assert (await caller.raw("PUT", "/fapi/v1/listenKey"))[1]["code"] == -1125
        assert (await caller.raw("POST", "/fapi/v1/listenKey"))[0] == 200
        caller.exchange.faults.expire_listen_key(caller.account.id, renewable=False)
        assert (await caller.raw("POST", "/fapi/v1/listenKey"))[1]["code"] == -1125


async def test_user_events_get_lost_doubled_and_late(caller: Caller, http: aiohttp.ClientSession) -> None:
    """D5 to D7: a skipped event never comes, a duplicated one comes twice, an old one has an old time."""
    world, faults = caller.exchange.world, caller.exchange.faults
    async with stream(caller.exchange, http, await private(caller)) as reader:
        faults.skip_user_events(caller.account.id)
        world.set_wallet(caller.account, "USDT", 20001)
        world.set_wallet(caller.account, "USDT", 20002)
        first = await reader.next()
        assert first["a"]["B"][0]["cw"] == "20002.00000000"
        faults.duplicate_events(VENUE)
        world.set_wallet(caller.account, "USDT", 20003)
        assert await reader.next() == await reader.next()
        faults.duplicate_events(VENUE, on=False)
        faults.older_events(VENUE, by_ms=60_000)
        world.set_wallet(caller.account, "USDT", 20004)
        assert (await reader.next())["E"] < first["E"]


async def test_a_muted_private_stream_loses_events(caller: Caller, http: aiohttp.ClientSession) -> None:
    """Events of a muted time are gone; later ones come."""
    async with stream(caller.exchange, http, await private(caller)) as reader:
        caller.exchange.faults.mute(VENUE, "private")
        caller.exchange.world.set_wallet(caller.account, "USDT", 20001)
        caller.exchange.faults.unmute(VENUE, "private")
        caller.exchange.world.set_wallet(caller.account, "USDT", 20002)
        assert (await reader.next())["a"]["B"][0]["cw"] == "20002.00000000"
