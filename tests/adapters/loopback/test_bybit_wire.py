"""Bybit's wire rules and faults that a ccxt client does not look at."""

from __future__ import annotations

import aiohttp
import pytest

from adapters.loopback import Account, LoopbackExchange, World
from tests.support.bybit_calls import VENUE, Caller, private, sign_in
from tests.support.raw_stream import stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def account(world: World) -> Account:
    """A cross account with one long."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDT", 10_000)
    world.set_position(made, "BTCUSDT", "0.5", 95_000, leverage=20)
    return made


@pytest.fixture
def caller(exchange: LoopbackExchange, http: aiohttp.ClientSession, account: Account) -> Caller:
    """For the account."""
    return Caller(exchange, http, account)


async def test_refusals_have_their_codes(caller: Caller) -> None:
    """Unknown key 10003, wrong time 10002, missing parameter 10001; all with HTTP 200."""
    assert (await caller.get("/v5/account/info"))["retCode"] == 0
    assert (await caller.get("/v5/account/info", shift_ms=2_000))["retCode"] == 10002
    assert (await caller.get("/v5/account/info", shift_ms=-6_000))["retCode"] == 10002
    assert (await caller.get("/v5/position/list", category="linear"))["retCode"] == 10001
    caller.exchange.faults.reject_key(caller.account.id)
    assert (await caller.get("/v5/account/info"))["retCode"] == 10003


@pytest.mark.parametrize(
    ("can_trade", "can_withdraw", "read_only"), [(False, False, 1), (True, False, 0), (False, True, 0)]
)
async def test_key_permissions_are_told(
    exchange: LoopbackExchange,
    http: aiohttp.ClientSession,
    can_trade: bool,
    can_withdraw: bool,
    read_only: int,
) -> None:
    """query-api says whether the key is read-only, and what else it may do."""
    account = exchange.world.add_account(VENUE, "k", can_trade=can_trade, can_withdraw=can_withdraw)
    key = (await Caller(exchange, http, account).get("/v5/user/query-api"))["result"]
    assert key["readOnly"] == read_only
    assert bool(key["permissions"]["ContractTrade"]) == can_trade
    assert ("Withdraw" in key["permissions"]["Wallet"]) == can_withdraw


async def test_too_many_calls(caller: Caller, http: aiohttp.ClientSession) -> None:
    """10006 first, then 403 for the whole address."""
    caller.exchange.faults.rate_limit(VENUE, retry_after_s=30)
    assert (await caller.get("/v5/market/time"))["retCode"] == 10006
    async with http.get(caller.exchange.endpoints(VENUE)["rest"] + "/v5/market/time") as response:
        assert response.status == 403
    assert caller.exchange.gate(VENUE).requests_while_blocked == 1


async def test_isolated_accounts_have_no_totals(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """Mode of the whole account; totals are empty; each position has its balance and its price at entry."""
    world = exchange.world
    account = world.add_account(VENUE, "isolated", isolated_margin=True)
    world.set_wallet(account, "USDT", 500)
    with pytest.raises(ValueError, match="isolated_wallet"):
        world.set_position(account, "BTCUSDT", 1)
    world.set_position(account, "BTCUSDT", "0.033", "74939.5", leverage=5, isolated_wallet="494.6007")
    caller = Caller(exchange, http, account)
    assert (await caller.get("/v5/account/info"))["result"]["marginMode"] == "ISOLATED_MARGIN"
    (row,) = (await caller.get("/v5/account/wallet-balance", accountType="UNIFIED"))["result"]["list"]
    assert (row["accountMMRate"], row["totalMaintenanceMargin"]) == ("", "")
    assert row["coin"][0]["walletBalance"] == "994.60070000"
    (position,) = await caller.positions()
    assert position["positionBalance"] == position["positionIM"] == "495.68882154"
    assert position["positionMM"] == "13.45313904"
    assert position["liqPrice"].startswith("60326.2")


async def test_pages_break_off_on_demand(caller: Caller) -> None:
    """A1: the first page comes with a cursor, the second tears the connection."""
    caller.exchange.world.set_position(caller.account, "ETHUSDT", 1)
    caller.exchange.faults.cut_pages(caller.account.id)
    page = await caller.get("/v5/position/list", category="linear", settleCoin="USDT")
    cursor = page["result"]["nextPageCursor"]
    assert (len(page["result"]["list"]), cursor) == (1, "1")
    with pytest.raises(aiohttp.ClientError):
        await caller.positions(cursor=cursor)


async def test_zero_balances_are_a_lie(caller: Caller) -> None:
    """A2: wallet and positions show nothing while the asset endpoint tells the truth, or all lie."""

    async def told() -> tuple[int, int, int]:
        wallet = await caller.get("/v5/account/wallet-balance", accountType="UNIFIED")
        path = "/v5/asset/transfer/query-account-coins-balance"
        assets = await caller.get(path, accountType="UNIFIED")
        coins = wallet["result"]["list"][0]["coin"]
        return len(coins), len(await caller.positions()), len(assets["result"]["balance"])

    assert await told() == (1, 1, 1)
    caller.exchange.faults.zero_balances(caller.account.id)
    assert await told() == (0, 0, 1)
    caller.exchange.faults.zero_balances(caller.account.id, everywhere=True)
    assert await told() == (0, 0, 0)


async def test_deltas_omit_what_has_not_changed(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """Snapshot on subscribing; a delta has the mark only when it moved; a late subscriber gets the whole."""
    async with stream(exchange, http, VENUE, "/v5/public/linear") as reader:
        answer = await reader.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "7"})
        assert (answer["success"], answer["op"], answer["req_id"]) == (True, "subscribe", "7")
        whole = await reader.next()
        assert (whole["type"], whole["data"]["markPrice"]) == ("snapshot", "95000.00")
        exchange.world.set_mark("BTCUSDT", "94000.01", index="94010", venue=VENUE)
        exchange.publish_now(VENUE)
        moved = await reader.next()
        assert (moved["type"], moved["data"]["markPrice"], moved["data"]["indexPrice"]) == (
            "delta",
            "94000.01",
            "94010.00",
        )
        exchange.publish_now(VENUE)
        quiet = await reader.next()
        assert "markPrice" not in quiet["data"]
        assert quiet["data"]["symbol"] == "BTCUSDT"
        assert quiet["cs"] > moved["cs"]
        async with stream(exchange, http, VENUE, "/v5/public/linear") as late:
            await late.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
            assert (await late.next())["data"]["markPrice"] == "94000.01"


async def test_what_changed_while_muted_comes_after(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """N2 and N4: a muted topic says nothing, pings are answered, its first delta has all that it missed."""
    async with stream(exchange, http, VENUE, "/v5/public/linear") as reader:
        exchange.faults.mute_symbol(VENUE, "BTCUSDT")
        await reader.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
        exchange.world.set_mark("BTCUSDT", 90_000, venue=VENUE)
        exchange.publish_now(VENUE)
        pong = await reader.ask({"op": "ping"})
        assert (pong["op"], pong["ret_msg"]) == ("ping", "pong")
        exchange.faults.unmute_symbol(VENUE, "BTCUSDT")
        exchange.publish_now(VENUE)
        assert (await reader.next())["data"]["markPrice"] == "90000.00"


async def test_spot_tickers_tell_usd(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """The spot ticker's last price is in USDT, its usdIndexPrice in USD."""
    exchange.world.set_asset_index("USDT", "0.98", venue=VENUE)
    async with stream(exchange, http, VENUE, "/v5/public/spot") as reader:
        await reader.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
        data = (await reader.next())["data"]
        assert (data["usdIndexPrice"], data["lastPrice"]) == ("95000", "96938.7755")
        exchange.publish_now(VENUE)
        assert (await reader.next())["data"]["usdIndexPrice"] == "95000"
        answer = await reader.ask({"op": "subscribe", "args": ["tickers.NOPEUSDT"]})
        assert answer["success"] is False


async def test_the_private_stream_wants_a_signature(caller: Caller, http: aiohttp.ClientSession) -> None:
    """Nothing before auth; an expired or forged one is refused; then topics can be subscribed."""
    now_ms = caller.exchange.world.now_ms()
    async with stream(caller.exchange, http, VENUE, "/v5/private") as reader:
        assert (await reader.ask({"op": "subscribe", "args": ["wallet"]}))["success"] is False
        assert (await sign_in(reader, caller.account, now_ms - 1))["success"] is False
        forged = {"op": "auth", "args": [caller.account.key, now_ms + 60_000, "00"]}
        assert (await reader.ask(forged))["success"] is False
        await private(reader, caller)
        pong = await reader.ask({"op": "ping", "req_id": "1"})
        assert (pong["op"], pong["req_id"]) == ("pong", "1")


async def test_changes_are_pushed(caller: Caller, http: aiohttp.ClientSession) -> None:
    """A fill is a position and a wallet; a closed position has size 0 and no side; a deposit is a wallet."""
    world = caller.exchange.world
    async with stream(caller.exchange, http, VENUE, "/v5/private") as reader:
        await private(reader, caller)
        world.trade(caller.account, "BTCUSDT", "-0.5", 96_000)
        position, wallet = await reader.next(), await reader.next()
        (row,) = position["data"]
        assert (position["topic"], row["side"], row["size"], row["category"]) == (
            "position",
            "",
            "0",
            "linear",
        )
        assert (wallet["topic"], wallet["data"][0]["coin"][0]["walletBalance"]) == (
            "wallet",
            "10500.00000000",
        )
        world.set_wallet(caller.account, "BTC", 1)
        (coin,) = (await reader.next())["data"][0]["coin"]
        assert (coin["coin"], coin["usdValue"]) == ("BTC", "95000.00000000")


async def test_hedged_legs_have_numbers(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """positionIdx 1 is the long leg, 2 the short one."""
    world = exchange.world
    account = world.add_account(VENUE, "hedged", hedge=True)
    world.set_wallet(account, "USDT", 10_000)
    world.set_position(account, "BTCUSDT", "0.2", side="long")
    world.set_position(account, "BTCUSDT", "-0.1", side="short")
    rows = await Caller(exchange, http, account).positions()
    assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
        (1, "Buy", "0.2"),
        (2, "Sell", "0.1"),
    ]


async def test_lost_and_doubled_events(caller: Caller, http: aiohttp.ClientSession) -> None:
    """A skipped message never comes, a duplicated one comes twice, a muted stream loses all."""
    world, faults = caller.exchange.world, caller.exchange.faults
    async with stream(caller.exchange, http, VENUE, "/v5/private") as reader:
        await private(reader, caller)
        faults.skip_user_events(caller.account.id)
        world.set_wallet(caller.account, "USDT", 1_001)
        faults.mute(VENUE, "private")
        world.set_wallet(caller.account, "USDT", 1_002)
        faults.unmute(VENUE, "private")
        faults.duplicate_events(VENUE)
        world.set_wallet(caller.account, "USDT", 1_003)
        one, two = await reader.next(), await reader.next()
        assert one == two
        assert one["data"][0]["coin"][0]["walletBalance"] == "1003.00000000"


async def test_other_switches_work_here_too(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """Frozen marks, a close with a code and a refusal are the same switches on every venue."""
    async with stream(exchange, http, VENUE, "/v5/public/linear") as reader:
        await reader.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
        await reader.next()
        exchange.faults.freeze_marks(VENUE)
        exchange.world.set_mark("BTCUSDT", 80_000, venue=VENUE)
        exchange.publish_now(VENUE)
        data = (await reader.next())["data"]
        assert "markPrice" not in data
        assert data["indexPrice"] == "80000.00"
        exchange.faults.close(VENUE, 1012)
        message = await reader.ws.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)
    exchange.faults.refuse(VENUE)

    async def refused() -> bool:
        try:
            async with aiohttp.ClientSession() as fresh:
                await fresh.get(exchange.endpoints(VENUE)["rest"] + "/v5/market/time")
        except aiohttp.ClientConnectorError:
            return True
        return False

    await eventually(refused, "a refusal")
