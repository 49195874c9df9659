"""The present speed and the worst hour of a price, and the time that they leave."""

from __future__ import annotations

import itertools
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.moves import Speeds, deadlines_of, times_left
from monitor.book.speed import FEWEST_OF_HOUR, HELD_HOURS, HOUR
from monitor.book.volatility import FEWEST, MINUTE_NS, Volatility
from monitor.domain.assessment import TransferRoute, UnderlyingMove
from monitor.domain.identity import AccountId

seeds = st.integers(0, 2**32)
START_NS = 1_000 * MINUTE_NS


def random_prices(rng: Random, count: int) -> list[float]:
    """A walk with wild stretches and holes in it."""
    price, found = 100.0, []
    for minute in range(count):
        price *= math.exp(rng.gauss(0, 0.004 if minute // 70 % 3 == 1 else 0.0007))
        found.append(math.nan if rng.random() < 0.01 else price)
    return found


def watched(prices: list[float]) -> Volatility:
    """One price a minute."""
    found = Volatility()
    for minute, price in enumerate(prices):
        found.sample(np.array([price]), START_NS + minute * MINUTE_NS)
    return found


def returns(prices: list[float]) -> list[float | None]:
    """Squares of one-minute returns; None where a price is missing."""
    pairs = itertools.pairwise(prices)
    return [None if math.isnan(a) or math.isnan(b) else math.log(b / a) ** 2 for a, b in pairs]


def worst_hour(squares: list[float | None]) -> float | None:
    """Said again in plain words: the greatest mean over any sixty minutes with enough of them known."""
    found = []
    for end in range(1, len(squares) + 1):
        known = [square for square in squares[max(0, end - HOUR) : end] if square is not None]
        if len(known) >= FEWEST_OF_HOUR:
            found.append(sum(known) / len(known))
    return max(found, default=None)


@settings(max_examples=15)
@given(seed=seeds, count=st.integers(2, 400))
def test_the_worst_hour_is_the_greatest_of_all_hours(seed: int, count: int) -> None:
    """The speed of one bad hour is that of the wildest sixty minutes in a row, wherever they lie."""
    prices = random_prices(Random(seed), count)
    expected, found = worst_hour(returns(prices)), watched(prices).bad_hour_speed(0)
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found == pytest.approx(math.sqrt(expected))


@settings(max_examples=15)
@given(seed=seeds, count=st.integers(FEWEST + 1, 400))
def test_the_present_speed_is_a_weighted_mean(seed: int, count: int) -> None:
    """Each minute counts half as much as one an hour later; what is missing does not count."""
    prices = random_prices(Random(seed), count)
    mean = weight = 0.0
    for square in returns(prices):
        if square is not None:
            mean, weight = mean * 0.5 ** (1 / 60) + square, weight * 0.5 ** (1 / 60) + 1
    if weight > FEWEST:
        assert watched(prices).present_speed(0) == pytest.approx(math.sqrt(mean / weight))


@settings(max_examples=15)
@given(seed=seeds, count=st.integers(100, 400))
def test_a_history_that_was_told_is_one_that_was_watched(seed: int, count: int) -> None:
    """Both speeds are the same, whether the prices were watched or told at once."""
    prices = [price for price in random_prices(Random(seed), count) if not math.isnan(price)]
    told = Volatility()
    told.take_history(0, np.array(prices))
    seen = watched(prices)
    assert told.bad_hour_speed(0) == pytest.approx(seen.bad_hour_speed(0))
    assert told.present_speed(0) == pytest.approx(seen.present_speed(0), rel=1e-9)


def test_a_wild_hour_is_forgotten_after_a_week() -> None:
    """What is held is bounded: after seven days of calm one bad hour is a calm one."""
    found = watched([100 * math.exp(0.01 * (minute % 2)) for minute in range(HOUR + 1)])
    assert found.bad_hour_speed(0) == pytest.approx(0.01)
    now_ns = START_NS + HOUR * MINUTE_NS
    for minute in range(1, HOUR * (HELD_HOURS + 1) + 1):
        found.sample(np.array([100 * math.exp(0.0001 * (minute % 2))]), now_ns + minute * MINUTE_NS)
    assert found.bad_hour_speed(0) == pytest.approx(0.0001)


def test_a_pause_is_spread_over_its_minutes() -> None:
    """A return over four minutes is four minutes of a quarter of its square each."""
    found = Volatility()
    for number in range(30):
        price = 100 * math.exp(0.02 * (number % 2))
        found.sample(np.array([price]), START_NS + 4 * number * MINUTE_NS)
    assert found.bad_hour_speed(0) == pytest.approx(0.01)


def test_what_was_watched_is_believed_over_what_is_told() -> None:
    """A history that comes late changes nothing."""
    found = watched([100 * math.exp(0.001 * (minute % 2)) for minute in range(FEWEST + 1)])
    before = found.present_speed(0)
    found.take_history(0, np.array([1.0, 2.0] * 100))
    assert (found.present_speed(0), found.bad_hour_speed(0)) == (before, None)


@pytest.mark.parametrize("prices", [[], [1.0], [math.nan] * 90, [0.0, -1.0] * 90, [math.inf] * 90])
def test_a_history_of_nothing_tells_nothing(prices: list[float]) -> None:
    """What is no price gives no speed."""
    found = Volatility()
    found.take_history(0, np.array(prices))
    assert (found.present_speed(0), found.bad_hour_speed(0)) == (None, None)


def test_the_time_left_is_the_distance_over_the_speed() -> None:
    """The soonest of all moves counts, which need not be the nearest."""
    moves = (UnderlyingMove("BTC", -5.0, None), UnderlyingMove("DOGE", -30.0, 8.0))
    speeds = {"BTC": Speeds(0.0005, None), "DOGE": Speeds(0.004, 0.02)}
    present, bad_hour = times_left(moves, speeds)
    assert present is not None
    assert (present.underlying, present.percent) == ("DOGE", 8.0)
    assert present.minutes == pytest.approx(math.log(1.08) / 0.004)
    assert bad_hour is not None
    assert bad_hour.minutes == pytest.approx(math.log(1.08) / 0.02)


def test_without_a_speed_or_a_move_no_time_is_told() -> None:
    """Absent data, absent figure, and no deadline."""
    assert times_left((UnderlyingMove("BTC", -5.0, None),), {}) == (None, None)
    assert times_left((UnderlyingMove("BTC", None, None),), {"BTC": Speeds(0.1, 0.1)}) == (None, None)
    route = TransferRoute(AccountId("a/b"), AccountId("a/c"), "USDT", 60.0)
    (deadline,) = deadlines_of([route], (None, None), 0)
    assert (deadline.latest_ns, deadline.bad_hour_ns) == (None, None)


def test_a_deadline_is_the_time_left_less_what_the_way_takes() -> None:
    """The quickest way stands first, and a time that has passed is told as it is."""
    slow = TransferRoute(AccountId("a/b"), AccountId("a/c"), "USDT", 1200.0)
    quick = TransferRoute(AccountId("a/d"), AccountId("a/c"), "USDT", 60.0)
    left = times_left((UnderlyingMove("BTC", -10.0, None),), {"BTC": Speeds(-math.log(0.9) / 10, None)})
    first, second = deadlines_of([slow, quick], left, 3600 * 10**9)
    assert (first.route, second.route) == (quick, slow)
    assert first.latest_ns == pytest.approx((3600 + 540) * 10**9)
    assert second.latest_ns == pytest.approx((3600 - 600) * 10**9)
