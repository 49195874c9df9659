"""Cross Margin Pro: haircuts on all that is held, marginal brackets on each debt, the loss of open orders."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Line, SmallPool, tiers

SAYS = MODELS["margin_pro"].says
HAIRS = [("-1e-9", True), ("0", True), ("1e-9", False)]


def ratio(floor: str, counted: str, deduction: str = "0") -> MarginTier:
    """One step of a collateral schedule; its deduction is negative, because ratios fall."""
    return MarginTier(Decimal(floor), Decimal(counted), Decimal(counted), Decimal(deduction))


# The venue's example: 100 % to 100 million USDT, 97.5 % to 120 million, 95 % beyond (FAQ
# 4bec9126c021472285b20874f9380dfb, first example).
RATIOS = (ratio("0", "1"), ratio("100e6", "0.975", "-2.5e6"), ratio("120e6", "0.95", "-5.5e6"))
BRACKETS = tiers((0, "0.05", "0.1112"), (50_000, "0.07", "0.1429"), (100_000, "0.08", "0.2"))
BTC = Coin("BTC", Decimal(20_000), "BTC", tiers=RATIOS, liability=BRACKETS)
USDT = Coin("USDT", liability=BRACKETS)


def account(*lines: Line) -> SmallPool:
    """An account of these coins."""
    return SmallPool("margin_pro", lines)


def line(coin: Coin, held: object, owed: object = 0, order_loss: object = 0) -> Line:
    """A coin, held and owed."""
    return Line(coin, Decimal(str(held)), (), Decimal(str(owed)), Decimal(str(order_loss)))


def test_the_venues_example_of_a_tiered_haircut() -> None:
    """6,000 BTC at 20,000 count 119.5 million: each slice of worth at its own ratio."""
    assert requirement(account(line(BTC, 6_000))).equity == pytest.approx(119_500_000, rel=1e-12)


@pytest.mark.parametrize(
    ("coins", "counted"), [(1, 20_000), (5_000, 100e6), (5_500, 109.75e6), (10_000, 195.5e6), (-1, -20_000)]
)
def test_a_haircut_bites_slice_by_slice_and_never_on_a_debt(coins: int, counted: float) -> None:
    """Whole below the first floor, less above it; less than nothing held counts in full."""
    assert requirement(account(line(BTC, coins))).equity == pytest.approx(counted, rel=1e-12)


def test_the_haircut_is_on_all_that_is_held_of_a_coin_that_is_owed_too() -> None:
    """Collateral value less liabilities: a coin that nets to nothing still costs its haircut."""
    half = replace(BTC, tiers=(ratio("0", "0.5"),))
    found = requirement(account(line(half, 3, owed=3)))
    assert found.equity == pytest.approx(60_000 * 0.5 - 60_000)


def test_debts_are_charged_coin_by_coin() -> None:
    """Two debts of 100,000 in two coins stand in the lower brackets each; one of 200,000 does not."""
    apart = requirement(account(line(BTC, 0, owed=5), line(USDT, 0, owed=100_000)))
    together = requirement(account(line(USDT, 0, owed=200_000)))
    assert apart.maintenance_margin == pytest.approx(2 * (50_000 * 0.05 + 50_000 * 0.07))
    assert together.maintenance_margin == pytest.approx(50_000 * 0.05 + 50_000 * 0.07 + 100_000 * 0.08)
    assert apart.initial_margin == pytest.approx(2 * (50_000 * 0.1112 + 50_000 * 0.1429))
    assert together.initial_margin == pytest.approx(50_000 * 0.1112 + 50_000 * 0.1429 + 100_000 * 0.2)


@pytest.mark.parametrize("floor", [50_000, 100_000])
def test_both_margins_are_continuous_at_a_floor(floor: int) -> None:
    """A trillionth below, on and above a bracket's floor: the same to a trillionth."""
    found = [
        requirement(account(line(USDT, 0, owed=floor * (1 + Decimal("1e-12") * step)))) for step in (-1, 0, 1)
    ]
    for margin in ("maintenance_margin", "initial_margin"):
        values = [getattr(one, margin) for one in found]
        assert max(values) - min(values) <= 1e-11 * floor


def test_open_orders_take_off_the_level() -> None:
    """(net collateral - open-order loss) / maintenance margin, the loss in its coin."""
    plain, ordered = account(line(BTC, 5, owed=2)), account(line(BTC, 5, owed=2, order_loss="0.1"))
    assert level(plain) == pytest.approx((100_000 - 40_000) / 2_000)
    assert level(ordered) == pytest.approx((100_000 - 40_000 - 2_000) / 2_000)


@pytest.mark.parametrize(("more", "is_due"), HAIRS)
def test_a_level_at_or_below_one_is_liquidated(more: str, is_due: bool) -> None:
    """Net collateral that just equals the maintenance margin is not enough."""
    asked = 2_500 + 980  # 50,000 at 5 %, 14,000 at 7 %
    found = requirement(account(line(USDT, 64_000 + asked + Decimal(more), owed=64_000)))
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is is_due


def test_a_debt_without_brackets_asks_for_nothing_beside_itself() -> None:
    """Where the venue publishes no bracket for a coin, the debt takes off equity and no margin is made up."""
    found = requirement(account(line(Coin("X"), 10, owed=4)))
    assert found == (6, 0, 0)


def test_a_long_is_liquidated_where_what_it_holds_pays_debt_and_margin() -> None:
    """5 BTC against 60,000 USDT: at (60,000 + 3,200) / 5, and a rise is no danger."""
    lower, upper = moves_of(account(line(BTC, 5), line(USDT, 0, owed=60_000)))["BTC"]
    assert lower * 20_000 == pytest.approx((60_000 + 2_500 + 700) / 5, rel=1e-11)
    assert math.isnan(upper)


def test_a_short_is_liquidated_in_the_bracket_that_it_rises_into() -> None:
    """2 BTC owed against 120,000 USDT: debt and margin meet the cash in the debt's third bracket."""
    lower, upper = moves_of(account(line(BTC, 0, owed=2), line(USDT, 120_000)))["BTC"]
    debt = (120_000 - 6_000 + 100_000 * 0.08) / 1.08
    assert upper * 20_000 * 2 == pytest.approx(debt, rel=1e-11)
    assert debt > 100_000
    assert math.isnan(lower)


def level(pool: SmallPool) -> float:
    """The venue's margin level."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin)
