from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from adapters.binance_usdm.answers import (
    AssetIndex,
)
from adapters.binance_usdm.contracts import collateral_assets, contracts


def raw(row: dict[str, Any]) -> msgspec.Raw:
    """An entry as the answer has it."""
    return msgspec.Raw(msgspec.json.encode(row))


def symbol(name: str = "BTCUSDT", **changed: Any) -> msgspec.Raw:
    """A contract as exchangeInfo has it."""
    row = {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": name[:-4],
        "marginAsset": name[-4:],
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001"},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        ],
    }
    return raw({**row, **changed})


def brackets(name: str = "BTCUSDT", *rows: tuple[str, str, str, str], **more: Any) -> msgspec.Raw:
    """Brackets as (floor, rate, cum, leverage)."""
    rows = rows or (("0", "0.004", "0", "125"), ("300000", "0.005", "300", "100"))
    steps = [
        {"initialLeverage": lev, "notionalFloor": floor, "maintMarginRatio": rate, "cum": cum}
        for floor, rate, cum, lev in rows
    ]
    return raw({"symbol": name, "brackets": steps, **more})


def test_an_instrument_is_made_of_its_contract_and_its_brackets() -> None:
    """Digits come from tick and step, not from the precision fields; the deduction is the venue's cum."""
    (made,) = contracts([symbol()], [brackets()]).instruments
    assert made.id == "binance_usdm:BTCUSDT"
    assert (made.underlying, made.settle_asset, made.multiplier) == ("BTC", "USDT", Decimal(1))
    assert (made.price_digits, made.quantity_digits) == (1, 3)
    assert [tier.deduction for tier in made.tiers.tiers] == [0, 300]
    assert made.tiers.tiers[1].initial_rate == Decimal("0.01")


def test_a_schedule_that_no_venue_can_mean_refuses_its_instrument_by_name() -> None:
    """A jump, a missing floor, no brackets at all: that symbol is out with the reason, the others stay."""
    found = contracts(
        [symbol(), symbol("ETHUSDT"), symbol("SOLUSDT"), symbol("XRPUSDT"), symbol("ADAUSDT")],
        [
            brackets(),
            brackets("ETHUSDT", ("0", "0.004", "0", "125"), ("300000", "0.005", "900", "100")),
            brackets("SOLUSDT", ("1000", "0.004", "0", "125")),
            brackets("ADAUSDT", ("0", "NaN", "0", "125")),
        ],
    )
    assert [made.id for made in found.instruments] == ["binance_usdm:BTCUSDT"]
    assert set(found.refused) == {"ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT"}
    assert "jump" in found.refused["ETHUSDT"] and "no brackets" in found.refused["XRPUSDT"]


def test_an_entry_of_a_shape_that_nobody_foresaw_costs_that_symbol_only() -> None:
    """A new kind of contract in exchangeInfo is refused by name, and the other contracts are there."""
    found = contracts(
        [symbol(), raw({"symbol": "NEWUSDT", "kind": "lottery"}), raw({"symbol": 7}), symbol("ETHUSDT")],
        [brackets(), raw({"symbol": "ETHUSDT", "brackets": "soon"})],
    )
    assert [made.id for made in found.instruments] == ["binance_usdm:BTCUSDT"]
    assert set(found.refused) == {"NEWUSDT", "", "ETHUSDT"}
    assert "not understood" in found.refused["ETHUSDT"]


def test_brackets_of_one_account_are_named() -> None:
    """A coefficient says that the brackets are the account's own, though they are read for all."""
    found = contracts(
        [symbol(), symbol("ETHUSDT")], [brackets(notionalCoef=1.5), brackets("ETHUSDT", notionalCoef=1)]
    )
    assert found.own == ("BTCUSDT",) and len(found.instruments) == 2


def test_collateral_follows_its_coin_unless_it_is_a_currency() -> None:
    """A move of BTC moves BTC collateral; USDT has its own price and no coin."""
    rows = [AssetIndex(name, 1, "1", "0", "0") for name in ("BTCUSD", "USDTUSD", "BTCEUR", "USD")]
    made = collateral_assets(rows)
    assert [(asset.asset, asset.underlying) for asset in made] == [("BTC", "BTC"), ("USDT", "")]
