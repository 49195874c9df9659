"""What is peculiar to Gate: gradient tiers, the fee to close beside them, debts of the unified account."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.book.solve import Solver
from monitor.margin.models import MODELS, Convex
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.cex_tables import discounts, gradient
from tests.support.small_books import NAMES, float_book, pocket_of, price_of, requirement, solver
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

SAYS = MODELS["gate_futures"].says
BTC_TIERS = gradient(  # help centre 38042, read 2026-11-23; the venue's column is the ceiling of each
    (0, "0.004"),
    (20_000, "0.0045"),
    (50_000, "0.005"),
    (100_000, "0.007"),
    (200_000, "0.01"),
    (1_000_000, "0.02"),
    (2_000_000, "0.05"),
    (3_000_000, "0.5"),
)
FLAT = gradient((0, "0.005"))
FEE = Decimal("0.00075")
ETH = Contract("ETH", Decimal(2_000), FLAT, taker_fee=FEE)
COIN = Contract("BTCUSD", Decimal(60_000), FLAT, taker_fee=FEE, inverse=True)
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


def leg(of: Contract, size: object, entry: object, leverage: int = 10) -> Leg:
    """A position, entered at a price."""
    return Leg(of, Decimal(str(size)), Decimal(str(entry)), Decimal(leverage))


def pool(wallet: object, *legs: Leg, model: str = "gate_futures") -> SmallPool:
    """One settle coin."""
    return SmallPool(model, (Line(Coin("USDT"), Decimal(str(wallet)), legs),))


def unified(*lines: Line) -> SmallPool:
    """Several coins."""
    return SmallPool("gate_unified", lines)


@pytest.mark.parametrize("model", ["gate_futures", "gate_unified"])
def test_the_published_example_of_the_gradient(model: str) -> None:
    """150,000 USDT: 20,000 at 0.40 %, 30,000 at 0.45 %, 50,000 at 0.50 %, 50,000 at 0.70 % are 815 USDT."""
    plain = Contract("BTC", Decimal(100_000), BTC_TIERS)
    assert requirement(pool(0, leg(plain, "1.5", 100_000), model=model)).maintenance_margin == pytest.approx(
        815
    )
    charged = replace(plain, taker_fee=FEE)
    found = requirement(pool(0, leg(charged, "-1.5", 100_000), model=model))
    assert found.maintenance_margin == pytest.approx(815 + 150_000 * 0.00075)


@sides
@given(rng=rngs)
def test_an_inverse_position_is_liquidated_at_the_published_formula(side: int, rng: Random) -> None:
    """N (1 + side x (rate + fee)) / (N / entry + side x margin), N being its dollars."""
    dollars, entry = rng.uniform(100, 1e7), rng.uniform(40_000, 90_000)
    margin = dollars / 60_000 * rng.uniform(0.02, 0.5) - side * dollars * (1 / entry - 1 / 60_000)
    found = price_of(pool(f"{margin:.12g}", leg(COIN, f"{side * dollars:.12g}", f"{entry:.12g}")))
    expected = dollars * (1 + side * 0.00575) / (dollars / entry + side * margin)
    if 0 < expected < 60_000 * 9_000:
        assert found == pytest.approx(expected, rel=1e-8)


@example(rng=Random(99_999_999))  # a dip that is narrower than a step
@given(rng=rngs)
def test_growing_steps_find_what_fine_ones_find(rng: Random) -> None:
    """The search for convex models finds every end of a pool's life in both directions: all linear, or all
    inverse, long and short, across tiers, from the safe side and from the other."""
    is_inverse = rng.random() < 0.5
    of = replace(COIN if is_inverse else ETH, mark=Decimal(100), tiers=BTC_TIERS, underlying="A")
    legs = []
    for side in (1, -1):
        value = 10 ** rng.uniform(3, 6.7)
        size = value * 100 if is_inverse else value / 100
        legs.append(leg(of, f"{side * size:.8g}", f"{100 * rng.uniform(0.7, 1.4):.8g}"))
    worth = sum(abs(one.quantity) / 100 if is_inverse else abs(one.quantity) * 100 for one in legs)
    book = float_book(pool(f"{float(worth) * rng.uniform(-0.5, 0.6):.8g}", *legs))
    fine = Solver(solver().models, [Convex.NOWHERE] * len(NAMES)).survey(0, 1.0, 0.0, book, pocket_of(book))
    quick = solver().survey(0, 1.0, 0.0, book, pocket_of(book))
    assert quick.moves.lower == pytest.approx(fine.moves.lower, rel=1e-9, nan_ok=True)
    assert quick.moves.upper == pytest.approx(fine.moves.upper, rel=1e-9, nan_ok=True)
    for ours, theirs in zip(quick.legs.price[:2], fine.legs.price[:2], strict=True):
        if math.isnan(theirs) and not math.isnan(ours):  # a step of the fine one is wider than some dips
            assert is_breached(book, ours * (1 - 1e-7)) != is_breached(book, ours * (1 + 1e-7))
        else:
            assert ours == pytest.approx(theirs, rel=1e-8, nan_ok=True)


def is_breached(book: Any, price: float) -> bool:
    """Whether the pool is liquidated with its one contract at this price."""
    quotes = book.quotes.copy()
    quotes[book.instruments["mark"][0]] = price
    found = solver().assess(0, book._replace(quotes=quotes))
    return bool(found.maintenance_margin >= found.equity)


def test_legs_share_the_wallet_of_a_cross_pool() -> None:
    """What one leg gains keeps another one alive: equity and requirement are sums."""
    found = requirement(pool(100, leg(ETH, 1, 1_900), leg(ETH, -2, 2_100)))
    assert found.equity == pytest.approx(100 + 100 + 200)
    assert found.maintenance_margin == pytest.approx(3 * 2_000 * 0.00575)
    assert found.initial_margin == pytest.approx(3 * 2_000 / 10)


@pytest.mark.parametrize("model", ["gate_futures", "gate_unified"])
def test_equality_is_liquidated_and_a_hair_above_is_not(model: str) -> None:
    """The ratio is 100 % where the margin balance is just the requirement with its fee."""
    asked = 2_000 * (Decimal("0.005") + FEE)
    at, above = (
        requirement(pool(asked + more, leg(ETH, 1, 2_000), model=model)) for more in (0, Decimal("1e-8"))
    )
    assert venue_figure(SAYS, at.equity, at.maintenance_margin) == pytest.approx(1)
    assert is_liquidatable(SAYS, at.equity, at.equity)
    assert not is_liquidatable(SAYS, above.equity, above.maintenance_margin)


def test_the_ratio_of_automatic_repayment_is_no_liquidation() -> None:
    """At 110 % the venue repays debts; ours is 0.909 there."""
    asked = 2_000 * (Decimal("0.005") + FEE)
    found = requirement(pool(asked * Decimal("1.1"), leg(ETH, 1, 2_000), model="gate_unified"))
    assert venue_figure(SAYS, found.equity, found.maintenance_margin) == pytest.approx(1.1)
    assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)


@pytest.mark.parametrize("model", ["gate_futures", "gate_unified"])
def test_nothing_held_requires_nothing(model: str) -> None:
    """A balance without a position or a debt is in no danger, empty or not."""
    for wallet in (0, 100):
        found = requirement(pool(wallet, model=model))
        assert (found.equity, found.maintenance_margin) == (wallet, 0)


def test_a_coin_counts_by_the_discount_of_each_slice_of_its_amount() -> None:
    """BTC in the venue's sample: 0.98 up to 1,000 and 0.95 beyond."""
    coin = Coin("BTC", Decimal(60_000), tiers=discounts((0, "0.98"), (1_000, "0.95")))
    assert requirement(unified(Line(coin, Decimal(1_100)))).equity == pytest.approx((980 + 95) * 60_000)


def test_what_is_borrowed_is_owed_though_the_coin_is_there() -> None:
    """A loan that lies in the wallet nets out of equity, and is a debt that requires its margin."""
    coin = Coin("XRP", Decimal(2), liability=gradient((0, "0.05"), (500_000, "0.07")))
    found = requirement(unified(Line(coin, Decimal(300_000), borrowed=Decimal(300_000))))
    assert found.equity == 0
    assert found.maintenance_margin == pytest.approx(500_000 * 0.05 + 100_000 * 0.07)


def test_a_loss_beyond_the_wallet_is_owed_as_well() -> None:
    """Borrowed, and what the rest of the coin is below zero: 1,000 + (2,000 - 500)."""
    usdt = Coin("USDT", tiers=discounts((0, "0.9")), liability=gradient((0, "0.02")))
    held = Line(usdt, Decimal(500), (leg(ETH, 10, 2_200),), borrowed=Decimal(1_000))
    found = requirement(unified(held))
    assert found.equity == pytest.approx(500 - 2_000 - 1_000)
    assert found.maintenance_margin == pytest.approx(20_000 * 0.00575 + 2_500 * 0.02)


def test_orders_may_cost_equity_and_a_coin_may_be_switched_off() -> None:
    """The loss of open orders is taken off at the coin's price; what is no collateral adds nothing."""
    coin = Coin("ETH", Decimal(2_000))
    assert requirement(unified(Line(coin, Decimal(2), order_loss=Decimal("0.5")))).equity == pytest.approx(
        3_000
    )
    assert requirement(unified(Line(coin, Decimal(2), collateral=False))).equity == 0
    assert requirement(unified(Line(coin, Decimal(-2), collateral=False))).equity == pytest.approx(-4_000)
