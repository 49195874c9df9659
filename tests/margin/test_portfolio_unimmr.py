"""Binance Portfolio Margin: what counts in uniMMR, at which index, and where 1.05 liquidates."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.small_books import moves_of, price_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

SAYS = MODELS["portfolio_unimmr"].says
THRESHOLD = Decimal("1.05")
LOAN = tiers((0, "0.1"))  # at three times leverage
FLAT = tiers((0, "0.005"))
USDT = Coin("USDT")
rngs = st.integers(0, 2**48).map(Random)


def counted(rate: str, coin: Coin) -> Coin:
    """The coin at a collateral rate."""
    return replace(coin, tiers=tiers((0, rate)))


def coin(name: str, price: int) -> Coin:
    """A coin that counts in full and may be borrowed."""
    return Coin(name, Decimal(price), name, liability=LOAN)


def linear(name: str, mark: object, entry: object, quantity: object, underlying: str = "BTC") -> Leg:
    """A USD-M position."""
    contract = Contract(name, Decimal(str(mark)), FLAT, underlying=underlying)
    return Leg(contract, Decimal(str(quantity)), Decimal(str(entry)))


def inverse(name: str, mark: object, entry: object, usd: object) -> Leg:
    """A COIN-M position in contracts of 100 USD."""
    contract = Contract(name, Decimal(str(mark)), FLAT, "BTC", Decimal(100), inverse=True)
    return Leg(contract, Decimal(str(usd)) / 100, Decimal(str(entry)))


def account(*lines: Line, threshold: Decimal = THRESHOLD) -> SmallPool:
    """An account of these assets."""
    return SmallPool("portfolio_unimmr", lines, threshold=threshold)


def unimmr(pool: SmallPool) -> float:
    """The venue's figure."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin, float(pool.threshold))


PERP = linear("BTCUSDT_PERP", 40_000, 52_000, "-0.05")
QUARTER = linear("BTCUSDT_220624", 42_000, 52_350, "0.04")
COIN_PERP = inverse("BTCUSD_PERP", 40_000, 50_000, 10_000)


def test_the_components_of_the_venues_example() -> None:
    """Asset by asset, in its own unit: equity and margins as the page lists them (FAQ 5e33af8e)."""
    btc = Line(Coin("BTC", liability=LOAN), Decimal("0.2"), (COIN_PERP,), borrowed=Decimal("0.04"))
    found = requirement(account(btc, threshold=Decimal(1)))
    assert found.equity == pytest.approx(0.06 + 0.1 - 0.05)  # margin, wallet, profit of the contract
    assert found.maintenance_margin == pytest.approx(0.004 + 10_000 / 40_000 * 0.005)
    usdt = requirement(account(Line(USDT, Decimal(6_000), (PERP, QUARTER)), threshold=Decimal(1)))
    assert usdt.equity == pytest.approx(1_000 + 5_000 + 600 - 414)
    assert usdt.maintenance_margin == pytest.approx(0.05 * 40_000 * 0.005 + 0.04 * 42_000 * 0.005)
    eth = requirement(
        account(Line(Coin("ETH", liability=LOAN), Decimal(20), borrowed=Decimal(15)), threshold=Decimal(1))
    )
    assert eth.equity == 5
    assert eth.maintenance_margin == pytest.approx(1.5)


def test_assets_add_up_at_their_index_prices() -> None:
    """The three of the example in one account, in USD, each at its own index, not at a contract's mark."""
    btc = Line(coin("BTC", 41_000), Decimal("0.2"), (COIN_PERP,), borrowed=Decimal("0.04"))
    eth = Line(coin("ETH", 3_000), Decimal(20), borrowed=Decimal(15))
    pool = account(btc, eth, Line(USDT, Decimal(6_000), (PERP, QUARTER)))
    equity = 0.11 * 41_000 + 5 * 3_000 + 6_186
    maintenance = 0.00525 * 41_000 + 1.5 * 3_000 + 18.4
    assert unimmr(pool) == pytest.approx(equity / maintenance, rel=1e-12)


@pytest.mark.parametrize(("held", "owed", "expected"), [(3, 1, 1.6), (1, 3, -2), (2, 2, 0)])
def test_the_collateral_rate_is_on_the_net_and_only_where_it_is_positive(
    held: int, owed: int, expected: float
) -> None:
    """min(E x index x rate, E x index): what is owed of the same asset is taken off before the haircut."""
    line = Line(counted("0.8", Coin("BTC")), Decimal(held), borrowed=Decimal(owed))
    assert requirement(account(line)).equity == pytest.approx(expected)


def test_a_loss_of_futures_eats_the_asset_before_the_haircut() -> None:
    """Profit is part of the asset's equity: a gain is cut by the rate as coins are, a loss is not cut."""
    gain = Line(counted("0.9", USDT), Decimal(100), (linear("A", 150, 100, 1),))
    loss = Line(counted("0.9", USDT), Decimal(100), (linear("A", 50, 350, 1),))
    assert requirement(account(gain)).equity == pytest.approx(150 * 0.9)
    assert requirement(account(loss)).equity == pytest.approx(-200)


def test_open_loss_is_taken_off_in_full() -> None:
    """sum - open loss x index, after the collateral rate."""
    line = Line(counted("0.5", coin("BTC", 100)), Decimal(10), order_loss=Decimal(1))
    assert requirement(account(line)).equity == pytest.approx(500 - 100)


@pytest.mark.parametrize(("wallet", "is_due"), [("10.5", True), ("10.500000001", False)])
def test_just_at_the_threshold_it_is_liquidated(wallet: str, is_due: bool) -> None:
    """uniMMR of 1.05 liquidates, a hair more does not."""
    pool = account(Line(USDT, Decimal(wallet), (linear("A", 100, 100, 20),)))
    found = requirement(pool)
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is is_due
    assert unimmr(pool) == pytest.approx(1.05)


@given(rng=rngs)
def test_one_position_dies_at_the_closed_form_with_the_threshold_in_its_rate(rng: Random) -> None:
    """As on USD-M, with 1.05 times the rate: (wallet - s q entry) / (q x 1.05 x rate - s q)."""
    side, mark = rng.choice([1, -1]), round(10 ** rng.uniform(-2, 4), 6)
    size, entry = round(10 ** rng.uniform(1, 4) / mark, 6), round(mark * rng.uniform(0.8, 1.2), 6)
    wallet = round(size * mark * rng.uniform(0.3, 0.9), 6)
    pool = account(Line(USDT, Decimal(str(wallet)), (linear("A", mark, entry, side * size),)))
    found = requirement(pool)
    assume(found.maintenance_margin < 0.999 * found.equity)
    expected = (wallet - side * size * entry) / (size * 1.05 * 0.005 - side * size)
    assume(expected > mark * 2e-4)
    assert price_of(pool) == pytest.approx(expected, rel=1e-8)


def test_a_coin_its_loan_and_its_contracts_move_as_one() -> None:
    """A coin-margined short over coin collateral is flat in USD: no move of the coin liquidates it; beside a
    loan in the same coin a rise does."""
    covered = inverse("BTCUSD_PERP", 50_000, 50_000, -50_000)
    flat = account(Line(coin("BTC", 50_000), Decimal(1), (covered,)))
    assert moves_of(flat)["BTC"] == pytest.approx((math.nan, math.nan), nan_ok=True)
    short = account(Line(coin("BTC", 50_000), Decimal(0), borrowed=Decimal(1)), Line(USDT, Decimal(80_000)))
    lower, upper = moves_of(short)["BTC"]
    assert math.isnan(lower)
    assert upper * 50_000 == pytest.approx(80_000 / (1 + 0.1 * 1.05), rel=1e-11)


def test_no_position_and_no_loan_have_no_ratio() -> None:
    """Nothing is required of who only holds, solvent or not; the venue has no figure."""
    for wallet in (5, 0, -5):
        pool = account(Line(USDT, Decimal(wallet)))
        assert requirement(pool).maintenance_margin == 0
        assert math.isnan(unimmr(pool))


def test_a_loan_without_equity_is_liquidation() -> None:
    """What was borrowed and is gone leaves a requirement over less than nothing."""
    found = requirement(account(Line(coin("BTC", 50_000), Decimal(0), borrowed=Decimal("1e-8"))))
    assert found.maintenance_margin > 0 > found.equity
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin)
