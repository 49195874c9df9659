from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from adapters.bybit.rest import BybitSource
from adapters.bybit.spec import SPEC
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.clock import ManualClock
from monitor.domain.event import AccountDelta, AssetPrice, BalanceFact, PositionFact
from monitor.domain.identity import InstrumentId
from tests.support.bybit_answers import (
    TIME_MS,
    coin,
    contract,
    fault,
    limit,
    ok,
    page,
    position,
    ratios,
    replies,
    wallet,
)
from tests.support.frames import events_of
from tests.support.venue_server import KEY, SECRET_TEXT, Given, VenueServer, account_at, serving

BTCUSDT = InstrumentId("bybit:BTCUSDT")
POSITIONS = "/v5/position/list"
WALLET = "/v5/account/wallet-balance"


@pytest.fixture
async def server() -> AsyncIterator[VenueServer]:
    """A venue with one account, as `replies` has it."""
    made = VenueServer(lambda request, _: request.path)
    made.replies = replies()
    async with serving(made):
        yield made


@pytest.fixture
def given() -> Given:
    """Clock, metrics and gate."""
    return Given()


@pytest.fixture
async def source(server: VenueServer, given: Given) -> AsyncIterator[BybitSource]:
    """The account's REST side."""
    made = SPEC.source(account_at("bybit", server.url), given.clock, given.metrics, given.gate)
    (await made._rest._made()).enableRateLimit = False  # our own server bears more than the venue
    yield made
    await made.close()


async def test_a_cross_account_is_one_pool_in_dollars(source: BybitSource) -> None:
    """Coins, debts and positions of a unified account lie in one pool, at the venue's own USD prices."""
    snapshot = await source.snapshot()
    (pool,) = snapshot.pools
    assert (pool.pool, pool.model, pool.unit) == ("unified", "bybit_unified", "USD")
    assert snapshot.balances == (
        BalanceFact("unified", "USDT", Decimal(10000)),
        BalanceFact("unified", "BTC", Decimal("0.5"), borrowed=Decimal("0.2001")),
    )
    assert snapshot.positions == (
        PositionFact("unified", BTCUSDT, "", Decimal(1), Decimal(64000), Decimal(10)),
    )
    assert snapshot.marks == {BTCUSDT: 64010.5}
    assert {price.asset: price.index for price in snapshot.prices} == pytest.approx(
        {"USDT": 0.998, "BTC": 64000}
    )
    assert snapshot.venue_ns == TIME_MS * 1_000_000
    assert not snapshot.confirmed


async def test_the_venues_own_figures_stay_beside_ours(source: BybitSource) -> None:
    """accountMMRate, totals and liquidation price are told as the venue tells them."""
    reported = (await source.snapshot()).pools[0].reported
    assert reported is not None
    assert (reported.ratio, reported.ratio_name) == (0.0123, "accountMMRate")
    figures = (reported.equity, reported.initial_margin, reported.maintenance_margin)
    assert figures == (30400.5, 6400.25, 374.5)
    assert reported.liquidation_prices == {"bybit:BTCUSDT": 58000.1}


async def test_what_neither_counts_nor_is_owed_is_left_out(server: VenueServer, source: BybitSource) -> None:
    """A coin without a price would make the whole account unknown; dust and non-collateral have none."""
    server.replies[WALLET] = wallet(
        coin("USDT", "100", "100", "99.9"),
        coin("EOS3L", "215", "215", "0", marginCollateral=False),
        coin("BTC", "1", "1", "64000", collateralSwitch=False),
        coin("SHIB", "0.00001", "0.00001", "0.0000000001"),
        coin("ETH", "0", "0", "0"),
        coin("UNLISTED", "5", "5", "50"),
    )
    snapshot = await source.snapshot()
    assert [balance.asset for balance in snapshot.balances] == ["USDT"]


async def test_an_empty_account_still_has_its_pool(server: VenueServer, source: BybitSource) -> None:
    """An account without money is an account, with nothing in it that could lack a price."""
    server.replies[WALLET] = wallet(coin("BTC", "0", "0", "0"))
    server.replies[POSITIONS] = page()
    snapshot = await source.snapshot()
    assert snapshot.balances == (BalanceFact("unified", "USD", Decimal(0)),)
    assert [pool.pool for pool in snapshot.pools] == ["unified"]


async def test_a_coin_that_is_spent_is_told_by_the_stream(source: BybitSource) -> None:
    """The stream lists coins of zero: one that was held goes, one that never was does not come."""
    await source.snapshot()
    codec = (await source.private_stream()).codec
    frame = {
        "topic": "wallet",
        "creationTime": TIME_MS + 1,
        "data": [wallet(coin("BTC", "0", "0", "0"), coin("ETH", "0", "0", "0"))["result"]["list"][0]],
    }
    (delta,) = events_of(codec.decode(json.dumps(frame), 1))
    assert isinstance(delta, AccountDelta)
    assert delta.balances == (BalanceFact("unified", "BTC", Decimal(0)),)


async def test_an_isolated_account_is_a_pool_a_leg(server: VenueServer, source: BybitSource) -> None:
    """Each isolated leg stands on its own margin, less the fee kept for closing it; wallets are beside."""
    server.replies["/v5/account/info"] = ok({"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 5})
    legs = page(
        position("BTCUSDT", "Buy", "1", 1, positionBalance="6423.04"),
        position("BTCUSDT", "Sell", "2", 2, positionBalance="12900"),
    )
    server.replies[POSITIONS] = lambda asked: legs if asked.get("settleCoin") == "USDT" else page()
    snapshot = await source.snapshot()
    assert [(pool.pool, pool.model, pool.unit) for pool in snapshot.pools] == [
        ("wallet-USDT", "bybit_isolated", "USDT"),
        ("isolated-BTCUSDT-long", "bybit_isolated", "USDT"),
        ("isolated-BTCUSDT-short", "bybit_isolated", "USDT"),
    ]
    # fee to close: size x entry x (1 -+ 1/leverage) x 0.0004, the account's own rate
    assert {balance.pool: balance.wallet for balance in snapshot.balances} == {
        "wallet-USDT": Decimal(10000),
        "isolated-BTCUSDT-long": Decimal("6423.04") - Decimal("23.04"),
        "isolated-BTCUSDT-short": Decimal(12900) - Decimal("56.32"),
    }
    assert [position.quantity for position in snapshot.positions] == [1, -2]
    assert snapshot.prices == ()


async def test_positions_come_from_all_pages(server: VenueServer, source: BybitSource) -> None:
    """A snapshot asks for page after page until the venue says that there is no more."""

    def pages(asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("settleCoin") != "USDT":
            return page()
        if "cursor" not in asked:
            return page(position("BTCUSDT", "Buy", "1"), cursor="next%3A1")
        assert asked["cursor"] == "next:1"  # the venue's own text, decoded once by the server
        return page(position("ETHUSDT", "Sell", "3"))

    server.replies[POSITIONS] = pages
    snapshot = await source.snapshot()
    assert [position.instrument for position in snapshot.positions] == ["bybit:BTCUSDT", "bybit:ETHUSDT"]


@pytest.mark.parametrize(
    "second",
    [
        web.Response(status=502, text="bad gateway"),
        fault(10016, "system error"),
        page(position("BTCUSDT", "Buy", "1")),
        page(position("ETHUSDT", "Buy", "NaN")),
        page(position("ETHUSDT", "Buy", "1", avgPrice="")),
        {"retCode": 0, "retMsg": "OK", "result": {"list": "none"}, "time": TIME_MS},
    ],
    ids=["502", "system error", "a leg twice", "no number", "no entry price", "another shape"],
)
async def test_half_a_snapshot_is_none(server: VenueServer, source: BybitSource, second: Any) -> None:
    """A second page that fails, contradicts the first or can't be read costs the whole snapshot."""

    def pages(asked: dict[str, Any]) -> Any:
        if asked.get("settleCoin") != "USDT":
            return page()
        return second if "cursor" in asked else page(position("BTCUSDT", "Buy", "1"), cursor="1")

    server.replies[POSITIONS] = pages
    with pytest.raises(VenueUnavailable):
        await source.snapshot()


async def test_pages_that_do_not_end_are_refused(server: VenueServer, source: BybitSource) -> None:
    """A cursor that leads to itself is an error of the venue, not a loop of ours."""
    server.replies[POSITIONS] = page(position("BTCUSDT", "Buy", "1"), cursor="again")
    with pytest.raises(VenueUnavailable, match="do not end"):
        await source.snapshot()


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({"marginMode": "PORTFOLIO_MARGIN", "unifiedMarginStatus": 5}, "PORTFOLIO_MARGIN"),
        ({"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 1}, "unifiedMarginStatus 1"),
        ({"marginMode": "NEW_MARGIN", "unifiedMarginStatus": 6}, "NEW_MARGIN"),
    ],
)
async def test_a_mode_that_no_model_covers_is_named(
    server: VenueServer, source: BybitSource, info: dict[str, Any], named: str
) -> None:
    """Portfolio margin, classic accounts and unknown modes are refused by name, with the page to read."""
    server.replies["/v5/account/info"] = ok(info)
    for reading in (source.check_key, source.snapshot, source.private_stream):
        with pytest.raises(UnsupportedMode, match=named) as refused:
            await reading()
        assert "docs v5" in str(refused.value)


@pytest.mark.parametrize("category", ["inverse", "option"])
async def test_inverse_contracts_and_options_are_named(
    server: VenueServer, source: BybitSource, category: str
) -> None:
    """An account that holds what is not assessed is refused by name, not assessed in part."""
    server.replies[POSITIONS] = lambda asked: (
        page(position("BTCUSD", "Sell", "100")) if asked["category"] == category else page()
    )
    with pytest.raises(UnsupportedMode, match=f"{category} position BTCUSD"):
        await source.snapshot()


async def test_a_key_that_may_trade_is_refused_by_its_scopes(
    server: VenueServer, source: BybitSource
) -> None:
    """readOnly 0 is refused, and the text names what the key may do but not the key."""
    rights = {"ContractTrade": ["Order", "Position"], "Wallet": ["Withdraw"], "Options": [], "NFT": None}
    server.replies["/v5/user/query-api"] = ok({"readOnly": 0, "permissions": rights, "apiKey": KEY})
    with pytest.raises(KeyRefused) as refused:
        await source.check_key()
    assert "ContractTrade (Order, Position); Wallet (Withdraw)" in str(refused.value)
    assert KEY not in str(refused.value)


async def test_a_read_only_key_is_taken(source: BybitSource) -> None:
    """readOnly 1 is what we ask for, whatever else the key lists."""
    await source.check_key()


@pytest.mark.parametrize("code", [10003, 10004, 10005, 10007, 10010, 33004])
async def test_a_key_that_the_venue_refuses_is_refused(
    server: VenueServer, source: BybitSource, code: int
) -> None:
    """Unknown, expired or foreign keys are told apart from a venue that is down, without a secret."""
    server.replies["/v5/account/info"] = fault(code, f"{KEY} {SECRET_TEXT}")
    with pytest.raises(KeyRefused, match=str(code)) as refused:
        await source.snapshot()
    assert KEY not in str(refused.value)
    assert SECRET_TEXT not in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "pause_s"),
    [
        (fault(10006), 5.0),
        (fault(10018), 600.0),
        (web.Response(status=403, text="access too frequent"), 600.0),
        (web.Response(status=429, headers={"Retry-After": "7"}, text="slow down"), 7.0),
    ],
    ids=["10006", "10018", "403", "429"],
)
async def test_a_rate_limit_stops_every_call(
    server: VenueServer, source: BybitSource, given: Given, reply: Any, pause_s: float
) -> None:
    """After a limit nothing is sent to the venue by any account until the pause is over."""
    server.replies["/v5/account/info"] = lambda _: reply
    with pytest.raises(RateLimited) as limited:
        await source.snapshot()
    assert limited.value.retry_after_s == pause_s
    asked = len(server.asked)
    with pytest.raises(RateLimited):
        await source.snapshot()
    other = SPEC.source(account_at("bybit", server.url), given.clock, given.metrics, given.gate)
    with pytest.raises(RateLimited):
        await other.snapshot()
    await other.close()
    assert len(server.asked) == asked


async def test_a_wrong_clock_is_corrected_by_the_venues(server: VenueServer) -> None:
    """A refused timestamp makes us ask for the time, and the next request is right."""
    given = Given(manual=True)
    clock = given.clock
    assert isinstance(clock, ManualClock)
    skew_ms = 25_000
    stamps: list[int] = []
    server.replies["/v5/market/time"] = lambda _: ok({}, clock.wall_ns() // 1_000_000 + skew_ms)

    def checked(_: dict[str, Any]) -> Any:
        stamps.append(int(server.headers[-1]["X-BAPI-TIMESTAMP"]))
        is_right = abs(stamps[-1] - clock.wall_ns() // 1_000_000 - skew_ms) < 1_000
        return ok({"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5}) if is_right else fault(10002)

    server.replies["/v5/account/info"] = checked
    source = SPEC.source(account_at("bybit", server.url), clock, given.metrics, given.gate)
    await source.snapshot()
    await source.close()
    assert len(stamps) == 2
    assert given.metrics.clock_offset.labels("bybit")._value.get() == pytest.approx(25.0)


async def test_a_second_endpoint_confirms(server: VenueServer, source: BybitSource) -> None:
    """`confirmed` is set when the asset endpoint knows the same coins, and the wallet's margins agree."""
    assert (await source.snapshot(confirm=True)).confirmed


async def test_a_lie_of_one_endpoint_is_not_confirmed(server: VenueServer, source: BybitSource) -> None:
    """Zero balances and empty positions are believed of no single endpoint."""
    server.replies[WALLET] = wallet(coin("USDT", "0", "0", "0"))
    server.replies[POSITIONS] = page()
    assert not (await source.snapshot(confirm=True)).confirmed
    server.replies = replies() | {POSITIONS: page()}
    assert not (await source.snapshot(confirm=True)).confirmed


async def test_a_key_that_may_not_read_assets_confirms_nothing(
    server: VenueServer, source: BybitSource
) -> None:
    """Without the second endpoint the snapshot is as good as before, and unconfirmed."""
    server.replies["/v5/asset/transfer/query-account-coins-balance"] = fault(10005)
    snapshot = await source.snapshot(confirm=True)
    assert snapshot.positions
    assert not snapshot.confirmed


async def test_upper_bounds_become_floors(source: BybitSource) -> None:
    """Risk limits are upper bounds of notional; as floors they are continuous, and rates are fractions."""
    (contract_,) = (await source.instruments()).instruments
    rows: list[tuple[object, ...]] = [
        (t.floor, t.maintenance_rate, t.initial_rate, t.deduction) for t in contract_.tiers.tiers
    ]
    assert rows == [
        (0, Decimal("0.005"), Decimal("0.01"), 0),
        (2_000_000, Decimal("0.0056"), Decimal("0.0111"), 1200),
        (2_600_000, Decimal("0.0062"), Decimal("0.0125"), 2760),
    ]
    assert (contract_.underlying, contract_.settle_asset, contract_.taker_fee) == (
        "BTC",
        "USDT",
        Decimal("0.0004"),
    )
    assert (contract_.price_digits, contract_.quantity_digits) == (1, 3)


async def test_rates_in_per_cent_are_told_by_the_leverage(server: VenueServer, source: BybitSource) -> None:
    """0.5 with leverage 100 is half a per cent, not half: initial rate x leverage says which is meant."""
    server.replies["/v5/market/risk-limit"] = page(limit("BTCUSDT", "2000000", "0.5", "1", "100.00", ""))
    (contract_,) = (await source.instruments()).instruments
    assert contract_.tiers.tiers[0].maintenance_rate == Decimal("0.005")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [limit("BTCUSDT", "2000000", "0.005", "0.3", "100.00", "")],
        [limit("BTCUSDT", "2000000", "NaN", "0.01", "100.00", "")],
        [
            limit("BTCUSDT", "2000000", "0.005", "0.01", "100.00", ""),
            limit("BTCUSDT", "2600000", "0.0056", "0.0111", "90.00", "9999"),
        ],
        [
            limit("BTCUSDT", "2000000", "0.005", "0.01", "100.00", ""),
            limit("BTCUSDT", "2600000", "0.004", "0.0111", "90.00", ""),
        ],
    ],
    ids=["none", "scale unclear", "no number", "jump", "falls"],
)
async def test_a_table_that_makes_no_sense_costs_its_contract_only(
    server: VenueServer, source: BybitSource, rows: list[dict[str, Any]]
) -> None:
    """A contract whose tiers are missing, unclear or not continuous is left out; the others stay."""
    eth = limit("ETHUSDT", "1000000", "0.005", "0.01", "100", "")
    server.replies["/v5/market/instruments-info"] = page(contract("BTCUSDT"), contract("ETHUSDT"))
    server.replies["/v5/market/risk-limit"] = page(*rows, eth)
    found = (await source.instruments()).instruments
    assert [contract_.id for contract_ in found] == ["bybit:ETHUSDT"]


async def test_dated_and_usdc_contracts_are_defined(server: VenueServer, source: BybitSource) -> None:
    """Futures with a date and contracts settled in USDC are linear too; an inverse one is not."""
    server.replies["/v5/market/instruments-info"] = page(
        contract("BTCUSDT-25DEC26", contractType="LinearFutures", baseCoin="BTC"),
        contract("BTCPERP", settleCoin="USDC", quoteCoin="USDC"),
        contract("BTCUSD", contractType="InversePerpetual", settleCoin="BTC"),
    )
    names = ("BTCUSDT-25DEC26", "BTCPERP", "BTCUSD")
    server.replies["/v5/market/risk-limit"] = page(
        *(limit(name, "2000000", "0.005", "0.01", "100", "") for name in names)
    )
    found = (await source.instruments()).instruments
    assert [(c.id, c.settle_asset) for c in found] == [
        ("bybit:BTCUSDT-25DEC26", "USDT"),
        ("bybit:BTCPERP", "USDC"),
    ]


async def test_collateral_ratios_fall_and_stay_continuous(server: VenueServer, source: BybitSource) -> None:
    """The value of a coin counts slice by slice: 250 BTC are 100 at 0.95, 100 at 0.9, 50 at nothing."""
    assets = {asset.asset: asset for asset in (await source.instruments()).assets}
    schedule = assets["BTC"].tiers
    assert schedule is not None
    counted = [tier for tier in schedule.tiers if tier.floor <= 250][-1]
    assert 250 * counted.maintenance_rate - counted.deduction == 100 * Decimal("0.95") + 100 * Decimal("0.9")
    assert (assets["BTC"].underlying, assets["USDT"].underlying) == ("BTC", "")


@pytest.mark.parametrize(
    "steps",
    [
        [("1", "", "0.9")],
        [("0", "10", "0.9"), ("10", "", "0.95")],
        [("0", "10", "1.2")],
        [("0", "10", "0.9"), ("0", "", "0.8")],
        [("0", "", "")],
    ],
    ids=["starts late", "rises", "above one", "floor twice", "empty"],
)
async def test_ratios_that_make_no_sense_cost_their_coin_only(
    server: VenueServer, source: BybitSource, steps: list[tuple[str, str, str]]
) -> None:
    """A coin whose ratios contradict themselves does not count as collateral."""
    listed = [ratios("BTC", *steps), ratios("USDT", ("0", "", "1"))]
    server.replies["/v5/spot-margin-trade/collateral"] = ok({"list": listed})
    assert [asset.asset for asset in (await source.instruments()).assets] == ["USDT"]
    owed = BalanceFact("unified", "BTC", Decimal("0.5"), borrowed=Decimal("0.2001"), collateral=False)
    assert owed in (await source.snapshot()).balances


async def test_the_private_stream_signs_in_for_each_connection(source: BybitSource) -> None:
    """The signature is that of GET/realtime and its expiry, and the address of the stream holds no secret."""
    stream = await source.private_stream()
    auth, subscribe = (json.loads(frame) for frame in stream.subscribe)
    key, expires_ms, signature = auth["args"]
    expected = hmac.new(SECRET_TEXT.encode(), f"GET/realtime{expires_ms}".encode(), hashlib.sha256)
    assert (auth["op"], key, signature) == ("auth", KEY, expected.hexdigest())
    assert subscribe == {"op": "subscribe", "args": ["wallet", "position"]}
    assert stream.url.endswith("/v5/private")
    assert (stream.heartbeat, stream.heartbeat_every_s) == ('{"op":"ping"}', 20.0)


def test_public_streams_ask_for_what_is_held() -> None:
    """One frame a contract, so that more can be asked for later; USD prices of common collateral beside."""
    account = account_at("bybit", "http://127.0.0.1:1")
    assert SPEC.public_streams(account, []) == ()
    linear, spot = SPEC.public_streams(account, [BTCUSDT, InstrumentId("bybit:ETHPERP")])
    assert linear.subscribe == (
        '{"op":"subscribe","args":["tickers.BTCUSDT"]}',
        '{"op":"subscribe","args":["tickers.ETHPERP"]}',
    )
    assert linear.url.endswith("/v5/public/linear")
    assert (linear.carries_marks, spot.carries_marks) == (True, False)
    frame = {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": TIME_MS, "data": {"symbol": "BTCUSDT"}}
    frame["data"] = {"symbol": "BTCUSDT", "usdIndexPrice": "63950.5"}
    (price,) = events_of(spot.codec.decode(json.dumps(frame), 1))
    assert isinstance(price, AssetPrice)
    assert (price.asset, price.index) == ("BTC", 63950.5)
