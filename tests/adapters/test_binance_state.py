from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.binance_usdm.answers import (
    AccountInfo,
    AssetIndex,
    Balance,
    PositionRisk,
)
from adapters.binance_usdm.layout import Layout
from adapters.binance_usdm.rest import nothing_told
from adapters.binance_usdm.state import (
    Reading,
    account_snapshot,
    agree,
    check_one_epoch,
    snapshot_version,
)
from adapters.venue import UnsupportedMode, VenueUnavailable
from monitor.domain.event import AccountSnapshot
from monitor.domain.identity import AccountId

ACCOUNT = AccountId("binance_usdm/desk")
SECOND = 1_000_000_000
SERVER_NS = 1_780_000_000 * SECOND
LEVERAGES = {"BTCUSDT": Decimal(10), "ETHUSDT": Decimal(20), "BTCUSDC": Decimal(5)}


def risk(symbol: str = "BTCUSDT", **changed: Any) -> PositionRisk:
    """A cross long of 0.5 BTC at 64,000, mark 64,100."""
    row = {
        "symbol": symbol,
        "positionSide": "BOTH",
        "positionAmt": "0.500",
        "entryPrice": "64000",
        "markPrice": "64100.00000000",
        "unRealizedProfit": "50",
        "liquidationPrice": "44000.5",
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "marginAsset": symbol[-4:],
        "initialMargin": "3205",
        "maintMargin": "128.2",
        "updateTime": 1_779_999_990_000,
    }
    return msgspec.convert({**row, **changed}, PositionRisk)


def info(*assets: tuple[str, str, str], positions: list[dict[str, Any]] | None = None) -> AccountInfo:
    """Assets as (name, wallet, cross wallet)."""
    rows = [
        {
            "asset": name,
            "walletBalance": wallet,
            "crossWalletBalance": cross,
            "crossUnPnl": "0",
            "updateTime": 1_779_999_980_000,
        }
        for name, wallet, cross in assets
    ]
    totals = {"totalInitialMargin": "3205", "totalMaintMargin": "130", "totalMarginBalance": "10050"}
    return msgspec.convert({**totals, "assets": rows, "positions": positions or []}, AccountInfo)


def snapshot(
    figures: AccountInfo, *risks: PositionRisk, layout: Layout | None = None, **changed: Any
) -> AccountSnapshot:
    """The snapshot of these answers."""
    reading = Reading(figures, risks, SERVER_NS, **changed)
    return account_snapshot(ACCOUNT, reading, layout or Layout(), LEVERAGES, 5)


def test_each_margin_asset_with_money_or_positions_is_a_cross_pool() -> None:
    """Cross USDT and cross USDC are liquidated apart, an asset with nothing is no pool."""
    made = snapshot(
        info(("USDT", "10000", "10000"), ("USDC", "0", "0"), ("BNB", "0", "0")),
        risk(),
        risk("BTCUSDC", positionAmt="-1"),
    )
    assert {pool.pool: (pool.model, pool.unit) for pool in made.pools} == {
        "cross-USDT": ("tiered", "USDT"),
        "cross-USDC": ("tiered", "USDC"),
    }
    assert {(fact.pool, fact.asset): fact.wallet for fact in made.balances} == {
        ("cross-USDT", "USDT"): 10_000,
        ("cross-USDC", "USDC"): 0,
    }
    assert [(p.pool, p.quantity, p.leverage) for p in made.positions] == [
        ("cross-USDT", Decimal("0.500"), Decimal(10)),
        ("cross-USDC", Decimal(-1), Decimal(5)),
    ]
    assert made.marks == {"binance_usdm:BTCUSDT": 64_100.0, "binance_usdm:BTCUSDC": 64_100.0}
    assert made.venue_ns == SERVER_NS and not made.confirmed


def test_the_venues_figures_of_a_pool_leave_isolated_positions_out() -> None:
    """The venue adds cross and isolated margins together; a pool is compared with its own positions."""
    made = snapshot(
        info(("USDT", "11000", "10000")),
        risk(),
        risk("ETHUSDT", isolatedWallet="1000", isolatedMargin="1050", maintMargin="40", liquidationPrice="0"),
    )
    cross, isolated = made.pools[1].reported, made.pools[0].reported
    assert cross is not None and isolated is not None
    assert (cross.equity, cross.maintenance_margin, cross.initial_margin) == (10_050.0, 128.2, 3_205.0)
    assert cross.ratio == pytest.approx(128.2 / 10_050)
    assert cross.liquidation_prices == {"binance_usdm:BTCUSDT": 44_000.5}
    assert (isolated.equity, isolated.maintenance_margin) == (1_050.0, 40.0)
    assert isolated.liquidation_prices == {}


@pytest.mark.parametrize(
    ("wallet", "margin", "expected"), [("1000", "1050", "1000"), ("0", "1050", "1000"), ("1000", "0", "1000")]
)
def test_an_isolated_wallet_has_no_unrealised_profit_in_it(wallet: str, margin: str, expected: str) -> None:
    """isolatedMargin contains the profit; where isolatedWallet is not told it is taken out."""
    made = snapshot(info(), risk(isolatedWallet=wallet, isolatedMargin=margin, unRealizedProfit="50"))
    assert [pool.pool for pool in made.pools] == ["isolated-BTCUSDT"]
    assert made.balances[0].wallet == Decimal(expected)


def test_hedge_legs_are_two_positions_and_isolated_ones_two_pools() -> None:
    """In hedge mode each isolated leg has its own wallet; the side is in the key and in the pool's name."""
    legs = [
        risk(positionSide="LONG", isolatedWallet="10", isolatedMargin="60"),
        risk(positionSide="SHORT", positionAmt="-0.2", isolatedWallet="20", isolatedMargin="70"),
    ]
    made = snapshot(info(), *legs)
    assert [(fact.pool, fact.side) for fact in made.positions] == [
        ("isolated-BTCUSDT-long", "long"),
        ("isolated-BTCUSDT-short", "short"),
    ]
    reported = made.pools[0].reported
    assert reported is not None and reported.liquidation_prices == {"binance_usdm:BTCUSDT/long": 44_000.5}
    cross = snapshot(info(("USDT", "1", "1")), risk(positionSide="LONG"), risk(positionSide="SHORT"))
    assert [pool.pool for pool in cross.pools] == ["cross-USDT"]
    assert cross.pools[0].reported is not None
    assert set(cross.pools[0].reported.liquidation_prices) == {
        "binance_usdm:BTCUSDT/long",
        "binance_usdm:BTCUSDT/short",
    }


def test_closed_positions_are_left_out() -> None:
    """A row of amount 0 is no position."""
    made = snapshot(info(("USDT", "1", "1")), risk(positionAmt="0.000"))
    assert made.positions == () and made.marks == {}


def test_multi_assets_mode_is_one_pool_with_the_totals_of_the_venue() -> None:
    """All assets back all positions, in USD, at the prices that the venue values them at."""
    index = AssetIndex("BTCUSD", 1_780_000_000_000, "64000", "0.05", "0.05")
    made = snapshot(
        info(("USDT", "10000", "10000"), ("BTC", "0.5", "0.5"), ("BNB", "0", "0")),
        risk(),
        risk("BTCUSDC"),
        layout=Layout(multi_assets=True),
        indexes=(index, AssetIndex("NOPE", 1, "1", "0", "0"), AssetIndex("XUSD", 1, "0", "0", "0")),
    )
    (pool,) = made.pools
    assert (pool.pool, pool.model, pool.unit) == ("multi-assets", "multi_assets", "USD")
    assert pool.reported is not None and pool.reported.maintenance_margin == 130.0
    assert pool.reported.equity == 10_050.0
    assert {fact.asset for fact in made.balances} == {"USDT", "BTC"}
    assert {fact.pool for fact in made.positions} == {"multi-assets"}
    assert [(price.asset, price.index, price.bid_buffer) for price in made.prices] == [
        ("BTC", 64_000.0, 0.05)
    ]


def test_an_isolated_position_in_multi_assets_mode_is_unsupported() -> None:
    """The venue says that the two exclude each other: seen together, no figure is made of them."""
    with pytest.raises(UnsupportedMode, match="BTCUSDT"):
        snapshot(info(), risk(isolatedWallet="5"), layout=Layout(multi_assets=True))


def test_two_endpoints_have_to_tell_the_same_positions() -> None:
    """Account and positionRisk of different moments are never mixed."""
    held = [{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "0.5"}]
    flat = [{"symbol": "ETHUSDT", "positionSide": "BOTH", "positionAmt": "0"}]
    check_one_epoch(info(positions=[*held, *flat]), [risk()])
    check_one_epoch(info(positions=flat), [])
    for figures, risks in (
        (info(positions=held), []),
        (info(), [risk()]),
        (info(positions=held), [risk(positionAmt="1")]),
    ):
        with pytest.raises(VenueUnavailable):
            check_one_epoch(figures, risks)


def test_confirmed_means_that_the_balance_endpoint_agrees() -> None:
    """Same wallets, or left out where they are 0; one figure apart is no confirmation."""
    figures = info(("USDT", "11000", "10000"), ("BNB", "0", "0"))
    same = (Balance("USDT", Decimal("11000.00"), Decimal(10_000)),)
    assert agree(figures, same)
    assert snapshot(figures, balances=same).confirmed
    assert not agree(figures, ())
    assert not agree(figures, (*same, Balance("BTC", Decimal(1), Decimal(1))))
    assert not snapshot(figures, balances=(Balance("USDT", Decimal(11_000), Decimal(9_999)),)).confirmed
    assert not snapshot(figures).confirmed


def test_an_answer_that_tells_nothing_at_all_is_handed_on_as_nothing() -> None:
    """Where one endpoint lost everything the book gets the emptier answer, to doubt it, not a mixture."""
    reading = Reading(info(("USDT", "1", "1")), (risk(),), SERVER_NS, balances=())
    made = account_snapshot(ACCOUNT, nothing_told(reading), Layout(), LEVERAGES, 5)
    assert not (made.pools or made.balances or made.positions or made.confirmed)


@pytest.mark.parametrize(
    ("told_s", "expected_s"),
    [
        (0, 0),  # the stream told nothing
        (-20, 0),  # older than the reading's newest figure
        (-5, -10),  # the reading has nothing so new: it is only as new as its newest figure
        (-40, 0),  # long ago: the reading is believed
        (+2, 0),  # after the reading began: that fact wins by its own time
    ],
)
def test_a_reading_that_lags_behind_the_stream_does_not_override_it(told_s: int, expected_s: int) -> None:
    """A snapshot's version is the venue's clock before it, unless its own times show that it is older."""
    figures = info(
        ("USDT", "1", "1"),
        positions=[
            {
                "symbol": "BTCUSDT",
                "positionSide": "BOTH",
                "positionAmt": "1",
                "updateTime": 1_779_999_990_000,
            }
        ],
    )
    told_ns = SERVER_NS + told_s * SECOND if told_s else 0
    assert snapshot_version(Reading(figures, (), SERVER_NS), told_ns) == SERVER_NS + expected_s * SECOND


def test_a_side_that_nobody_knows_is_unsupported() -> None:
    """A position side of a later year is named, not guessed."""
    with pytest.raises(UnsupportedMode, match="DIAGONAL"):
        snapshot(info(), risk(positionSide="DIAGONAL"))
