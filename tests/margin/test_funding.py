"""Funding: who pays, when the next payment is, and how much of it is earned before it is booked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.funding import (
    HOUR_NS,
    accrued_share,
    continuous_accrual,
    funding_payment,
    next_funding_ns,
)
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

DAY_NS = 24 * 3_600 * 10**9
MIDNIGHT_NS = 20_000 * DAY_NS  # of some day


def paid(quantity: int, rate: str, *, inverse: bool = False) -> Decimal:
    """What a position of contracts of 100 (USD where inverse) receives at a price of 50."""
    contract = Contract("A", Decimal(50), (), multiplier=Decimal(100), inverse=inverse)
    pool = SmallPool("tiered", (Line(Coin("USDT"), Decimal(0), (Leg(contract, Decimal(1), Decimal(50)),)),))
    row = decimal_book(pool).instruments[0]
    return funding_payment(Decimal(quantity), Decimal(50), Decimal(rate), row)


@pytest.mark.parametrize(
    ("quantity", "rate", "received"),
    [
        (1, "0.0001", "-0.5"),
        (3, "0.0001", "-1.5"),
        (-3, "0.0001", "1.5"),
        (3, "-0.0001", "1.5"),
        (-3, "-0.0001", "-1.5"),
    ],
)
def test_longs_pay_a_rate_above_zero_and_shorts_receive_it(quantity: int, rate: str, received: str) -> None:
    """Notional times rate changes hands: 3 contracts of 100 at 50 are 15,000; below 0 it is the reverse."""
    assert paid(quantity, rate) == Decimal(received)


def test_nothing_held_nothing_paid() -> None:
    """No position, no funding, whatever the rate."""
    assert paid(0, "0.0001") == 0


def test_an_inverse_contract_is_paid_in_its_coin() -> None:
    """3 contracts of 100 USD at 50 are 6 coins."""
    assert paid(3, "0.0001", inverse=True) == Decimal("-0.0006")


@pytest.mark.parametrize(
    ("now_hours", "interval_hours", "next_hours"),
    [
        (0, 8, 8),
        (7.999, 8, 8),
        (8, 8, 16),  # at the instant itself the next one is a whole interval away
        (23, 8, 24),
        (13.5, 1, 14),
        (13.5, 4, 16),
        (13.5, 2, 14),
        (13.25, 0.5, 13.5),
    ],
)
def test_a_schedule_begins_at_midnight(now_hours: float, interval_hours: float, next_hours: float) -> None:
    """Every 8 hours is at 0, 8 and 16 o'clock UTC, and so for each interval that divides the day."""
    found = next_funding_ns(MIDNIGHT_NS + round(now_hours * HOUR_NS), interval_hours)
    assert (found - MIDNIGHT_NS) * 24 == next_hours * DAY_NS


@pytest.mark.parametrize(
    ("left_hours", "interval_hours", "share"),
    [(8, 8, 0), (6, 8, 0.25), (1, 8, 0.875), (0, 8, 1), (0.25, 1, 0.75), (9, 8, 0), (-1, 8, 1)],
)
def test_a_share_of_the_payment_is_earned_as_time_passes(
    left_hours: float, interval_hours: float, share: float
) -> None:
    """Nothing at the beginning, all at the end, evenly between; a late clock never makes it more or less."""
    now_ns = MIDNIGHT_NS + HOUR_NS
    assert accrued_share(now_ns, now_ns + round(left_hours * HOUR_NS), interval_hours) == share


@given(now_ns=st.integers(0, 2**62), interval_hours=st.sampled_from([1, 2, 4, 8]))
def test_the_next_instant_is_ahead_by_at_most_the_interval(now_ns: int, interval_hours: int) -> None:
    """What has been earned towards it is a share from 0 to 1."""
    at_ns = next_funding_ns(now_ns, interval_hours)
    assert 0 < at_ns - now_ns <= interval_hours * HOUR_NS
    assert 0 <= accrued_share(now_ns, at_ns, interval_hours) < 1


def test_continuous_funding_is_a_share_of_the_told_rate() -> None:
    """A rate told for 8 hours is charged to an eighth in one hour, and twice in sixteen."""
    assert continuous_accrual(0.0008, 8, HOUR_NS) == pytest.approx(0.0001, rel=1e-12)
    assert continuous_accrual(0.0008, 8, 16 * HOUR_NS) == pytest.approx(0.0016, rel=1e-12)
