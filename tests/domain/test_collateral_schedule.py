"""What collateral counts: ratios that fall, and that may be borrowed on to no more than they hold off."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from monitor.domain.instrument import (
    BadSchedule,
    MarginTier,
    TierSchedule,
    checked_collateral,
    collateral_schedule,
)

Row = tuple[str, str, str]


def built(*rows: Row) -> TierSchedule:
    """The schedule of rows written as text."""
    return collateral_schedule([(Decimal(a), Decimal(b), Decimal(c)) for a, b, c in rows], "a test")


def test_a_lending_market_has_one_row() -> None:
    """Liquidation threshold and loan to value; no deduction, whatever the amount."""
    (step,) = built(("0", "0.83", "0.805")).tiers
    assert step == MarginTier(Decimal(0), Decimal("0.83"), Decimal("0.805"), Decimal(0))


def test_ratios_may_be_equal_nothing_or_all() -> None:
    """Borrow factor and liquidate factor may be one number; what is lent nothing on counts nothing."""
    for ratio in ("0", "0.8", "1"):
        assert built(("0", ratio, ratio)).tiers[0].initial_rate == Decimal(ratio)


def test_falling_ratios_are_continuous() -> None:
    """Each slice counts by its own ratio, so the deductions that are derived are negative."""
    steps = built(("0", "1", "1"), ("1000", "0.9", "0.9"), ("5000", "0.5", "0")).tiers
    assert [step.deduction for step in steps] == [0, -100, -2100]
    for before, after in itertools.pairwise(steps):
        below = after.floor * before.maintenance_rate - before.deduction
        assert below == after.floor * after.maintenance_rate - after.deduction


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "no tiers"),
        ((("1", "0.8", "0.7"),), "tier 1 starts at 1"),
        ((("0", "0.7", "0.8"),), "tier 1: ratios 0.8 to borrow on and 0.7"),
        ((("0", "1.1", "0.8"),), "tier 1: ratios"),
        ((("0", "0.8", "-0.1"),), "tier 1: ratios"),
        ((("0", "NaN", "0.1"),), "tier 1: ratios"),
        ((("0", "0.8", "NaN"),), "tier 1: ratios"),
        ((("0", "0.8", "0.7"), ("0", "0.7", "0.6")), "tier 2: floor 0 does not rise above 0"),
        ((("0", "0.8", "0.7"), ("100", "0.9", "0.6")), "tier 2: ratio 0.9 does not fall from 0.8"),
        ((("0", "0.8", "0.7"), ("100", "0.7", "0.75")), "tier 2: ratios"),
    ],
)
def test_what_no_venue_can_mean_is_refused_with_its_row(rows: tuple[Row, ...], said: str) -> None:
    """Floors rise from 0, ratios fall within [0, 1], none is below the one that may be borrowed on."""
    with pytest.raises(BadSchedule, match=f"^a test: {said}"):
        built(*rows)


def test_a_jump_is_refused() -> None:
    """A deduction that a venue tells has to make the count continuous."""
    first = MarginTier(Decimal(0), Decimal(1), Decimal(1), Decimal(0))
    second = MarginTier(Decimal(1000), Decimal("0.9"), Decimal("0.9"), Decimal(100))
    with pytest.raises(BadSchedule, match="tier 2: deduction 100 leaves a jump"):
        checked_collateral(TierSchedule((first, second), "a test"))


@pytest.mark.parametrize("slope", ["-0.001", "NaN"])
def test_a_slope_that_lets_more_count_for_more_is_refused(slope: str) -> None:
    """Drift's weights fall with the root of the amount, and never rise."""
    step = MarginTier(Decimal(0), Decimal("0.9"), Decimal("0.8"), Decimal(0), Decimal(slope))
    with pytest.raises(BadSchedule, match=f"tier 1: slope {slope} makes the ratio rise"):
        checked_collateral(TierSchedule((step,), "a test"))
