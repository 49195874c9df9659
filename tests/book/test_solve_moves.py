"""Moves of an underlying that liquidate: either side, with the collateral that moves along, or none."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.book.solve import Solver
from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS, Convex
from tests.support import draws
from tests.support.small_books import float_book, moves_of, pocket_of, price_of, requirement, solver, surveyed
from tests.support.small_market import Coin, Line, SmallPool, tiers
from tests.support.small_pools import USDT, contract, is_safe, leg, pool, random_leg

rngs = st.integers(0, 2**48).map(Random)


def test_no_move_liquidates_a_covered_position() -> None:
    """A long that the wallet pays whole has no price, down to nothing; up is no danger either."""
    held = pool(10_000, leg(contract("A", 100), 50))
    assert math.isnan(price_of(held))
    assert moves_of(held)["A"] == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_an_idle_pool_has_no_moves() -> None:
    """No position, no underlying, no move."""
    assert moves_of(pool(10)) == {}
    assert surveyed(pool(10)).moves.underlying.size == 0


def test_both_sides_of_a_hedged_book() -> None:
    """A net long whose short climbs into a steep bracket: falls and rises liquidate."""
    long, short = (contract(name, 100, underlying="X") for name in ("A", "B"))
    steep = replace(short, tiers=tiers((0, "0.01"), (30_000, "0.3")))
    held = pool(1_500, leg(long, 220), leg(steep, -200))
    lower, upper = moves_of(held)["X"]
    assert 0.2 < lower < 1 < upper < 4
    assert_edge(held, lower, inside=lower * (1 + 1e-9))
    assert_edge(held, upper, inside=upper * (1 - 1e-9))


def test_a_short_beside_its_coin() -> None:
    """Coin collateral beside a short: falls liquidate where the coin weighs more, rises where the short."""
    coin = Coin("BTC", Decimal(100), "BTC", bid_buffer=Decimal("0.05"))
    short = leg(contract("BTCUSDT", 100, underlying="BTC"), -30)
    indebted = Line(USDT, Decimal(-4_500), (short,))
    held = SmallPool("multi_assets", (Line(coin, Decimal(60)), indebted))
    lower, upper = moves_of(held)["BTC"]
    assert math.isnan(upper)
    assert_edge(held, lower, inside=lower * (1 + 1e-9))
    heavy = Line(USDT, Decimal(0), (replace(short, quantity=Decimal(-40)),))
    held = SmallPool("multi_assets", (Line(coin, Decimal(36)), heavy))
    lower, upper = moves_of(held)["BTC"]
    assert math.isnan(lower)
    assert_edge(held, upper, inside=upper * (1 - 1e-9))


@given(rng=rngs)
def test_collateral_that_is_the_underlying_moves_with_it(rng: Random) -> None:
    """A move takes the coin along; the venue's own price of the position holds it still."""
    price, size = 1_000.0, rng.uniform(1, 50)
    wallet, buffer, rate = rng.uniform(0.1, 20), 0.05, 0.01
    coin = Coin("ETH", Decimal(1000), "ETH", bid_buffer=Decimal(str(buffer)))
    one = leg(contract("ETHUSDT", price, tiers((0, "0.01")), underlying="ETH"), size)
    size = float(one.quantity)
    held = SmallPool("multi_assets", (Line(coin, Decimal(wallet)), Line(USDT, Decimal(0), (one,))))
    assume(is_safe(held))
    expected = size / (wallet * (1 - buffer) + size - size * rate)
    assert moves_of(held)["ETH"][0] == pytest.approx(expected, rel=1e-9)
    still = price - (wallet * price * (1 - buffer) - size * price * rate) / (size * (1 - rate))
    wanted = still if still > 0.2 else math.nan
    assume(still < 0 or still > 0.2)
    assert price_of(held) == pytest.approx(wanted, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_walking_finely_finds_what_growing_steps_find(rng: Random) -> None:
    """The search for models without convexity gives the same factors where both apply."""
    legs = tuple(random_leg(rng, name) for name in "AB")
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    held = pool(value * rng.uniform(0.05, 0.5), *legs)
    assume(is_safe(held))
    book = float_book(held)
    fine = Solver(solver().models, [Convex.NOWHERE]).survey(0, 1.0, 0.0, book, pocket_of(book)).moves
    quick = surveyed(held).moves
    for name in ("lower", "upper"):
        assert getattr(fine, name) == pytest.approx(getattr(quick, name), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.prices])
@given(rng=rngs)
def test_what_is_convex_in_prices_alone_is_found_by_growing_steps(model: str, rng: Random) -> None:
    """Any pool of such a model, safe or not: moves and prices are those that fine steps find."""
    book = float_book(draws.pool(rng, model))
    assume(len(book.positions))
    fine = Solver(solver().models, [Convex.NOWHERE] * len(MODELS)).survey(0, 1.0, 0.0, book, pocket_of(book))
    quick = solver().survey(0, 1.0, 0.0, book, pocket_of(book))
    assert quick.moves.lower == pytest.approx(fine.moves.lower, rel=1e-9, nan_ok=True)
    assert quick.moves.upper == pytest.approx(fine.moves.upper, rel=1e-9, nan_ok=True)
    assert quick.market == pytest.approx(fine.market, rel=1e-9, nan_ok=True)
    assert quick.legs.price == pytest.approx(fine.legs.price, rel=1e-8, nan_ok=True)


def test_a_schedule_that_jumps_is_walked_finely() -> None:
    """Bitget's tiers of old: past a floor the rate applies to the whole. A long in profit is liquidated
    there, and would not be a little farther up."""
    jumps = (
        MarginTier(Decimal(0), Decimal("0.01"), Decimal("0.02"), Decimal(0)),
        MarginTier(Decimal(1_050), Decimal("0.2"), Decimal("0.5"), Decimal(0)),
    )
    long = leg(contract("A", 100, jumps), 10)  # worth 1,000; at 105 its rate jumps from 0.01 to 0.2
    assert moves_of(pool(100, long, model="bitget"))["A"][1] == pytest.approx(1.05, rel=1e-9)


def test_the_nearest_move_is_the_least_of_all() -> None:
    """The distance of a pool is its nearest liquidating move, inf where there is none."""
    near = pool(1_000, leg(contract("A", 100), 50), leg(contract("B", 10), -400))
    covered = pool(10_000, leg(contract("A", 100), 1))
    book, distance = float_book(near, covered), np.full(2, math.nan)
    solver().nearest(np.arange(2), book, pocket_of(book), distance)
    factors = moves_of(near)
    expected = min(1 - factors["A"][0], factors["B"][1] - 1)
    assert list(distance) == pytest.approx([expected, math.inf], rel=1e-12)


def assert_edge(held: SmallPool, factor: float, inside: float) -> None:
    """At the factor the pool is liquidated, a billionth before it is not."""
    there, before = (requirement(_moved(held, f)) for f in (factor, inside))
    assert there.maintenance_margin >= there.equity * (1 - 1e-10)
    assert before.maintenance_margin < before.equity


def _moved(held: SmallPool, factor: float) -> SmallPool:
    """All contracts and coins that follow something, at a factor of their price."""

    def moved(line: Line) -> Line:
        legs = tuple(
            replace(leg, contract=replace(leg.contract, mark=leg.contract.mark * Decimal(factor)))
            for leg in line.legs
        )
        price = line.coin.price * Decimal(factor) if line.coin.underlying else line.coin.price
        return replace(line, legs=legs, coin=replace(line.coin, price=price))

    return replace(held, lines=tuple(moved(line) for line in held.lines))
