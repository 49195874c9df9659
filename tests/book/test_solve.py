"""Liquidation prices against the closed forms that the venues publish: the solver only searches the model."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.small_books import moves_of, price_of, requirement, surveyed
from tests.support.small_market import Coin, Leg, Line, SmallPool, sliced, tiers
from tests.support.small_pools import STEPS, USDT, contract, is_safe, leg, pool, random_leg

REACH = 9.19  # the solver looks a little further, in logarithms
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


def binance_price(wallet: float, one: Leg, others: tuple[Leg, ...]) -> float:
    """`(WB - TMM1 + UPNL1 + cum - s q EP) / (q MMR - s q)`, of the bracket that holds the value there."""
    size, side = abs(float(one.quantity)), math.copysign(1, one.quantity)
    free = wallet + sum(_gain(leg) - _maintenance(leg) for leg in others)
    steps = one.contract.tiers
    for step, above in zip(steps, [*(float(s.floor) for s in steps[1:]), math.inf], strict=True):
        rate, deduction = float(step.maintenance_rate), float(step.deduction)
        found = (free + deduction - side * size * float(one.entry_price)) / (size * rate - side * size)
        beyond = side * (float(one.contract.mark) - found) > 0
        if found > 0 and beyond and float(step.floor) <= found * size < above:
            return found
    return math.nan


def _gain(one: Leg) -> float:
    return float(one.quantity * (one.contract.mark - one.entry_price))


def _maintenance(one: Leg) -> float:
    return requirement(pool(0, one)).maintenance_margin


def within_reach(price: float, one: Leg) -> bool:
    """Whether a price lies where the solver looks."""
    return price > 0 and abs(math.log(price / float(one.contract.mark))) < REACH


@given(rng=rngs)
def test_binance_isolated_price(rng: Random) -> None:
    """A position on its own margin is liquidated at the published closed form, or never."""
    one = random_leg(rng, "A")
    wallet = float(abs(one.quantity) * one.contract.mark) * rng.uniform(0.02, 1.5)
    assume(is_safe(pool(wallet, one)))
    expected = binance_price(wallet, one, ())
    assume(math.isnan(expected) or within_reach(expected, one))
    assert price_of(pool(wallet, one)) == pytest.approx(expected, rel=1e-9, nan_ok=True)


@given(rng=rngs)
def test_binance_cross_price_holds_the_others_at_mark(rng: Random) -> None:
    """In a cross wallet each position's price is the closed form with the other contracts at their marks."""
    legs = tuple(random_leg(rng, name) for name in "ABCD"[: rng.randint(2, 4)])
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    wallet = value * rng.uniform(0.02, 1.5)
    held = pool(wallet, *legs)
    assume(is_safe(held))
    for place, one in enumerate(legs):
        expected = binance_price(wallet, one, (*legs[:place], *legs[place + 1 :]))
        if math.isnan(expected) or within_reach(expected, one):
            assert price_of(held, place) == pytest.approx(expected, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_hedge_mode_price(rng: Random) -> None:
    """Both legs of a hedged symbol stand at one mark: the published formula, on the side of its root."""
    flat = tiers((0, f"{rng.uniform(0.004, 0.1):.4f}"))
    of = contract("A", 10 ** rng.uniform(-2, 5), flat)
    mark = float(of.mark)
    long = leg(of, 10 ** rng.uniform(3, 6) / mark, mark * rng.uniform(0.8, 1.2))
    short = leg(of, -float(long.quantity) * rng.uniform(0.2, 3), mark * rng.uniform(0.8, 1.2))
    wallet = float(long.quantity) * mark * rng.uniform(0.1, 1)
    assume(is_safe(pool(wallet, long, short)))
    rate, longs, shorts = float(flat[0].maintenance_rate), float(long.quantity), -float(short.quantity)
    numerator = wallet - longs * float(long.entry_price) + shorts * float(short.entry_price)
    expected = numerator / (longs * rate + shorts * rate - longs + shorts)
    assume(within_reach(expected, long))
    price = surveyed(pool(wallet, long, short)).legs.price
    below, above = (expected, math.nan) if expected < mark else (math.nan, expected)
    assert price[0] == pytest.approx(below, rel=1e-8, nan_ok=True)
    assert price[1] == pytest.approx(above, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_hyperliquid_price(rng: Random) -> None:
    """`price - side x margin available / size / (1 - l x side)`, with all that the account has available."""
    legs = []
    for name in "ABC"[: rng.randint(1, 3)]:
        lowest = Decimal(1) / (2 * rng.choice([3, 5, 10, 20, 25, 40, 50]))
        legs.append(random_leg(rng, name, tiers((0, lowest))))
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    held = pool(value * rng.uniform(0.02, 1.5), *legs)
    assume(is_safe(held))
    found = requirement(held)
    available = found.equity - found.maintenance_margin
    for place, one in enumerate(legs):
        side, size = math.copysign(1, one.quantity), abs(float(one.quantity))
        rate = float(one.contract.tiers[0].maintenance_rate)
        expected = float(one.contract.mark) - side * available / size / (1 - rate * side)
        if expected <= 0 or within_reach(expected, one):
            found_there = price_of(held, place)
            assert found_there == pytest.approx(expected if expected > 0 else math.nan, rel=1e-8, nan_ok=True)


@sides
@given(rng=rngs)
def test_bybit_isolated_price(side: int, rng: Random) -> None:
    """`EP - s (IM - MM) / q - s extra / q`, with both margins at entry."""
    entry = 10 ** rng.uniform(-3, 5)
    leverage = rng.randint(1, 50)
    of = contract("A", entry * rng.uniform(0.97, 1.03))
    one = leg(of, side * 10 ** rng.uniform(2, 7) / entry, entry, leverage)
    size, entry = abs(float(one.quantity)), float(one.entry_price)
    initial = size * entry / leverage
    maintenance = float(sliced(of.tiers, Decimal(size * entry)))
    extra = rng.choice([0.0, initial * rng.uniform(0, 2)])
    held = pool(initial + extra, one, model="bybit_isolated")
    assume(is_safe(held))
    expected = entry - side * (initial - maintenance) / size - side * extra / size
    assume(expected <= 0 or within_reach(expected, one))
    wanted = expected if expected > 0 else math.nan
    assert price_of(held) == pytest.approx(wanted, rel=1e-8, nan_ok=True)


@sides
@pytest.mark.parametrize("step", range(1, len(STEPS)))
@pytest.mark.parametrize("nudge", [-1e-9, 0.0, 1e-9])
def test_the_bracket_is_the_one_at_the_liquidation_price(side: int, step: int, nudge: float) -> None:
    """A liquidation price where the value is just a floor, or beside it, is found from either bracket."""
    entry, floor = 100.0, float(STEPS[step].floor) * (1 + nudge)
    expected = 80.0 if side > 0 else 120.0
    size = floor / expected
    maintenance = floor * float(STEPS[step].maintenance_rate) - float(STEPS[step].deduction)
    one = Leg(contract("A", entry), Decimal(side * size), Decimal(entry))
    held = SmallPool("tiered", (Line(USDT, Decimal(maintenance + size * 20), (one,)),))
    assert price_of(held) == pytest.approx(expected, rel=1e-9)


@sides
def test_an_inverse_price(side: int) -> None:
    """A coin-settled position: worth x (1 + s rate) over (s x wallet + worth / entry), worth in USD."""
    of = contract("A", 25_000, tiers((0, "0.004")), multiplier=Decimal(100), inverse=True)
    worth, wallet = 200 * 100, 0.2
    held = SmallPool("tiered", (Line(Coin("BTC"), Decimal(str(wallet)), (leg(of, side * 200, 24_000),)),))
    expected = worth * (1 + side * 0.004) / (side * wallet + worth / 24_000)
    assert price_of(held) == pytest.approx(expected, rel=1e-10)


@sides
def test_a_pool_that_is_liquidated_already(side: int) -> None:
    """Its moves are none at all, and its price lies where a recovery would end it."""
    of = contract("A", 100, tiers((0, "0.01")))
    held = pool(100, leg(of, side * 100, 100 + side * 5))
    assert moves_of(held)["A"] == (1.0, 1.0)
    # 100 + s x 100 x (P - entry) = 0.01 x 100 x P
    expected = (100 - side * 100 * (100 + side * 5)) / (1 - side * 100)
    assert price_of(held) == pytest.approx(expected, rel=1e-9)
    assert side * (expected - 100) > 0
