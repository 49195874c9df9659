"""The volatility of a price, from its one-minute returns."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from monitor.book.volatility import FEWEST, MINUTE_NS, Volatility
from monitor.domain.identity import PoolId, instrument_id
from tests.support.books import Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instruments, leg, mark, snapshot, wallet


def fed(prices: list[float], minutes: int = 1) -> Volatility:
    """One price a sample, so many minutes apart."""
    found = Volatility()
    for number, price in enumerate(prices):
        found.sample(np.array([price]), (1 + number * minutes) * MINUTE_NS)
    return found


def walk(count: int, step: float) -> list[float]:
    """A price that goes up or down by `step` (of its logarithm) each time."""
    rng, price = Random(1), 100.0
    found = [price]
    for _ in range(count):
        price *= math.exp(rng.choice([-step, step]))
        found.append(price)
    return found


def test_a_steady_step_is_its_own_volatility() -> None:
    """Moves of 0.1 % a minute are 0.1 % x the root of 1,440 a day, however long they are seen."""
    for count in (FEWEST, 60, 600):
        assert fed(walk(count, 0.001)).of_a_day(0) == pytest.approx(0.001 * math.sqrt(1440))


def test_an_hour_is_the_half_life() -> None:
    """After an hour of moves four times as large in square, the figure is half way between."""
    calm, wild = walk(6_000, 0.001), walk(60, 0.002)
    found = fed(calm + [calm[-1] * price / wild[0] for price in wild[1:]]).of_a_day(0)
    assert found is not None
    assert (found**2 / 1440) * 1e6 == pytest.approx(2.5, rel=1e-6)


def test_too_little_is_no_figure() -> None:
    """Nothing is told before ten returns, for a price that never moved, and for a row that nobody knows."""
    assert fed(walk(FEWEST - 1, 0.001)).of_a_day(0) is None
    assert fed([100.0] * 50).of_a_day(0) is None
    assert fed(walk(50, 0.001)).of_a_day(99) is None


def test_a_pause_counts_as_its_own_length() -> None:
    """Returns over four minutes are of one minute with half the volatility."""
    every_four = fed(walk(200, 0.002), minutes=4).of_a_day(0)
    assert every_four == pytest.approx(0.001 * math.sqrt(1440), rel=1e-2)


def test_a_missing_price_gives_no_return() -> None:
    """A price that is not known for a while neither counts nor breaks what was seen."""
    prices = walk(100, 0.001)
    holey = [*prices[:50], math.nan, *prices[50:]]
    assert fed(holey).of_a_day(0) == pytest.approx(0.001 * math.sqrt(1440))


def test_the_distance_is_told_in_volatilities_of_its_underlying() -> None:
    """A pool whose nearest end is a fall of 10 % in a price that moves 0.1 % a minute is ln(1/0.9) of
    3.79 % a day away; before the first ten minutes nothing is told."""
    desk = Desk()
    desk.tell(instruments("BTCUSDT"))
    desk.tell(snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, SECOND))
    desk.turn(1)
    book, pool = desk.book, PoolId(f"{ACCOUNT}/{CROSS}")
    found = book.describe(pool, 3 * SECOND, 3 * SECOND)
    assert found is not None
    assert found.distance_volatilities is None
    row = book.quotes.find(instrument_id("binance_usdm", "BTCUSDT"))
    assert row is not None
    values = np.full(row + 1, math.nan)
    for number, price in enumerate(100 * each for each in walk(60, 0.001)):
        values[row] = price
        book.quotes.volatility.sample(values, 1_000 * MINUTE_NS + number * MINUTE_NS)
    again = book.describe(pool, 3 * SECOND, 3 * SECOND)
    assert again is not None
    (move,) = again.moves
    assert move.lower_percent is not None
    expected = -math.log1p(move.lower_percent / 100) / (0.001 * math.sqrt(1440))
    assert again.distance_volatilities == pytest.approx(expected, rel=0.01)  # one minute stood still
