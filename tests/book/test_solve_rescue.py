"""What brings a pool back: amounts to add, fractions to close, each proven by assessing the pool after it."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.book.solve import CUT, TOP_UP, Change
from tests.support.small_books import (
    QUANTA,
    UNDER_TIERS,
    float_book,
    requirement,
    solver,
    surveyed,
)
from tests.support.small_market import Coin, Line, SmallPool
from tests.support.small_pools import contract, leg, pool, random_leg

ENOUGH = 1e12
rngs = st.integers(0, 2**48).map(Random)


@pytest.mark.parametrize("model", UNDER_TIERS)
@given(rng=rngs)
def test_a_rescue_is_enough_and_a_little_less_is_not(model: str, rng: Random) -> None:
    """Every amount to add and fraction to close brings the pool under the level; 0.1 % less does not."""
    count = 1 if model == "bybit_isolated" else rng.randint(1, 3)
    legs = tuple(random_leg(rng, name) for name in "ABC"[:count])
    first = requirement(pool(0, *legs, model=model))
    level = rng.choice([0.475, 0.665, 0.95])
    held = pool(first.maintenance_margin * rng.uniform(0.3, 1.9) - first.equity, *legs, model=model)
    if model in ("multi_assets", "bybit_unified"):
        coin = Coin("ETH", Decimal(2_000), "ETH", bid_buffer=Decimal("0.05"), ask_buffer=Decimal("0.05"))
        held = SmallPool(model, (*held.lines, Line(coin, Decimal("0.01"))))
    found = surveyed(held, level, ENOUGH)
    amounts = [(TOP_UP, place, found.adds[place]) for place in range(len(held.lines))]
    cuts = [(CUT, place, found.legs.cut[place]) for place in range(count)]
    before = requirement(held)
    is_over = before.maintenance_margin >= level * before.equity
    if is_over:
        assert all(amount > 0 for amount in found.adds[: len(held.lines)]), "money always helps"
    for kind, place, size in (*amounts, *cuts):
        if is_over and not math.isnan(size):
            assert_rescues(held, level, Change(kind, place, float(size)))


def test_closing_that_is_not_enough_is_no_rescue() -> None:
    """Where even the whole position does not do, nothing is offered for it; what is offered does."""
    small, large = leg(contract("A", 100), 1), leg(contract("B", 100), 10_000)
    held = pool(12_000, small, large)
    found = surveyed(held, 0.475, ENOUGH)
    assert math.isnan(found.legs.cut[0])
    assert_rescues(held, 0.475, Change(CUT, 1, float(found.legs.cut[1])))


def test_no_rescue_is_looked_for_unless_asked() -> None:
    """With nothing to spend no amounts are sought."""
    found = surveyed(pool(120, leg(contract("A", 100), 100)))
    assert all(math.isnan(amount) for amount in found.adds)


def assert_rescues(held: SmallPool, level: float, change: Change) -> None:
    """The change is enough, and 0.1 % less of it is not."""
    less = change._replace(size=change.size * 0.999)
    book = float_book(held)
    (after, without) = solver().after([change, less], 0, book)
    assert after.maintenance_margin < level * after.equity * (1 + 1e-9) + 1e-9
    assert without.maintenance_margin >= level * without.equity - QUANTA.get(held.model, 0)
