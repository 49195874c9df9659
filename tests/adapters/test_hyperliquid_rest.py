from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from adapters.hyperliquid import rest
from adapters.hyperliquid.rest import SPEC, HyperliquidSource
from adapters.venue import Ignored, KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.clock import ManualClock
from monitor.domain.event import AccountSnapshot, BalanceFact
from monitor.domain.identity import InstrumentId
from tests.support.frames import events_of
from tests.support.hyperliquid_answers import EMPTY, META, leg, state
from tests.support.venue_server import Given, VenueServer, account_at, serving

ADDRESS = "0x" + "0123456789aAbBcCdDeE" * 2
BUILDER = "xyz"


@pytest.fixture
async def server() -> AsyncIterator[VenueServer]:
    """A venue with one address: cross and isolated on the main dex, nothing on a builder's."""
    made = VenueServer(lambda _, asked: f"{asked['type']} {asked.get('dex', '')}".strip())
    main = state(leg("ETH", "2.0"), leg("SOL", "-1.0", "isolated", raw_usd="3500.0"))
    made.replies = {
        "userRole": {"role": "user"},
        "userAbstraction": "default",
        "perpDexs": [None, {"name": BUILDER, "fullName": "XYZ"}],
        "clearinghouseState": main,
        f"clearinghouseState {BUILDER}": EMPTY,
        "webData2": {"clearinghouseState": main, "user": ADDRESS.lower()},
        "allPerpMetas": [
            META,
            {"universe": [{"name": "km:US500", "szDecimals": 3, "maxLeverage": 20}], "collateralToken": 360},
        ],
    }
    async with serving(made):
        yield made


@pytest.fixture
def given() -> Given:
    """Clock, metrics and gate."""
    return Given(manual=True)


@pytest.fixture
async def source(server: VenueServer, given: Given) -> AsyncIterator[HyperliquidSource]:
    """The address's REST side."""
    account = account_at("hyperliquid", server.url, ADDRESS)
    made = SPEC.source(account, given.clock, given.metrics, given.gate)
    yield made
    await made.close()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look follows at once."""
    monkeypatch.setattr(rest, "REREAD_S", 0)


async def test_a_dex_is_a_pool_and_so_is_an_isolated_position(source: HyperliquidSource) -> None:
    """Cash and what positions cost are the wallet; a builder's dex with nothing on it is no pool."""
    snapshot = await source.snapshot()
    assert [(pool.pool, pool.model, pool.unit) for pool in snapshot.pools] == [
        ("cross", "tiered", "USDC"),
        ("isolated-SOL", "tiered", "USDC"),
    ]
    assert snapshot.balances == (
        BalanceFact("cross", "USDC", Decimal(5000)),
        BalanceFact("isolated-SOL", "USDC", Decimal(500)),
    )
    assert snapshot.marks == {"hyperliquid:ETH": 3100.0, "hyperliquid:SOL": 3100.0}
    reported = snapshot.pools[0].reported
    assert reported is not None
    assert (reported.equity, reported.maintenance_margin) == (5200.0, 124.0)
    assert reported.ratio == pytest.approx(124 / 5200)
    assert (snapshot.confirmed, snapshot.streamed) == (False, False)


async def test_stream_and_snapshot_tell_the_same(source: HyperliquidSource, server: VenueServer) -> None:
    """The streamed state goes the same way as the read one, and differs in what says where it came from."""
    read = await source.snapshot()
    stream = await source.private_stream()
    states = [["", server.replies["clearinghouseState"]], [BUILDER, EMPTY]]
    data = {"user": ADDRESS.lower(), "clearinghouseStates": states}
    told, _ = events_of(
        stream.codec.decode(json.dumps({"channel": "allDexsClearinghouseState", "data": data}), 7)
    )
    assert isinstance(told, AccountSnapshot)
    assert told.streamed
    assert (told.pools, told.balances, told.positions, told.marks) == (
        read.pools,
        read.balances,
        read.positions,
        read.marks,
    )
    assert json.loads(stream.subscribe[0])["subscription"] == {
        "type": "allDexsClearinghouseState",
        "user": ADDRESS.lower(),
    }


async def test_every_dex_is_looked_at_now_and_then_only(
    source: HyperliquidSource, server: VenueServer, given: Given
) -> None:
    """Requests are weighed: a dex without anything is read at first and every five minutes."""
    clock = given.clock
    assert isinstance(clock, ManualClock)
    await source.snapshot()
    await source.snapshot()
    assert server.count(f"clearinghouseState {BUILDER}") == 1
    clock.advance_s(301)
    server.replies[f"clearinghouseState {BUILDER}"] = state(leg("xyz:TSLA", "1"))
    assert "cross-xyz" in [pool.pool for pool in (await source.snapshot()).pools]
    await source.snapshot()
    assert server.count(f"clearinghouseState {BUILDER}") == 3
    assert server.count("perpDexs") == 2


@pytest.mark.parametrize("mode", ["unifiedAccount", "portfolioMargin", "dexAbstraction", "something new"])
async def test_a_mode_in_which_spot_is_collateral_is_named(
    source: HyperliquidSource, server: VenueServer, mode: str
) -> None:
    """Any abstraction but separate dexes is refused by name, and its stream is not believed meanwhile."""
    stream = await source.private_stream()
    server.replies["userAbstraction"] = mode
    for reading in (source.check_key, source.snapshot):
        with pytest.raises(UnsupportedMode, match=mode):
            await reading()
    data = {"user": ADDRESS.lower(), "clearinghouseStates": [["", EMPTY]]}
    frame = json.dumps({"channel": "allDexsClearinghouseState", "data": data})
    assert stream.codec.decode(frame, 1) == Ignored("account mode not supported")


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("", "40 hexadecimal digits"),
        ("0x1234", "40 hexadecimal digits"),
        ("0x" + "g" * 40, "40 hexadecimal digits"),
        ("0x" + "ab" * 32, "private key"),
        ("ab" * 32, "private key"),
    ],
)
async def test_only_an_address_is_taken(given: Given, address: str, named: str) -> None:
    """What is no address is refused before anything is asked, and never repeated."""
    account = account_at("hyperliquid", "http://127.0.0.1:9", address or "x")
    source = SPEC.source(account, given.clock, given.metrics, given.gate)
    for reading in (source.check_key, source.snapshot, source.private_stream):
        with pytest.raises(KeyRefused, match=named) as refused:
            await reading()
        assert (address or "nothing") not in str(refused.value)


@pytest.mark.parametrize(("role", "named"), [("agent", "API wallet"), ("missing", "does not know")])
async def test_an_address_that_holds_nothing_by_nature_is_refused(
    source: HyperliquidSource, server: VenueServer, role: str, named: str
) -> None:
    """An API wallet's address would look safe for ever, and so would a mistyped one."""
    server.replies["userRole"] = {"role": role, "data": {"user": ADDRESS}}
    with pytest.raises(KeyRefused, match=named):
        await source.check_key()


@pytest.mark.parametrize("role", ["user", "subAccount", "vault"])
async def test_users_subaccounts_and_vaults_are_taken(
    source: HyperliquidSource, server: VenueServer, role: str
) -> None:
    """Whatever holds positions of its own can be watched."""
    server.replies["userRole"] = {"role": role}
    await source.check_key()


@pytest.mark.parametrize(
    "reply",
    [
        web.Response(status=502, text="bad gateway"),
        web.Response(status=422, text="Failed to deserialize the JSON body into the target type"),
        web.Response(text="<html>"),
        None,
        state(leg("ETH", "NaN")),
        state(leg("ETH", "1e999999")),
        state(leg("../ETH", "1", "isolated", raw_usd="1")),
    ],
    ids=["502", "422", "html", "null", "nan", "digits", "name"],
)
async def test_half_a_snapshot_is_none(source: HyperliquidSource, server: VenueServer, reply: Any) -> None:
    """One dex that can't be read costs the whole snapshot."""
    server.replies[f"clearinghouseState {BUILDER}"] = lambda _: (
        web.json_response(reply) if reply is None else reply
    )
    with pytest.raises(VenueUnavailable):
        await source.snapshot()


async def test_a_rate_limit_stops_every_call(
    source: HyperliquidSource, server: VenueServer, given: Given
) -> None:
    """After 429 nothing is sent by any account of the venue until the pause is over."""
    server.replies["userAbstraction"] = lambda _: web.Response(status=429, text="slow down")
    with pytest.raises(RateLimited) as limited:
        await source.snapshot()
    assert limited.value.retry_after_s == 60
    asked = len(server.asked)
    with pytest.raises(RateLimited):
        await source.instruments()
    assert len(server.asked) == asked
    clock = given.clock
    assert isinstance(clock, ManualClock)
    clock.advance_s(61)
    assert (await source.instruments()).instruments


@pytest.mark.usefixtures("no_pause")
async def test_a_second_way_confirms(source: HyperliquidSource, server: VenueServer) -> None:
    """webData2 confirms the main dex, a second read the others."""
    assert (await source.snapshot(confirm=True)).confirmed
    assert server.count("webData2") == 1
    assert server.count(f"clearinghouseState {BUILDER}") == 2


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "second",
    [web.Response(status=500), {"clearinghouseState": EMPTY}, {"clearinghouseState": state(leg("ETH", "1"))}],
)
async def test_what_the_second_way_does_not_say_is_not_confirmed(
    source: HyperliquidSource, server: VenueServer, second: Any
) -> None:
    """A second endpoint that fails or tells of something else confirms nothing; the snapshot stands."""
    server.replies["webData2"] = lambda _: second
    snapshot = await source.snapshot(confirm=True)
    assert (snapshot.confirmed, len(snapshot.positions)) == (False, 2)


async def test_margin_tables_become_tiers(source: HyperliquidSource) -> None:
    """Maintenance is half of one over the leverage of the coin's tier; what settles otherwise is left out."""
    defined = {i.id: i for i in (await source.instruments()).instruments}
    assert set(defined) == {"hyperliquid:BTC", "hyperliquid:SOL"}
    rows: list[tuple[object, ...]] = [
        (t.floor, t.maintenance_rate, t.deduction)
        for t in defined[InstrumentId("hyperliquid:BTC")].tiers.tiers
    ]
    assert rows == [(0, Decimal("0.0125"), 0), (150_000_000, Decimal("0.025"), 1_875_000)]
    sol = defined[InstrumentId("hyperliquid:SOL")]
    assert [t.maintenance_rate for t in sol.tiers.tiers] == [Decimal("0.025")]
    assert (sol.price_digits, sol.quantity_digits) == (4, 2)


def test_the_public_stream_asks_for_what_is_held() -> None:
    """One frame a coin, names of builders' dexes as they are; nothing held, no connection."""
    account = account_at("hyperliquid", "http://127.0.0.1:1", ADDRESS)
    assert SPEC.public_streams(account, []) == ()
    held = [InstrumentId("hyperliquid:BTC"), InstrumentId("hyperliquid:xyz:TSLA")]
    (stream,) = SPEC.public_streams(account, held)
    coins = [json.loads(frame)["subscription"] for frame in stream.subscribe]
    assert coins == [
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "xyz:TSLA"},
    ]
    assert stream.url == "ws://127.0.0.1:1/ws"
    assert (stream.heartbeat, stream.heartbeat_every_s) == ('{"method":"ping"}', 20.0)
