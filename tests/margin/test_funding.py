"""Funding and settlement: who pays what, and when."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.funding import (
    CONTINUOUS_HOURS,
    HOUR_NS,
    accrued_share,
    continuous_accrual,
    funding_payment,
    next_funding_ns,
    next_settlement_ns,
)
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

DAY_NS = 24 * HOUR_NS
MIDNIGHT_NS = 20_000 * DAY_NS
RATE = Decimal("0.0001")
instants = st.integers(0, 40_000 * DAY_NS)


def at(hour: int, minute: int = 0) -> int:
    """A time of some day."""
    return MIDNIGHT_NS + hour * HOUR_NS + minute * 60 * 10**9


def paid(quantity: int, price: int, *, inverse: bool = False, rate: Decimal = RATE) -> Decimal:
    """What the holder of contracts of 10 receives, at one basis point unless told."""
    contract = replace(
        Contract("A", Decimal(price), tiers((0, "0.01"))), multiplier=Decimal(10), inverse=inverse
    )
    leg = Leg(contract, Decimal(quantity), Decimal(price))
    book = decimal_book(SmallPool("tiered", (Line(Coin("USDT"), Decimal(0), (leg,)),)))
    return funding_payment(Decimal(quantity), Decimal(price), rate, book.instruments[0])


@pytest.mark.parametrize("side", [1, -1])
def test_longs_pay_shorts_at_a_rate_above_nothing(side: int) -> None:
    """3 contracts of 10 coins at 100 are worth 3,000, a basis point of it is 0.3; inverse ones of 10 dollars
    are worth 0.3 coins, and a basis point of those is paid."""
    assert paid(side * 3, 100) == -side * Decimal("0.3")
    assert paid(side * 3, 100, inverse=True) == -side * Decimal("0.00003")


@pytest.mark.parametrize(
    ("quantity", "rate", "received"),
    [(1, RATE, "-0.1"), (1, -RATE, "0.1"), (-1, -RATE, "-0.1"), (0, RATE, "0")],
)
def test_below_nothing_shorts_pay_longs(quantity: int, rate: Decimal, received: str) -> None:
    """The sign of the rate turns it round; one contract is a position as well, and none pays nothing."""
    assert paid(quantity, 100, rate=rate) == Decimal(received)


@pytest.mark.parametrize(
    ("hours", "now", "due"),
    [
        (8, at(6), at(8)),
        (8, at(8), at(16)),  # the payment of now is made
        (8, at(23, 59), at(24)),
        (4, at(6), at(8)),
        (2, at(6), at(8)),
        (1, at(6, 30), at(7)),
        (0.5, at(6, 10), at(6, 30)),
    ],
)
def test_every_schedule_begins_at_midnight(hours: float, now: int, due: int) -> None:
    """The next full interval of the day in UTC."""
    assert next_funding_ns(now, hours) == due


@pytest.mark.parametrize(
    ("now", "share"), [(at(0), 0), (at(2), 0.25), (at(6), 0.75), (at(8), 1), (at(9), 1), (at(-1), 0)]
)
def test_the_share_of_the_interval_that_has_passed(now: int, share: float) -> None:
    """Of eight hours up to 08:00; never below nothing nor above all, whatever a clock says."""
    assert accrued_share(now, at(8), 8) == pytest.approx(share)


def test_continuous_funding_is_charged_for_the_time() -> None:
    """The rate is told of eight hours: all of it in eight, a quarter in two, nothing in none."""
    assert continuous_accrual(0.0004, CONTINUOUS_HOURS * HOUR_NS) == pytest.approx(0.0004)
    assert continuous_accrual(0.0004, 2 * HOUR_NS) == pytest.approx(0.0001)
    assert continuous_accrual(0.0004, 0) == 0


@pytest.mark.parametrize(
    ("now", "due"), [(at(6), at(8)), (at(8), at(32)), (at(8) - 1, at(8)), (at(0), at(8)), (at(23), at(32))]
)
def test_a_daily_settlement_is_at_its_hour(now: int, due: int) -> None:
    """At 08:00 of this day, or of the next when that has passed or is now."""
    assert next_settlement_ns(now, 8) == due


@given(now=instants, hour=st.integers(0, 23))
def test_a_settlement_comes_within_a_day(now: int, hour: int) -> None:
    """Always ahead, at most a day, at the full hour that was asked for."""
    due = next_settlement_ns(now, hour)
    assert 0 < due - now <= DAY_NS
    assert due % DAY_NS == hour * HOUR_NS


@given(now=instants, interval_hours=st.sampled_from([1, 2, 4, 8]))
def test_the_next_payment_is_ahead_by_at_most_the_interval(now: int, interval_hours: int) -> None:
    """What has accrued towards it is a share from 0 to 1, and of a position of nothing it is nothing."""
    due = next_funding_ns(now, interval_hours)
    assert 0 < due - now <= interval_hours * HOUR_NS
    assert 0 <= accrued_share(now, due, interval_hours) < 1
    assert paid(0, 100) == 0
