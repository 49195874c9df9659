"""Hyperliquid's wire rules and faults that a ccxt client does not look at."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from adapters.loopback import Account, LoopbackExchange, World
from tests.support.raw_stream import stream

pytestmark = pytest.mark.integration

VENUE = "hyperliquid"
MARK = {"method": "subscribe", "subscription": {"type": "activeAssetCtx", "coin": "BTC"}}


@pytest.fixture
def account(world: World) -> Account:
    """One cross long."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDC", 10_000)
    world.set_position(made, "BTC", "0.5", 95_000)
    return made


class Asker:
    """Asks /info."""

    def __init__(self, exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
        self._url = exchange.endpoints(VENUE)["rest"] + "/info"
        self._http = http

    async def status(self, **question: str) -> int:
        """The status of an answer."""
        async with self._http.post(self._url, json=question) as response:
            return response.status

    async def ask(self, **question: str) -> Any:
        """A good answer."""
        async with self._http.post(self._url, json=question) as response:
            assert response.status == 200
            return await response.json()


@pytest.fixture
def info(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> Asker:
    """/info of the running exchange."""
    return Asker(exchange, http)


def watch(account: Account, kind: str = "allDexsClearinghouseState") -> dict[str, Any]:
    """A subscription to an address."""
    return {"method": "subscribe", "subscription": {"type": kind, "user": account.address}}


async def test_metas_have_their_tables(info: Asker) -> None:
    """A coin names a table of its dex; one tier is numbered by its leverage; the main dex comes first."""
    main, builder = await info.ask(type="allPerpMetas")
    tables = dict(main["marginTables"])
    btc = main["universe"][0]
    assert (btc["name"], btc["szDecimals"], btc["maxLeverage"]) == ("BTC", 5, 40)
    assert tables[btc["marginTableId"]]["marginTiers"] == [
        {"lowerBound": "0.0", "maxLeverage": 40},
        {"lowerBound": "150000000.0", "maxLeverage": 20},
    ]
    assert [coin["name"] for coin in builder["universe"]] == ["xyz:TSLA"]
    assert builder["universe"][0]["marginTableId"] == 10
    dexes = await info.ask(type="perpDexs")
    assert (dexes[0], dexes[1]["name"]) == (None, "xyz")
    assert (await info.ask(type="meta")) == main


async def test_questions_that_nobody_understands(info: Asker) -> None:
    """No type, an unknown one, a missing user or an unknown dex: 422."""
    assert await info.status() == 422
    assert await info.status(type="dance") == 422
    assert await info.status(type="clearinghouseState") == 422
    assert await info.status(type="meta", dex="nope") == 422


async def test_roles_and_modes(info: Asker, account: Account, world: World) -> None:
    """A known address is a user; unified collateral says so; spot tokens are listed apart."""
    assert await info.ask(type="userRole", user=account.address) == {"role": "user"}
    assert await info.ask(type="userRole", user="0x" + "00" * 20) == {"role": "missing"}
    assert await info.ask(type="userAbstraction", user=account.address) == "default"
    world.set_modes(account, multi_assets=True)
    assert await info.ask(type="userAbstraction", user=account.address.upper().replace("0X", "0x")) == (
        "unifiedAccount"
    )
    world.set_wallet(account, "spot:USDC", 7)
    spot = await info.ask(type="spotClearinghouseState", user=account.address)
    assert spot["balances"][0]["total"] == "7.0"


async def test_an_address_without_anything_has_an_empty_state(info: Asker) -> None:
    """Any address is answered: zeros and no position."""
    state = await info.ask(type="clearinghouseState", user="0x" + "00" * 20)
    assert state["crossMarginSummary"]["accountValue"] == "0.0"
    assert state["assetPositions"] == []


async def test_zero_balances_are_a_lie(
    info: Asker, account: Account, exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """A2: clearinghouseState shows nothing while webData2 and the stream tell the truth, or all lie."""

    async def told() -> tuple[str, str, str]:
        state = await info.ask(type="clearinghouseState", user=account.address)
        web = await info.ask(type="webData2", user=account.address)
        async with stream(exchange, http, VENUE, "/ws") as reader:
            await reader.ask(watch(account))
            pushed = (await reader.next())["data"]["clearinghouseStates"][0][1]
        found = (state, web["clearinghouseState"], pushed)
        return tuple(one["crossMarginSummary"]["accountValue"] for one in found)

    assert await told() == ("10000.0", "10000.0", "10000.0")
    exchange.faults.zero_balances(account.id)
    assert await told() == ("0.0", "10000.0", "10000.0")
    exchange.faults.zero_balances(account.id, everywhere=True)
    assert await told() == ("0.0", "0.0", "0.0")


async def test_subscriptions_are_acknowledged_and_answered(
    exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """An acknowledgement with the subscription, the context at once, and again with every publication."""
    async with stream(exchange, http, VENUE, "/ws") as reader:
        answer = await reader.ask(MARK)
        assert answer == {"channel": "subscriptionResponse", "data": MARK}
        assert (await reader.next())["data"]["ctx"]["markPx"] == "95000.0"
        exchange.world.set_mark("BTC", 94_000, index=94_010, venue=VENUE)
        exchange.publish_now(VENUE)
        context = (await reader.next())["data"]["ctx"]
        assert (context["markPx"], context["oraclePx"]) == ("94000.0", "94010.0")
        assert await reader.ask({"method": "ping"}) == {"channel": "pong"}
        again = await reader.ask(MARK)
        assert (again["channel"], again["data"][:18]) == ("error", "Already subscribed")
        gone = await reader.ask({**MARK, "method": "unsubscribe"})
        assert gone["data"]["method"] == "unsubscribe"
        exchange.publish_now(VENUE)
        assert await reader.ask({"method": "ping"}) == {"channel": "pong"}


async def test_nonsense_is_an_error(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """Bad JSON, an unknown method, an unknown coin and a user's topic without a user answer `error`."""
    async with stream(exchange, http, VENUE, "/ws") as reader:
        await reader.ws.send_str("{")
        assert (await reader.next())["channel"] == "error"
        assert (await reader.ask({"method": "dance"}))["channel"] == "error"
        for wanted in ({"type": "activeAssetCtx", "coin": "NOPE"}, {"type": "webData2"}):
            answer = await reader.ask({"method": "subscribe", "subscription": wanted})
            assert answer["data"].startswith("Invalid subscription")


async def test_all_contexts_come_by_dex(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """allDexsAssetCtxs has one list for each dex, in the order of its universe."""
    async with stream(exchange, http, VENUE, "/ws") as reader:
        await reader.ask({"method": "subscribe", "subscription": {"type": "allDexsAssetCtxs"}})
        contexts = dict((await reader.next())["data"]["ctxs"])
        assert contexts[""][0]["markPx"] == "95000.0"
        assert [context["markPx"] for context in contexts["xyz"]] == ["350.0"]


async def test_states_are_pushed_whole(
    account: Account, exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """Every change pushes all dexes; so does every publication, with newer marks."""
    world = exchange.world
    async with stream(exchange, http, VENUE, "/ws") as reader:
        await reader.ask(watch(account))
        await reader.next()
        world.set_wallet(account, "USDC", 9_000)
        states = dict((await reader.next())["data"]["clearinghouseStates"])
        assert states[""]["crossMarginSummary"]["accountValue"] == "9000.0"
        assert states["xyz"]["assetPositions"] == []
        world.set_mark("BTC", 94_000, venue=VENUE)
        exchange.publish_now(VENUE)
        states = dict((await reader.next())["data"]["clearinghouseStates"])
        assert states[""]["crossMarginSummary"]["accountValue"] == "8500.0"
        assert states[""]["assetPositions"][0]["position"]["unrealizedPnl"] == "-500.0"


async def test_only_ten_users_are_tracked(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """The eleventh address of one IP is refused."""
    accounts = [exchange.world.add_account(VENUE, f"user{number}") for number in range(11)]
    async with stream(exchange, http, VENUE, "/ws") as reader:
        for account in accounts[:10]:
            assert (await reader.ask(watch(account)))["channel"] == "subscriptionResponse"
            await reader.next()
        assert (await reader.ask(watch(accounts[10])))["data"] == "Cannot track more than 10 total users."


async def test_switches_work_here_too(
    account: Account, exchange: LoopbackExchange, http: aiohttp.ClientSession, info: Asker
) -> None:
    """Muted marks and coins, frozen marks, lost states, 429 and 5xx."""
    faults, world = exchange.faults, exchange.world
    async with stream(exchange, http, VENUE, "/ws") as marks, stream(exchange, http, VENUE, "/ws") as own:
        await marks.ask(MARK)
        await marks.next()
        await own.ask(watch(account))
        await own.next()
        faults.mute(VENUE)
        exchange.publish_now(VENUE)
        assert (await own.next())["channel"] == "allDexsClearinghouseState"
        faults.unmute(VENUE)
        faults.freeze_marks(VENUE, "BTC")
        world.set_mark("BTC", 90_000, venue=VENUE)
        faults.skip_user_events(account.id)
        exchange.publish_now(VENUE)
        context = (await marks.next())["data"]["ctx"]
        assert (context["markPx"], context["oraclePx"]) == ("95000.0", "90000.0")
        assert await own.ask({"method": "ping"}) == {"channel": "pong"}
    faults.rate_limit(VENUE, retry_after_s=30)
    assert await info.status(type="meta") == 429
    faults.heal(VENUE)
    faults.fail(VENUE, 502)
    assert await info.status(type="meta") == 502
