"""Hyperliquid's own arithmetic against prices that the venue told."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.loopback import standard_world
from adapters.loopback.hyperliquid.catalog import brackets_of, read_catalog
from adapters.loopback.hyperliquid.figures import figures_of
from adapters.loopback.hyperliquid.margin import liquidation_price, maintenance

D = Decimal
VENUE = "hyperliquid"

# Real isolated positions, as freqtrade's test_hyperliquid.py (3b1fb5a) has them from the exchange:
# signed size, price, isolated margin, the coin's highest leverage, liquidation price.
TOLD = [
    ("0.00039", "63287", "24.673292", 50, "22.37166537"),
    ("0.16", "146.82", "23.482979", 20, "0.05269872"),
    ("0.33", "145.83", "24.045107", 20, "74.83696193"),
    ("0.0199", "2459.5", "24.454895", 50, "1243.0411908"),
    ("-351", "0.14333", "25.136807", 20, "0.20970228"),
    ("-0.00069", "68595", "23.64871", 50, "101849.99354283"),
    ("0.0015", "66930", "20.043862", 50, "54108.51043771"),
    ("-0.33", "173.08", "19.01881", 20, "225.08561715"),
    ("360", "0.13284", "15.943218", 20, "0.09082388"),
    ("0.5", "250", "25", 10, "210.5263157894737"),
    ("-0.5", "190", "9.5", 10, "199.04761904761904"),
]


@pytest.mark.parametrize(("size", "price", "margin", "leverage", "told"), TOLD)
def test_isolated_prices_are_those_that_the_venue_told(
    size: str, price: str, margin: str, leverage: int, told: str
) -> None:
    """price - side x margin available / size / (1 - l x side), l being half of 1 / the highest leverage."""
    brackets = brackets_of(((D(0), D(leverage)),))
    room = D(margin) - maintenance(abs(D(size)) * D(price), brackets)
    found = liquidation_price(D(size), D(price), room, brackets)
    assert found is not None
    assert abs(found / D(told) - 1) < D("0.0001")


def test_a_documented_state_reads_back() -> None:
    """2 HYPE, cash -68.126246: the API told marginUsed 7.525754 and liquidation at 35.8559189474."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDC", "75.781884")
    world.set_position(account, "HYPE", 2, "37.829", leverage=10, isolated_wallet="7.531754")
    world.set_mark("HYPE", "37.826", venue=VENUE)
    figures = figures_of(world, account, "")
    (leg,) = figures.legs
    assert (leg.raw_usd, leg.margin_used) == (D("-68.126246"), D("7.525754"))
    assert (figures.cross_value, figures.cross_maintenance) == (D("75.781884"), D(0))
    assert leg.liquidation_price is not None
    assert abs(leg.liquidation_price - D("35.8559189474")) < D("1e-10")


def test_tiers_are_the_documented_ones() -> None:
    """BTC above 150 M has 2.5 % less 1,875,000; ETH above 100 M deducts 1,333,333.33; nothing jumps."""
    coins = read_catalog().coins
    btc, eth = brackets_of(coins["BTC"].tiers), brackets_of(coins["ETH"].tiers)
    assert (btc[1].rate, btc[1].deduction) == (D("0.025"), D("1875000"))
    assert abs(eth[1].deduction - D("1333333.333333")) < D("1e-6")
    for row in coins.values():
        for below, above in pairwise(brackets_of(row.tiers)):
            jump = above.floor * (above.rate - below.rate) - (above.deduction - below.deduction)
            assert abs(jump) < D("1e-15")


def test_a_cross_price_is_where_value_meets_maintenance() -> None:
    """Two positions in one cross account, one of them past its first tier at the price."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDC", 30_000_000)
    world.set_position(account, "BTC", -1_500, 95_000, leverage=20)
    world.set_position(account, "SOL", 50_000, 170, leverage=10)
    btc = next(leg for leg in figures_of(world, account, "").legs if leg.position.symbol == "BTC")
    assert btc.liquidation_price is not None
    assert 1_500 * btc.liquidation_price > 150_000_000
    world.set_mark("BTC", btc.liquidation_price, venue=VENUE)
    there = figures_of(world, account, "")
    assert abs(there.cross_value - there.cross_maintenance) < 1_500 * D("0.1")  # a mark is on its grid


def test_each_dex_is_an_account_of_its_own() -> None:
    """A builder's dex has its own wallet and its own cross value."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDC", 1_000)
    world.set_wallet(account, "USDC:xyz", 200)
    world.set_position(account, "xyz:TSLA", 2, 350)
    main, builder = figures_of(world, account, ""), figures_of(world, account, "xyz")
    assert (main.cross_value, len(main.legs)) == (D(1_000), 0)
    assert (builder.cross_value, builder.cross_maintenance) == (D(200), D(35))
