"""Hourly interest as charged: by the clock hours that have begun, simple, on the principal."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.interest import HOUR_NS, hourly_interest, hours_begun, hours_charged

MINUTE_NS = 60 * 10**9
instants = st.integers(0, 10**9 * HOUR_NS // 10**5)


def clock(hour: int, minute: int = 0, more_ns: int = 0) -> int:
    """An instant of some day."""
    return 20_000 * 24 * 60 * MINUTE_NS + hour * 60 * MINUTE_NS + minute * MINUTE_NS + more_ns


@pytest.mark.parametrize(
    ("borrowed", "repaid", "hours"),
    [
        (clock(13, 20), clock(14, 15), 2),  # the venue's own example
        (clock(13, 20), clock(13, 20), 1),
        (clock(13, 20), clock(14, 0, -1), 1),
        (clock(13, 20), clock(14), 2),  # it is charged at the start of the hour
        (clock(13), clock(14, 0, -1), 1),
        (clock(13, 59), clock(14, 1), 2),
        (clock(23, 30), clock(24, 30), 2),
        (clock(0), clock(24), 25),
    ],
)
def test_every_hour_that_has_begun_is_charged(borrowed: int, repaid: int, hours: int) -> None:
    """Two minutes that lie in two clock hours are charged as two hours, fifty in one as one."""
    assert hours_charged(borrowed, repaid) == hours


@given(first=instants, second=instants, third=instants)
def test_hours_add_up(first: int, second: int, third: int) -> None:
    """What was charged when a balance was told, and what has begun since, is all that a loan is charged."""
    borrowed, told, now = sorted((first, second, third))
    assert hours_charged(borrowed, told) + hours_begun(told, now) == hours_charged(borrowed, now)


@given(borrowed=instants, lasts=st.integers(0, 100 * HOUR_NS))
def test_never_less_than_the_time_and_less_than_two_hours_more(borrowed: int, lasts: int) -> None:
    """Charged by begun hours is the time at least, and at most two hours more."""
    charged = hours_charged(borrowed, borrowed + lasts) * HOUR_NS
    assert lasts < charged <= lasts + 2 * HOUR_NS


def test_a_clock_that_runs_back_charges_nothing() -> None:
    """An instant before the one that a balance was told at adds no hour."""
    assert hours_begun(clock(14, 5), clock(13, 55)) == 0
    assert hours_charged(clock(14, 5), clock(13, 55)) == 1


def test_interest_is_simple_and_exact() -> None:
    """1,000 at 0.001 % an hour for two hours is 0.02, in Decimal to the last digit, in floats as near."""
    assert hourly_interest(Decimal(1_000), Decimal("0.00001"), 2) == Decimal("0.02")
    assert hourly_interest(1_000.0, 1e-5, 48) == pytest.approx(0.48)
    assert hourly_interest(Decimal(0), Decimal("0.00001"), 2) == 0
