"""Compound v3: two factors, one base asset, equality safe."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.domain.instrument import MarginTier, collateral_schedule
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Line, SmallPool

SAYS = MODELS["compound"].says
HAIRS = [("-0.000001", False), ("0", False), ("0.000001", True)]


def steps(liquidate: str, borrow: str) -> tuple[MarginTier, ...]:
    """The factors of one collateral asset."""
    return collateral_schedule([(Decimal(0), Decimal(liquidate), Decimal(borrow))], "a test").tiers


ETH = Coin("ETH", Decimal(2_000), "ETH", tiers=steps("0.9", "0.825"))
BTC = Coin("BTC", Decimal(60_000), "BTC", tiers=steps("0.75", "0.7"))
USDC = Coin("USDC")


def account(*lines: Line) -> SmallPool:
    """An account of one market."""
    return SmallPool("compound", lines)


def line(coin: Coin, held: object, owed: object = 0, *, is_on: bool = True) -> Line:
    """An asset of the market."""
    return Line(coin, Decimal(str(held)), (), Decimal(str(owed)), collateral=is_on)


def liquidity(pool: SmallPool) -> float:
    """The venue's own figure."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin)


def test_liquidity_is_collateral_by_the_liquidate_factors_less_debt() -> None:
    """10 ETH at 90 % and half a bitcoin at 75 %, less 30,000; no average is made, and nothing is cut."""
    held = account(line(ETH, 10), line(BTC, "0.5"), line(USDC, 0, 30_000))
    assert liquidity(held) == pytest.approx(18_000 + 22_500 - 30_000, rel=1e-14)


@pytest.mark.parametrize(("more", "is_due"), HAIRS)
def test_liquidity_of_nothing_is_safe_and_below_is_not(more: str, is_due: bool) -> None:
    """Strictly below zero."""
    found = requirement(account(line(ETH, 10), line(USDC, 0, 18_000 + Decimal(more))))
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is is_due


@pytest.mark.parametrize(("more", "may_borrow"), [("-0.000001", True), ("0.000001", False)])
def test_borrowing_is_by_the_borrow_factors(more: str, may_borrow: bool) -> None:
    """While the debt is covered at 82.5 %, far from liquidation at 90 %."""
    found = requirement(account(line(ETH, 10), line(USDC, 0, 16_500 + Decimal(more))))
    assert (found.initial_margin <= found.equity) is may_borrow
    assert found.equity - found.initial_margin == pytest.approx(-float(more), abs=1e-9)


def test_who_supplies_the_base_asset_is_never_liquidatable() -> None:
    """What is supplied counts in full, switched on as collateral or not, and nothing is required."""
    for is_on in (True, False):
        found = requirement(account(line(USDC, 500, is_on=is_on)))
        assert found == (500, 0, 0)
        assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_supplying_base_asset_repays() -> None:
    """The principal is one signed number: what is added to the base asset takes as much off the danger."""
    held, owed = line(ETH, 10), 18_500
    assert liquidity(account(held, line(USDC, 0, owed))) == pytest.approx(-500)
    assert liquidity(account(held, line(USDC, 600, owed))) == pytest.approx(100)


def test_the_base_asset_has_its_price_too() -> None:
    """A stablecoin above its peg is a larger debt."""
    dear = replace(USDC, price=Decimal("1.01"))
    assert liquidity(account(line(ETH, 10), line(dear, 0, 10_000))) == pytest.approx(18_000 - 10_100)


def test_collateral_that_is_switched_off_counts_nothing() -> None:
    """An asset that the market has no use for any more is told so by its flag."""
    assert liquidity(account(line(ETH, 10, is_on=False), line(USDC, 0, 1))) == -1


def test_debt_without_collateral_is_liquidatable() -> None:
    """Dust as well."""
    found = requirement(account(line(USDC, 0, "1e-8")))
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_one_collateral_is_liquidated_at_debt_over_amount_and_factor() -> None:
    """13,500 against 10 ETH at 90 %: at 1,500; both collaterals fall alone."""
    lower, upper = moves_of(account(line(ETH, 10), line(USDC, 0, 13_500)))["ETH"]
    assert lower * 2_000 == pytest.approx(1_500, rel=1e-11)
    assert math.isnan(upper)
    found = moves_of(account(line(ETH, 10), line(BTC, "0.1"), line(USDC, 0, 13_500)))
    assert found["ETH"][0] * 2_000 == pytest.approx((13_500 - 4_500) / 9, rel=1e-11)
    assert math.isnan(found["BTC"][0])
