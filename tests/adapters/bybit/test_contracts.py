from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.bybit.rest import BybitSource
from adapters.bybit.spec import SPEC
from monitor.domain.event import AssetPrice, BalanceFact
from monitor.domain.identity import InstrumentId
from tests.support.bybit_answers import (
    TIME_MS,
    contract,
    limit,
    ok,
    page,
    ratios,
)
from tests.support.frames import events_of
from tests.support.venue_server import VenueServer, account_at

BTCUSDT = InstrumentId("bybit:BTCUSDT")


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
