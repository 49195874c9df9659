from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from adapters.bybit.rest import BybitSource
from adapters.venue import UnsupportedMode, VenueUnavailable
from monitor.domain.event import AccountDelta, BalanceFact, PositionFact
from monitor.domain.identity import InstrumentId
from tests.support.bybit_answers import (
    TIME_MS,
    coin,
    fault,
    ok,
    page,
    position,
    replies,
    wallet,
)
from tests.support.frames import events_of
from tests.support.venue_server import VenueServer

pytestmark = pytest.mark.integration

BTCUSDT = InstrumentId("bybit:BTCUSDT")
POSITIONS = "/v5/position/list"
WALLET = "/v5/account/wallet-balance"


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
