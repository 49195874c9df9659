"""Aave v3: thresholds and e-modes, the average that is cut to basis points, debts in full, equality safe."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.domain.instrument import MarginTier, collateral_schedule
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, margin_ratio_of, venue_figure
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Line, SmallPool

SAYS = MODELS["aave"].says
HAIRS = [("-0.000001", False), ("0", False), ("0.000001", True)]
LARGEST_UINT = (2**256 - 1) / 1e18  # the health factor of no debt, as the chain tells it


def steps(threshold: str, loan_to_value: str) -> tuple[MarginTier, ...]:
    """The one step of a reserve."""
    return collateral_schedule([(Decimal(0), Decimal(threshold), Decimal(loan_to_value))], "a test").tiers


ETH = Coin("ETH", Decimal(2_000), "ETH", tiers=steps("0.83", "0.805"))
BTC = Coin("BTC", Decimal(60_000), "BTC", tiers=steps("0.78", "0.73"))
STAKED = Coin(
    "WSTETH",
    Decimal(2_400),
    "ETH",
    tiers=steps("0.81", "0.785"),
    category=1,
    category_rate=Decimal("0.95"),
    category_initial=Decimal("0.93"),
)
USDC = Coin("USDC", tiers=steps("0.78", "0.75"))
USDT = Coin("USDT")  # its venue lends nothing on it


def account(*lines: Line, category: int = -1) -> SmallPool:
    """An account of these reserves, in an e-mode or in none."""
    return SmallPool("aave", lines, category=category)


def line(coin: Coin, held: object, owed: object = 0, *, is_on: bool = True) -> Line:
    """A reserve that is supplied and owed; switched on as collateral or not."""
    return Line(coin, Decimal(str(held)), (), Decimal(str(owed)), collateral=is_on)


def health(pool: SmallPool) -> float:
    """The health factor."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin)


def test_health_is_collateral_by_its_threshold_over_debt() -> None:
    """10 ETH at 2,000 and 83 % against 8,300 USDC: 2; our ratio is its inverse."""
    held = account(line(ETH, 10), line(USDC, 0, 8_300))
    assert health(held) == pytest.approx(2, rel=1e-14)
    assert margin_ratio_of(SAYS, health(held)) == pytest.approx(0.5)


@pytest.mark.parametrize(("more", "is_due"), HAIRS)
def test_equality_is_safe_and_a_hair_more_of_debt_is_not(more: str, is_due: bool) -> None:
    """Liquidatable below a health factor of 1, not at it."""
    found = requirement(account(line(ETH, 10), line(USDC, 0, 16_600 + Decimal(more))))
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is is_due


def test_no_debt_is_no_danger_and_no_figure() -> None:
    """The chain's largest uint is shown as no figure, and read as a ratio of nothing."""
    held = account(line(ETH, 10), line(USDC, 5))
    found = requirement(held)
    assert (found.initial_margin, found.maintenance_margin) == (0, 0)
    assert math.isnan(health(held))
    assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)
    assert margin_ratio_of(SAYS, LARGEST_UINT) == pytest.approx(0, abs=1e-50)


def test_an_account_that_has_nothing_left_but_debt_is_liquidatable() -> None:
    """Bad debt: no equity, all of it owed."""
    found = requirement(account(line(USDC, 0, 3)))
    assert found == (0, 3, 3)
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_collateral_that_is_switched_off_counts_nothing() -> None:
    """Supplied and earning, but not securing: neither for health nor for more debt."""
    debt = line(USDC, 0, 1_000)
    assert requirement(account(line(ETH, 10, is_on=False), line(BTC, 1), debt)) == requirement(
        account(line(BTC, 1), debt)
    )


def test_an_asset_without_a_schedule_counts_nothing() -> None:
    """What the venue lends nothing on is no collateral, though its flag were on; nor does it dilute an
    average, and nor does one whose threshold is 0."""
    useless = replace(USDT, name="ZERO", tiers=steps("0", "0"))
    held = account(line(ETH, 10), line(USDT, 50_000), line(useless, 50_000), line(USDC, 0, 100))
    assert requirement(held) == requirement(account(line(ETH, 10), line(USDC, 0, 100)))


def test_a_debt_in_the_asset_that_is_collateral_is_not_netted() -> None:
    """1,000 USDC held and 780 owed: just at the threshold, though 220 are left over."""
    assert health(account(line(USDC, 1_000, 780))) == pytest.approx(1, rel=1e-14)


def test_e_mode_replaces_the_terms_of_its_own_assets_only() -> None:
    """In category 1 staked ether counts 95 %, ether of no category its own 83 %; what may be borrowed
    follows the loan to value of the category."""
    lines = (line(STAKED, 10), line(ETH, 12), line(USDC, 0, 20_000))
    found = requirement(account(*lines, category=1))
    assert found.equity == pytest.approx(24_000 * 0.95 + 24_000 * 0.83, rel=1e-14)
    borrowable = 48_000 * 0.8675  # the average of 93 % and 80.5 %
    assert found.equity - found.initial_margin == pytest.approx(borrowable - 20_000, rel=1e-12)


def test_an_e_mode_may_have_any_number() -> None:
    """0 is one like 1: only -1 is none."""
    lines = (line(STAKED, 10), line(USDC, 0, 20_000))
    zero = (line(replace(STAKED, category=0), 10), line(USDC, 0, 20_000))
    assert requirement(account(*zero, category=0)) == requirement(account(*lines, category=1))


@pytest.mark.parametrize("category", [-1, 0, 2])
def test_an_e_mode_of_other_assets_changes_nothing(category: int) -> None:
    """An account in no e-mode, or in one that the asset is not of, has the asset's own terms."""
    held = account(line(STAKED, 10), line(USDC, 0, 10_000), category=category)
    assert requirement(held).equity == pytest.approx(24_000 * 0.81, rel=1e-14)


def test_no_category_is_not_a_category() -> None:
    """An asset of no e-mode, in an account in none: its category terms are not read."""
    coin = replace(ETH, category_rate=Decimal("0.99"), category_initial=Decimal("0.99"))
    assert requirement(account(line(coin, 10))).equity == pytest.approx(16_600, rel=1e-14)


def test_an_asset_that_is_collateral_in_an_e_mode_only() -> None:
    """Without a schedule of its own it counts in its e-mode, and nothing outside."""
    coin = replace(STAKED, tiers=())
    debt = line(USDC, 0, 1)
    assert requirement(account(line(coin, 10), debt, category=1)).equity == pytest.approx(22_800)
    assert requirement(account(line(coin, 10), debt)).equity == 0


def test_the_average_threshold_is_cut_to_basis_points() -> None:
    """A third at 78 % and two thirds at 83 % are 8133.33 on average: 81.33 % count, and the third of a basis
    point that is lost decides between health 1.00003 and 0.99999."""
    held = account(line(replace(BTC, price=Decimal(10_000)), 1), line(ETH, 10))
    assert requirement(held).equity == pytest.approx(30_000 * 0.8133, rel=1e-14)
    owed = replace(held, lines=(*held.lines, line(USDT, 0, Decimal("24399.5"))))
    assert 10_000 * 0.78 + 20_000 * 0.83 > 24_399.5
    assert health(owed) < 1


def test_what_may_be_borrowed_is_cut_to_basis_points_as_well() -> None:
    """A third at 73 % and two thirds at 80.5 %: the average is 78 % and nothing is lost; at 80.6 % it is."""
    for loan_to_value, average in (("0.805", 0.78), ("0.806", 0.7806)):
        coin = replace(ETH, tiers=steps("0.83", loan_to_value))
        held = account(line(replace(BTC, price=Decimal(10_000)), 1), line(coin, 10), line(USDT, 0, 1_000))
        found = requirement(held)
        assert found.equity - found.initial_margin == pytest.approx(30_000 * average - 1_000, rel=1e-12)


def test_one_collateral_loses_nothing_by_the_cut() -> None:
    """Whatever its threshold, at an odd price: not a basis point is taken by the way floats round."""
    for basis_points in range(1, 10_001, 7):
        threshold = str(Decimal(basis_points) / 10_000)
        coin = Coin("X", Decimal("1234.56789"), tiers=steps(threshold, "0"))
        found = requirement(account(line(coin, "0.987654321")))
        expected = 1234.56789 * 0.987654321 * basis_points / 10_000
        assert found.equity == pytest.approx(expected, rel=1e-13)


def test_nothing_may_be_borrowed_beyond_the_loan_to_value() -> None:
    """Between loan to value and threshold an account is healthy, and initial margin is above equity."""
    found = requirement(account(line(ETH, 10), line(USDC, 0, 16_300)))
    assert found.maintenance_margin < found.equity < found.initial_margin
    assert found.initial_margin - found.equity == pytest.approx(16_300 - 16_100)


def test_a_frozen_asset_holds_off_liquidation_and_allows_no_more_debt() -> None:
    """Loan to value 0: it counts by its threshold, and nothing may be borrowed on it."""
    found = requirement(account(line(replace(ETH, tiers=steps("0.83", "0")), 10), line(USDC, 0, 1_000)))
    assert found.equity == pytest.approx(16_600)
    assert found.equity - found.initial_margin == pytest.approx(-1_000)


def test_dust_beside_a_giant_is_added_up() -> None:
    """A debt of a hundred millionth is a debt; collateral of as little neither helps nor harms."""
    debt = line(USDC, 0, "1e-8")
    alone, dusty = account(line(ETH, 1e8), debt), account(line(ETH, 1e8), line(BTC, "1e-16"), debt)
    assert health(alone) == pytest.approx(1.66e19)
    assert health(dusty) == pytest.approx(health(alone), rel=1e-12)


def test_one_collateral_is_liquidated_at_debt_over_amount_and_threshold() -> None:
    """12,450 against 10 ETH at 83 %: at 1,500, and a rise is no danger."""
    lower, upper = moves_of(account(line(ETH, 10), line(USDC, 0, 12_450)))["ETH"]
    assert lower * 2_000 == pytest.approx(12_450 / (10 * 0.83), rel=1e-10)
    assert math.isnan(upper)


def test_a_debt_that_moves_liquidates_upwards() -> None:
    """BTC owed against USDC: where the debt has risen to what the collateral counts."""
    lower, upper = moves_of(account(line(BTC, 0, 1), line(USDC, 100_000)))["BTC"]
    assert upper * 60_000 == pytest.approx(78_000, rel=1e-10)
    assert math.isnan(lower)


def test_staked_ether_against_ether_has_no_liquidating_move() -> None:
    """Both follow one underlying: no move of it changes the health factor."""
    held = account(line(STAKED, 10), line(replace(ETH, category=1), 0, 8), category=1)
    assert health(held) == pytest.approx(24_000 * 0.95 / 16_000, rel=1e-12)
    assert all(math.isnan(move) for move in moves_of(held)["ETH"])
