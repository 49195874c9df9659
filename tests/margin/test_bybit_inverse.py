"""What is peculiar to Bybit's isolated inverse position: the prices of the 2026 edition, the fee that moves
with what is added."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.bybit_inverse import bankruptcy_value
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable
from tests.support.small_books import decimal_book, price_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

FEE = Decimal("0.00055")
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


def pool(wallet: object, side: int, contracts: object, entry: object, fee: Decimal = FEE) -> SmallPool:
    """One position at 10x whose second tier begins at 0.5 coins."""
    schedule = tiers((0, "0.005"), ("0.5", "0.01"))
    of = Contract("BTC", Decimal(str(entry)), schedule, taker_fee=fee, inverse=True)
    leg = Leg(of, side * Decimal(str(contracts)), of.mark)
    return SmallPool("bybit_inverse_isolated", (Line(Coin("BTC"), Decimal(str(wallet)), (leg,)),))


@sides
@given(rng=rngs)
def test_liquidated_at_the_published_price_with_margin_added(side: int, rng: Random) -> None:
    """Q (1 + s rate) / (Q/entry + s (Q/entry/leverage + extra/(1 + s fee) + deduction)), s for the side."""
    entry, contracts = round(rng.uniform(20_000, 120_000), 1), 100_000
    value, fee, extra = contracts / entry, float(FEE), rng.choice([0.0, round(rng.uniform(0, 0.05), 6)])
    margin = value / 10 + fee * value * (1 + side / 10) + extra
    at_price = value + side * (value / 10 + extra / (1 + side * fee) + 0.0025)
    expected = contracts * (1 + side * 0.01) / at_price
    assert contracts / expected > 0.5, "in the second tier"
    assert price_of(pool(f"{margin:.15f}", side, contracts, entry)) == pytest.approx(expected, rel=1e-9)


def test_the_published_bankruptcy_price_of_a_whole_balance() -> None:
    """10,000 contracts at 8,000 with half a coin and a fee of 0.075 %: 5718.57, as the older help has it."""
    book = decimal_book(pool("0.5", 1, 10_000, 8_000, Decimal("0.00075")))
    value = bankruptcy_value(Decimal("0.5"), book.positions[0], book.instruments[0])
    assert float(10_000 / value) == pytest.approx(5718.57, abs=0.005)


@pytest.mark.parametrize("contracts", ["1", "0.5"])
def test_one_contract_is_long_like_many(contracts: str) -> None:
    """The margin of a long is added to what was entered, however small it is."""
    book = decimal_book(pool("0.1", 1, contracts, 50_000))
    value = bankruptcy_value(Decimal("0.1"), book.positions[0], book.instruments[0])
    assert value * (1 + FEE) == pytest.approx(Decimal("0.1") + Decimal(contracts) / 50_000)


@sides
def test_the_fee_is_on_the_value_where_the_margin_is_gone(side: int) -> None:
    """Loss and fee there are just the margin that is held."""
    book = decimal_book(pool("0.25", side, 100_000, 50_000))
    value = bankruptcy_value(Decimal("0.25"), book.positions[0], book.instruments[0])
    assert side * (value - 2) + value * FEE == pytest.approx(Decimal("0.25"))


def test_a_short_with_more_than_its_worth_has_no_bankruptcy() -> None:
    """A short loses at most what it sold for: with that much margin no fee is held back."""
    found = requirement(pool(3, -1, 100_000, 50_000))
    assert found.maintenance_margin == pytest.approx(2 * 0.01 - 0.0025)
    assert found.initial_margin == pytest.approx(0.2)


def test_equality_is_liquidated_and_nothing_held_asks_for_nothing() -> None:
    """The maintenance margin is the level; margin without a position is in no danger."""
    says = MODELS["bybit_inverse_isolated"].says
    assert is_liquidatable(says, 1.0, 1.0)
    for wallet in (1, 0, -1):
        found = requirement(SmallPool("bybit_inverse_isolated", (Line(Coin("BTC"), Decimal(wallet)),)))
        assert (found.equity, found.initial_margin, found.maintenance_margin) == (wallet, 0, 0)
