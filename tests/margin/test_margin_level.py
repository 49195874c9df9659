"""Binance spot margin by margin level: what counts, what doesn't, and where a level liquidates."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.band import LIQUIDATION, next_band
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, margin_ratio_of, venue_figure
from tests.support.small_books import moves_of, requirement
from tests.support.small_draws import VALUE_RATIOS
from tests.support.small_market import Coin, Line, SmallPool

SAYS = MODELS["margin_level"].says
CROSS, ISOLATED = Decimal("1.1"), Decimal("1.05")
RATIOS = (0.5, 0.7, 0.85, 1.0)
BTC, USDT = Coin("BTC", Decimal(50_000), "BTC"), Coin("USDT")
rngs = st.integers(0, 2**48).map(Random)


def account(
    btc: object, usdt: object, btc_owed: object = 0, usdt_owed: object = 0, threshold: Decimal = CROSS
) -> SmallPool:
    """Two coins, held and owed."""
    first = Line(BTC, Decimal(str(btc)), borrowed=Decimal(str(btc_owed)))
    second = Line(USDT, Decimal(str(usdt)), borrowed=Decimal(str(usdt_owed)))
    return SmallPool("margin_level", (first, second), threshold=threshold)


def level(pool: SmallPool) -> float:
    """The venue's margin level."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin, float(pool.threshold))


def band(pool: SmallPool) -> int:
    """The band of a pool that was clear, by ratio."""
    found = requirement(pool)
    return next_band(0, found.maintenance_margin, found.equity, 0, RATIOS, RATIOS)


@given(rng=rngs)
def test_the_level_is_assets_over_debts_whatever_the_threshold(rng: Random) -> None:
    """Total assets / (liabilities + interest); where it liquidates does not change what the venue shows."""
    btc, usdt, owed = (Decimal(rng.randint(1, 10**9)) / 1000 for _ in range(3))
    expected = float((btc * 50_000 + usdt) / owed)
    for threshold in (CROSS, ISOLATED, Decimal("1.18")):
        pool = account(btc, usdt, usdt_owed=owed, threshold=threshold)
        found = requirement(pool)
        assert level(pool) == pytest.approx(expected, rel=1e-12)
        ours = margin_ratio_of(SAYS, level(pool), float(threshold))
        assert ours == pytest.approx(found.maintenance_margin / found.equity, rel=1e-12)


@pytest.mark.parametrize("threshold", ["1.1", "1.05", "1.18"])
def test_a_level_just_at_the_threshold_is_liquidated(threshold: str) -> None:
    """At or below it: equality liquidates, a hair above does not."""
    at, above = (
        account(0, Decimal(threshold) * 1024 + more, usdt_owed=1024, threshold=Decimal(threshold))
        for more in (0, Decimal("1e-9"))
    )
    found = requirement(at)
    assert band(at) == LIQUIDATION
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin)
    found = requirement(above)
    assert band(above) == LIQUIDATION - 1
    assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_an_isolated_pair_dies_where_its_own_level_says() -> None:
    """The same holdings under the two thresholds: each dies at debt x threshold / coins, and not before."""
    for threshold in (CROSS, ISOLATED):
        lower, upper = moves_of(account(1, 0, usdt_owed=40_000, threshold=threshold))["BTC"]
        assert lower * 50_000 == pytest.approx(40_000 * float(threshold), rel=1e-11)
        assert math.isnan(upper)


def test_a_short_dies_of_a_rise_and_a_hedged_debt_of_nothing() -> None:
    """Who owes coins dies above assets / (coins x threshold); who holds as many of them as are owed, at no
    price where the rest is enough."""
    lower, upper = moves_of(account(0, 60_000, btc_owed=1))["BTC"]
    assert math.isnan(lower)
    assert upper * 50_000 == pytest.approx(60_000 / 1.1, rel=1e-11)
    lower, upper = moves_of(account("1.2", 100, btc_owed=1))["BTC"]
    assert math.isnan(lower)
    assert math.isnan(upper)


def test_haircuts_and_open_orders_are_in_another_figure() -> None:
    """The collateral margin level has them; this one takes every asset in full."""
    plain = account(1, 10, usdt_owed=30_000)
    cut = replace(
        plain.lines[0], coin=replace(BTC, tiers=VALUE_RATIOS), order_loss=Decimal("0.1"), collateral=False
    )
    assert requirement(replace(plain, lines=(cut, plain.lines[1]))) == requirement(plain)


def test_interest_counts_as_debt() -> None:
    """What has accrued is in the denominator."""
    assert level(account(1, 0, usdt_owed=40_000)) == pytest.approx(1.25)
    assert level(account(1, 0, usdt_owed="40000.4")) == pytest.approx(50_000 / 40_000.4)


def test_without_a_debt_there_is_no_level() -> None:
    """Nothing owed: nothing is required, the venue has no figure, the pool is clear, whatever is held."""
    for pool in (account(1, 5), account(0, 0)):
        assert requirement(pool).maintenance_margin == 0
        assert math.isnan(level(pool))
        assert band(pool) == 0


def test_a_debt_without_assets_is_liquidation() -> None:
    """Nothing held and something owed, down to dust: the last band, no crash."""
    for owed in ("1e-8", "1", "1e8"):
        pool = account(0, 0, usdt_owed=owed)
        assert band(pool) == LIQUIDATION
        assert level(pool) == 0


def test_the_unit_is_that_of_the_prices() -> None:
    """In BTC, as the venue counts, the level is the one in USDT."""
    in_btc = SmallPool(
        "margin_level",
        (
            Line(Coin("BTC"), Decimal(2)),
            Line(Coin("USDT", Decimal(1) / 50_000, "USDT"), Decimal(0), borrowed=Decimal(40_000)),
        ),
        threshold=CROSS,
    )
    assert level(in_btc) == pytest.approx(level(account(2, 0, usdt_owed=40_000)), rel=1e-12)
    assert requirement(in_btc).equity == 2
