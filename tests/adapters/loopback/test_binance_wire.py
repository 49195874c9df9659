"""Binance's wire rules that a ccxt client does not look at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.loopback import Account, LoopbackExchange, World, standard_world
from monitor.clock import ManualClock
from tests.support.binance_calls import VENUE, Caller, says_nothing, signed, stream

pytestmark = pytest.mark.integration


@pytest.fixture
def account(world: World) -> Account:
    """One cross long in trouble-free waters."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDT", 10_000)
    world.set_position(made, "BTCUSDT", "0.5", 95_000, leverage=20)
    return made


@pytest.fixture
def caller(exchange: LoopbackExchange, http: aiohttp.ClientSession, account: Account) -> Caller:
    """Signed calls for that account."""
    return Caller(exchange, http, account)


async def test_keys_and_signatures_are_checked(caller: Caller, http: aiohttp.ClientSession) -> None:
    """No key, a foreign key, no time, a wrong signature: each gets its own code."""
    base = caller.exchange.endpoints(VENUE)["rest"]
    async with http.get(f"{base}/fapi/v3/account") as response:
        assert (response.status, (await response.json())["code"]) == (401, -2014)
    async with http.get(f"{base}/fapi/v3/account", headers={"X-MBX-APIKEY": "x"}) as response:
        assert (response.status, (await response.json())["code"]) == (401, -2015)
    assert (await caller.raw("GET", "/fapi/v3/account"))[1]["code"] == -1102
    query = signed(caller.account, caller.exchange.world.now_ms())
    assert (await caller.raw("GET", f"/fapi/v3/account?recvWindow=1&{query}"))[1]["code"] == -1022
    assert (await caller.raw("GET", f"/fapi/v3/account?{query}"))[0] == 200


@pytest.mark.parametrize(("shift_ms", "window_ms", "code"), [(2_000, 5000, -1021), (-9_000, 5000, -1021)])
async def test_clocks_have_to_agree(caller: Caller, shift_ms: int, window_ms: int, code: int) -> None:
    """A time ahead of the venue's, or older than the window, is refused; a wider window takes it."""
    now_ms = caller.exchange.world.now_ms()
    query = signed(caller.account, now_ms + shift_ms, recvWindow=window_ms)
    status, body = await caller.raw("GET", f"/fapi/v3/account?{query}")
    assert (status, body["code"]) == (400, code)
    if shift_ms < 0:
        query = signed(caller.account, now_ms + shift_ms, recvWindow=60_000)
        assert (await caller.raw("GET", f"/fapi/v3/account?{query}"))[0] == 200


async def test_the_venues_clock_can_be_wrong(caller: Caller) -> None:
    """A skewed venue says so in its time and refuses our correct one."""
    caller.exchange.faults.skew_clock(VENUE, 30_000)
    _, body = await caller.raw("GET", "/fapi/v1/time")
    assert abs(body["serverTime"] - caller.exchange.world.now_ms() - 30_000) < 5_000
    assert (await caller.get("/fapi/v3/account"))[1]["code"] == -1021


@pytest.mark.parametrize(("can_trade", "can_withdraw"), [(False, False), (True, False), (False, True)])
async def test_key_permissions_are_told(
    exchange: LoopbackExchange, http: aiohttp.ClientSession, can_trade: bool, can_withdraw: bool
) -> None:
    """apiRestrictions names what the key may do."""
    account = exchange.world.add_account(VENUE, "k", can_trade=can_trade, can_withdraw=can_withdraw)
    _, body = await Caller(exchange, http, account).get("/sapi/v1/account/apiRestrictions")
    assert body["enableReading"] is True
    assert (body["enableFutures"], body["enableWithdrawals"]) == (can_trade, can_withdraw)


async def test_single_asset_totals_are_those_of_usdt(caller: Caller) -> None:
    """USDC is an asset of its own and not part of the totals; maintenance adds cross and isolated."""
    world = caller.exchange.world
    world.set_wallet(caller.account, "USDC", 500)
    world.set_position(caller.account, "ETHUSDT", 1, 3200, isolated_wallet=400)
    _, body = await caller.get("/fapi/v3/account")
    assert (body["totalWalletBalance"], body["totalCrossWalletBalance"]) == (
        "10400.00000000",
        "10000.00000000",
    )
    assert float(body["totalMaintMargin"]) == 47_500 * 0.004 + 3_200 * 0.004
    assets = {asset["asset"]: asset["walletBalance"] for asset in body["assets"]}
    assert assets == {"USDT": "10400.00000000", "USDC": "500.00000000"}


async def test_multi_assets_totals_are_in_usd_with_haircuts(caller: Caller) -> None:
    """Positive balances count at bid, requirements at ask, all in USD."""
    world = caller.exchange.world
    world.set_wallet(caller.account, "BTC", 1)
    world.set_modes(caller.account, multi_assets=True)
    _, body = await caller.get("/fapi/v3/account")
    assert float(body["totalMarginBalance"]) == pytest.approx(95_000 * 0.95 + 10_000 * 0.99)
    assert float(body["totalMaintMargin"]) == pytest.approx(47_500 * 0.004 * 1.005)


async def test_second_versions_answer_for_every_symbol(caller: Caller) -> None:
    """v2 lists symbols that are not held too, with leverage and margin type; v3 only what is held."""
    symbols = len(caller.exchange.world.contracts_of(VENUE))
    assert len((await caller.get("/fapi/v2/positionRisk"))[1]) == symbols
    assert len((await caller.get("/fapi/v2/account"))[1]["positions"]) == symbols
    assert [row["symbol"] for row in (await caller.get("/fapi/v3/positionRisk"))[1]] == ["BTCUSDT"]
    (row,) = (await caller.get("/fapi/v2/positionRisk", symbol="BTCUSDT"))[1]
    assert (row["leverage"], row["marginType"]) == ("20", "cross")
    assert (await caller.get("/fapi/v2/positionRisk", symbol="NOPE"))[1]["code"] == -1121


async def test_configs_and_indexes_answer(caller: Caller) -> None:
    """Modes, symbol settings, collateral indexes and funding have endpoints of their own."""
    assert (await caller.get("/fapi/v1/accountConfig"))[1]["multiAssetsMargin"] is False
    (row,) = (await caller.get("/fapi/v1/symbolConfig", symbol="BTCUSDT"))[1]
    assert (row["marginType"], row["leverage"]) == ("CROSSED", 20)
    assert (await caller.get("/fapi/v1/positionSide/dual"))[1] == {"dualSidePosition": False}
    _, ada = await caller.raw("GET", "/fapi/v1/assetIndex?symbol=ADAUSD")
    assert (ada["index"], ada["bidRate"], ada["askRate"]) == ("0.55000000", "0.49500000", "0.60500000")
    assert len((await caller.raw("GET", "/fapi/v1/fundingRate"))[1]) == len(
        caller.exchange.world.contracts_of(VENUE)
    )
    for path in ("/fapi/v2/balance", "/fapi/v3/balance"):
        assert (await caller.get(path))[1][0]["balance"] == "10000.00000000"


async def test_the_undivided_paths_are_retired(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """/ws and /stream are gone since April 2026, and marks are served under /market only."""
    for path in ("/ws", "/stream?streams=btcusdt@markPrice@1s"):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with http.ws_connect(exchange.endpoints(VENUE)["ws"] + path):
                pass
    async with stream(exchange, http, "/public/stream?streams=btcusdt@markPrice@1s") as reader:
        exchange.publish_now()
        assert await says_nothing(reader)


async def test_combined_and_raw_streams(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """A combined stream names the stream beside the data; a raw one is the data."""
    async with (
        stream(exchange, http, "/market/stream?streams=btcusdt@markPrice@1s/!assetIndex@arr") as one,
        stream(exchange, http, "/market/ws/btcusdt@markPrice@1s") as two,
    ):
        exchange.publish_now()
        wrapped, raw = await one.next(), await two.next()
        assert wrapped["stream"] == "btcusdt@markPrice@1s"
        assert wrapped["data"] == raw
        assert {"e", "E", "s", "p", "i", "P", "r", "T"} == set(raw)
        assert {row["s"] for row in (await one.next())["data"]} >= {"USDTUSD", "BTCUSD"}


async def test_commands_are_acknowledged(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """SUBSCRIBE, LIST_SUBSCRIPTIONS and UNSUBSCRIBE answer with their id; nonsense gets an error."""
    async with stream(exchange, http, "/market/ws") as reader:
        await reader.ws.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@markPrice@1s"], "id": 1})
        assert await reader.next() == {"result": None, "id": 1}
        await reader.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert await reader.next() == {"result": ["ethusdt@markPrice@1s"], "id": 2}
        exchange.publish_now()
        assert (await reader.next())["s"] == "ETHUSDT"
        await reader.ws.send_json({"method": "UNSUBSCRIBE", "params": ["ethusdt@markPrice@1s"], "id": 3})
        assert await reader.next() == {"result": None, "id": 3}
        exchange.publish_now()
        assert await says_nothing(reader)
        await reader.ws.send_str("{")
        assert (await reader.next())["error"]["code"] == 3
        await reader.ws.send_json({"method": "DANCE", "id": 4})
        assert (await reader.next())["error"]["code"] == 2


async def test_too_many_messages_end_the_connection(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """More than ten messages in a second close the socket with 1008."""
    async with stream(exchange, http, "/market/ws") as reader:
        for number in range(30):
            await reader.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        while (message := await reader.ws.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def private(caller: Caller) -> str:
    """The path of the account's stream, with a fresh listen key."""
    _, body = await caller.raw("POST", "/fapi/v1/listenKey")
    return f"/private/ws?listenKey={body['listenKey']}"


async def test_changes_are_pushed_with_their_reason(caller: Caller, http: aiohttp.ClientSession) -> None:
    """Each change of the world is one event: the venue's word for why, the new balances, the new legs."""
    world, account = caller.exchange.world, caller.account
    async with stream(caller.exchange, http, await private(caller)) as reader:
        world.set_wallet(account, "USDT", 9_000)
        event = await reader.next()
        assert event["a"]["m"] == "WITHDRAW"
        assert event["a"]["B"] == [
            {"a": "USDT", "wb": "9000.00000000", "cw": "9000.00000000", "bc": "-1000.00000000"}
        ]
        world.set_isolated(account, "BTCUSDT", 2_500)
        event = await reader.next()
        assert (event["a"]["m"], event["a"]["B"][0]["cw"]) == ("MARGIN_TYPE_CHANGE", "6500.00000000")
        assert (event["a"]["P"][0]["mt"], event["a"]["P"][0]["iw"]) == ("isolated", "2500.00000000")
        world.charge_funding("BTCUSDT", VENUE)
        assert (await reader.next())["a"]["m"] == "FUNDING_FEE"
        world.set_position(account, "BTCUSDT", 0)
        (closed,) = (await reader.next())["a"]["P"]
        assert (closed["s"], closed["pa"], closed["ep"]) == ("BTCUSDT", "0", "0")
        world.set_leverage(account, "BTCUSDT", 25)
        assert (await reader.next())["ac"] == {"s": "BTCUSDT", "l": 25}
        world.set_modes(account, multi_assets=True)
        assert (await reader.next())["ai"] == {"j": True}


async def test_a_margin_call_comes_once_per_danger(caller: Caller, http: aiohttp.ClientSession) -> None:
    """MARGIN_CALL comes when maintenance passes 80 % of the margin balance, and again after it was below."""
    world = caller.exchange.world
    async with stream(caller.exchange, http, await private(caller)) as reader:
        for mark, called in ((75_370, True), (75_369, False), (90_000, False), (75_370, True)):
            world.set_mark("BTCUSDT", mark)
            caller.exchange.publish_now()
            if called:
                event = await reader.next()
                assert (event["e"], event["cw"]) == ("MARGIN_CALL", "10000.00000000")
                assert (event["p"][0]["s"], event["p"][0]["mp"]) == ("BTCUSDT", "75370.00000000")
            else:
                assert await says_nothing(reader)


async def test_events_can_be_chosen(caller: Caller, http: aiohttp.ClientSession) -> None:
    """`events=` in the private path lets only these through."""
    path = await private(caller) + "&events=ACCOUNT_CONFIG_UPDATE"
    async with stream(caller.exchange, http, path) as reader:
        caller.exchange.world.set_wallet(caller.account, "USDT", 1)
        caller.exchange.world.set_leverage(caller.account, "BTCUSDT", 7)
        assert (await reader.next())["e"] == "ACCOUNT_CONFIG_UPDATE"


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock()


@pytest.fixture
async def slow_exchange(clock: ManualClock) -> AsyncIterator[LoopbackExchange]:
    """An exchange on that clock."""
    async with LoopbackExchange(standard_world(VENUE, clock=clock), cadence=False) as running:
        yield running


async def test_listen_keys_last_an_hour(
    slow_exchange: LoopbackExchange, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    """A renewed key lives on; a forgotten one says listenKeyExpired, falls silent and can't be renewed."""
    caller = Caller(slow_exchange, http, slow_exchange.world.add_account(VENUE, "a"))
    assert (await caller.raw("PUT", "/fapi/v1/listenKey"))[1]["code"] == -1125
    async with stream(slow_exchange, http, await private(caller)) as reader:
        for _ in range(2):
            clock.advance_s(59 * 60)
            assert (await caller.raw("PUT", "/fapi/v1/listenKey"))[0] == 200
        clock.advance_s(61 * 60)
        slow_exchange.publish_now()
        assert (await reader.next())["e"] == "listenKeyExpired"
        slow_exchange.world.set_wallet(caller.account, "USDT", 5)
        assert await says_nothing(reader)
        status, body = await caller.raw("PUT", "/fapi/v1/listenKey")
        assert (status, body["code"]) == (400, -1125)


async def test_a_dropped_or_unknown_key_is_silent(caller: Caller, http: aiohttp.ClientSession) -> None:
    """The venue accepts a stream with any key; it just never says anything."""
    async with stream(caller.exchange, http, "/private/ws?listenKey=nonsense") as reader:
        caller.exchange.world.set_wallet(caller.account, "USDT", 5)
        assert await says_nothing(reader)
