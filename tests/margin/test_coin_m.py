"""Binance COIN-M is `tiered` with inverse contracts: brackets and deductions in coin, one wallet a coin,
one-way and hedge mode, against the closed forms of the venue's page (MARGIN 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.book.solve import Solver
from monitor.margin.models import Convex
from tests.support.small_books import NAMES, float_book, moves_of, pocket_of, requirement, solver, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced, tiers

BRACKETS = tiers((0, "0.004"), (5, "0.005"), (10, "0.01"), (20, "0.025"), (50, "0.05"), (100, "0.1"))
REACH = 9.19  # the solver looks a little further, in logarithms
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


def contract(name: str, mark: float, usd: int = 100) -> Contract:
    """A contract of so many USD, its brackets in coin."""
    return Contract(name, Decimal(f"{mark:.8g}"), BRACKETS, multiplier=Decimal(usd), inverse=True)


def held(of: Contract, coins: float, entry: float) -> Leg:
    """Contracts worth so much coin at mark, entered at a multiple of it."""
    count = Decimal(f"{coins:.8g}") * of.mark / of.multiplier
    return Leg(of, Decimal(f"{count:.8g}"), Decimal(f"{float(of.mark) * entry:.8g}"))


def pool(wallet: float, *legs: Leg) -> SmallPool:
    """One coin and the contracts that it settles."""
    return SmallPool("tiered", (Line(Coin("BTC"), Decimal(f"{wallet:.12g}"), legs),))


def closed_form(free: float, legs: Sequence[Leg]) -> list[float]:
    """LP = sum of N CM (MMR + s) / (WB - TMM + UPNL + sum of (cum + s N CM / EP)), `free` being what the
    other contracts leave of the wallet; for each choice of brackets that holds the legs there."""
    found = []
    for choice in _choices(len(legs)):
        above, below = 0.0, free
        for place, leg in zip(choice, legs, strict=True):
            usd, side, step = _usd(leg), _side(leg), BRACKETS[place]
            above += usd * (float(step.maintenance_rate) + side)
            below += float(step.deduction) + side * usd / float(leg.entry_price)
        price = above / below if below else math.inf
        if price > 0 and all(
            _holds(place, _usd(leg) / price) for place, leg in zip(choice, legs, strict=True)
        ):
            found.append(price)
    return found


def _choices(legs: int) -> list[tuple[int, ...]]:
    places = range(len(BRACKETS))
    return [(a,) for a in places] if legs == 1 else [(a, b) for a in places for b in places]


def _holds(place: int, coins: float) -> bool:
    ceiling = float(BRACKETS[place + 1].floor) if place + 1 < len(BRACKETS) else math.inf
    return float(BRACKETS[place].floor) <= coins < ceiling


def _usd(leg: Leg) -> float:
    return abs(float(leg.quantity * leg.contract.multiplier))


def _side(leg: Leg) -> int:
    return 1 if leg.quantity > 0 else -1


def nearest(prices: Sequence[float], mark: float, side: int) -> float:
    """The first price that is met on the way down from the mark (a long) or up (a short); nan for none."""
    ahead = [price for price in prices if side * (mark - price) > 0 and abs(math.log(price / mark)) < REACH]
    return min(ahead, key=lambda price: abs(price - mark), default=math.nan)


@given(rng=rngs)
def test_one_way_price_with_the_others_at_mark(rng: Random) -> None:
    """Every contract of a coin dies at the closed form of the bracket that holds it there, or never."""
    legs = []
    for name in "ABC"[: rng.randint(1, 3)]:
        of = contract(name, 10 ** rng.uniform(2, 5), rng.choice([10, 100]))
        legs.append(held(of, rng.choice([1, -1]) * 10 ** rng.uniform(-2, 2.3), rng.uniform(0.8, 1.2)))
    worth = sum(_usd(leg) / float(leg.contract.mark) for leg in legs)
    whole = pool(worth * rng.uniform(0.05, 0.8), *legs)
    found = requirement(whole)
    assume(found.maintenance_margin < 0.999 * found.equity)
    prices = surveyed(whole).legs.price
    for place, leg in enumerate(legs):
        others = requirement(pool(float(whole.lines[0].wallet), *legs[:place], *legs[place + 1 :]))
        free = others.equity - others.maintenance_margin
        expected = nearest(closed_form(free, [leg]), float(leg.contract.mark), _side(leg))
        assert prices[place] == pytest.approx(expected, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_hedge_mode_price(rng: Random) -> None:
    """Long and short of one symbol stand at one mark: the published formula with both, on its root's side."""
    of = contract("A", 10 ** rng.uniform(2, 5))
    long = held(of, 10 ** rng.uniform(-1, 2), rng.uniform(0.8, 1.2))
    short = held(of, -(10 ** rng.uniform(-1, 2)), rng.uniform(0.8, 1.2))
    wallet = (_usd(long) + _usd(short)) / float(of.mark) * rng.uniform(0.1, 0.6)
    whole = pool(wallet, long, short)
    found = requirement(whole)
    assume(found.maintenance_margin < 0.999 * found.equity)
    roots = closed_form(float(whole.lines[0].wallet), [long, short])
    prices = surveyed(whole).legs.price
    assert prices[0] == pytest.approx(nearest(roots, float(of.mark), 1), rel=1e-8, nan_ok=True)
    assert prices[1] == pytest.approx(nearest(roots, float(of.mark), -1), rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_growing_steps_find_what_fine_ones_find(rng: Random) -> None:
    """What an inverse contract costs is convex in 1 / price, not in price: the search for convex models still
    finds every end of a pool's life, from the safe side and from the other."""
    of = contract("A", 10 ** rng.uniform(2, 5))
    legs = [held(of, side * 10 ** rng.uniform(-1, 2.3), rng.uniform(0.7, 1.4)) for side in (1, -1)]
    worth = sum(_usd(leg) for leg in legs) / float(of.mark)
    book = float_book(pool(worth * rng.uniform(-0.5, 0.6), *legs))
    fine = Solver(solver().models, [Convex.NOWHERE] * len(NAMES)).survey(0, 1.0, 0.0, book, pocket_of(book))
    quick = solver().survey(0, 1.0, 0.0, book, pocket_of(book))
    assert quick.moves.lower == pytest.approx(fine.moves.lower, rel=1e-9, nan_ok=True)
    assert quick.moves.upper == pytest.approx(fine.moves.upper, rel=1e-9, nan_ok=True)
    assert quick.legs.price[:2] == pytest.approx(fine.legs.price[:2], rel=1e-8, nan_ok=True)


def test_the_price_that_would_end_an_insolvent_hedge_is_not_stepped_over() -> None:
    """A net short of 20,200 USD that has lost 3.9 BTC is well again below 3,600 USD, where a chord in price
    would have gone past it."""
    of = contract("A", 19_000)
    long, short = Leg(of, Decimal(946), Decimal(26_700)), Leg(of, Decimal(-1_148), Decimal(25_850))
    found = surveyed(pool(-3.9, long, short)).legs.price
    expected = nearest(closed_form(-3.9, [long, short]), 19_000, 1)
    assert found[:2] == pytest.approx([math.nan, expected], rel=1e-9, nan_ok=True)
    assert 3_000 < expected < 3_700


@sides
@pytest.mark.parametrize("step", range(1, len(BRACKETS)))
@pytest.mark.parametrize("nudge", [-1e-9, 0.0, 1e-9])
def test_the_bracket_is_the_one_at_the_liquidation_price(side: int, step: int, nudge: float) -> None:
    """In coin a fall takes a position into a higher bracket, a rise into a lower one; a price where the
    worth is just a floor, or beside it, is found from either."""
    price = 8_000.0 if side > 0 else 12_500.0
    coins = float(BRACKETS[step].floor) * (1 + nudge)
    usd = coins * price
    leg = Leg(contract("A", 10_000), Decimal(side * usd / 100), Decimal(10_000))
    loss = usd * (1 / price - 1 / 10_000) * side
    whole = pool(loss + float(sliced(BRACKETS, Decimal(coins))), leg)
    assert surveyed(whole).legs.price[0] == pytest.approx(price, rel=1e-8)


def test_a_short_that_the_coin_covers_has_no_price() -> None:
    """A short of one times or less in its own coin can't be liquidated: what it loses is never the coin."""
    short = held(contract("A", 50_000), -2, 1)
    assert math.isnan(surveyed(pool(2, short)).legs.price[0])
    assert not math.isnan(surveyed(pool(1.9, short)).legs.price[0])
    assert moves_of(pool(2, short))["A"] == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_notional_and_margin_fall_in_coin_as_the_price_rises() -> None:
    """100 contracts of 100 USD are 0.4 BTC at 25,000 and half of that at twice the price."""
    found = [requirement(pool(1, held_at(price))).maintenance_margin for price in (25_000, 50_000)]
    assert found == [pytest.approx(0.0016), pytest.approx(0.0008)]


def held_at(price: float) -> Leg:
    """100 contracts."""
    of = contract("A", price)
    return Leg(of, Decimal(100), of.mark)
