"""What is peculiar to Bitget: tiers in the new and in the old way, legs counted together, a published cross
price that moves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.cex_tables import gradient, whole
from tests.support.small_books import price_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

SAYS = MODELS["bitget"].says
FEE = Decimal("0.0006")
ROWS = ((0, "0.004"), (200_000, "0.005"))  # BTCUSDT in the announcement 12560603841952
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])
ways = pytest.mark.parametrize(
    ("tiers", "asked"), [(gradient(*ROWS), 1_648), (whole(*ROWS), 1_848)], ids=["since 2025-11-10", "before"]
)


def contract(tiers: tuple[MarginTier, ...], price: object = 110_000, *, inverse: bool = False) -> Contract:
    """A contract with the listed fee."""
    return Contract("BTC", Decimal(str(price)), tiers, taker_fee=FEE, inverse=inverse)


def leg(of: Contract, size: object, entry: object = 110_000, leverage: int = 20) -> Leg:
    """A position, entered at a price."""
    return Leg(of, Decimal(str(size)), Decimal(str(entry)), Decimal(leverage))


def pool(wallet: object, *legs: Leg) -> SmallPool:
    """One margin coin."""
    return SmallPool("bitget", (Line(Coin("USDT"), Decimal(str(wallet)), legs),))


@ways
def test_the_published_example_in_both_ways(tiers: tuple[MarginTier, ...], asked: int) -> None:
    """3 BTC at 110,000: 200,000 at 0.46 % and 130,000 at 0.56 %, or all of it at 0.56 %."""
    assert requirement(pool(0, leg(contract(tiers), 3))).maintenance_margin == pytest.approx(asked, rel=1e-12)


@ways
def test_long_and_short_of_one_contract_are_counted_together(
    tiers: tuple[MarginTier, ...], asked: int
) -> None:
    """2 BTC long and 1 short are in the tiers of 3, and each is charged."""
    of = contract(tiers)
    found = requirement(pool(0, leg(of, 2), leg(of, -1)))
    assert found.maintenance_margin == pytest.approx(asked, rel=1e-12)
    assert found.initial_margin == pytest.approx(330_000 / 20)


def test_other_contracts_are_in_tiers_of_their_own() -> None:
    """Two contracts of 165,000 each stay in the first tier."""
    one = contract(gradient(*ROWS))
    found = requirement(pool(0, leg(one, "1.5"), leg(replace(one, name="BTC-26"), "1.5")))
    assert found.maintenance_margin == pytest.approx(330_000 * 0.0046)


def test_a_whole_rate_jumps_at_its_floor_and_a_gradient_does_not() -> None:
    """At 200,000 the old way asks for 200 more than a hair below, the new way for nothing more."""
    jumps = []
    for tiers in (whole(*ROWS), gradient(*ROWS)):
        of = contract(tiers, 1)
        below, there = (
            requirement(pool(0, leg(of, size, 1))).maintenance_margin for size in ("199999.999999", "200000")
        )
        jumps.append(there - below)
    assert jumps == [pytest.approx(200, abs=1e-5), pytest.approx(0, abs=1e-5)]


def test_initial_margin_is_at_the_average_price() -> None:
    """It stays when the mark moves, as the venue's marginSize does."""
    held = leg(contract(gradient(*ROWS), 120_000), "0.002", "37355.5")
    assert requirement(pool(0, held)).initial_margin == pytest.approx(3.73555)


@sides
@given(rng=rngs)
def test_an_isolated_position_is_liquidated_at_the_published_formula(side: int, rng: Random) -> None:
    """(margin - side x size x entry) / (size x (rate + fee - side)), within one tier."""
    entry, size = rng.uniform(80_000, 140_000), rng.uniform(0.001, 0.5)
    margin = size * 110_000 * rng.uniform(0.02, 0.5) - side * size * (110_000 - entry)
    held = leg(contract(gradient((0, "0.004"))), f"{side * size:.12g}", f"{entry:.12g}")
    expected = (margin - side * size * entry) / (size * (0.0046 - side))
    assert price_of(pool(f"{margin:.12g}", held)) == pytest.approx(expected, rel=1e-9)


def test_the_solved_price_stays_while_the_shown_one_moves_with_the_mark() -> None:
    """The venue shows entry - (balance - requirement at mark) / size; ours is where the venue liquidates."""
    shown, solved = [], []
    for mark in (110_000, 120_000):
        of = contract(gradient((0, "0.004")), mark)
        held = pool(2_000, leg(of, "0.1", 110_000))
        shown.append(110_000 - (2_000 - requirement(held).maintenance_margin) / 0.1)
        solved.append(price_of(held))
    assert shown[1] - shown[0] == pytest.approx(46)
    assert solved == [pytest.approx(90_000 / (1 - 0.0046), rel=1e-9)] * 2


def test_an_inverse_position_is_charged_in_its_coin() -> None:
    """220,000 dollars at 110,000 are 2 BTC; entered at 100,000 they were 2.2."""
    of = contract(gradient((0, "0.004")), inverse=True)
    found = requirement(pool("0.5", leg(of, 220_000, 100_000)))
    assert found.equity == pytest.approx(0.5 + 0.2)
    assert found.maintenance_margin == pytest.approx(2 * 0.0046)
    assert found.initial_margin == pytest.approx(2.2 / 20)


def test_equality_is_liquidated_and_a_hair_above_is_not() -> None:
    """marginRatio is 1 where equity is just the requirement with the fee."""
    of, asked = contract(gradient((0, "0.004"))), Decimal(110_000) * Decimal("0.0046")
    at, above = (requirement(pool(asked + more, leg(of, 1))) for more in (0, Decimal("1e-6")))
    assert venue_figure(SAYS, at.equity, at.maintenance_margin) == pytest.approx(1)
    assert is_liquidatable(SAYS, at.equity, at.equity)
    assert not is_liquidatable(SAYS, above.equity, above.maintenance_margin)


def test_nothing_held_requires_nothing() -> None:
    """A balance alone is in no danger, whatever its sign."""
    for wallet in (100, 0, -1):
        found = requirement(pool(wallet))
        assert (found.equity, found.initial_margin, found.maintenance_margin) == (wallet, 0, 0)
