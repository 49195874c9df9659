"""What is peculiar to GMX v2: the least that must remain, the worse oracle price, what is taken off first."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.instrument import MarginTier
from monitor.margin.band import is_breached
from monitor.margin.gmx import closing_impact
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.small_books import decimal_book, moves_of, price_of, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, Number, SmallPool

NOTHING, ONE = Decimal(0), Decimal(1)
RATE, FEE = Decimal("0.005"), Decimal("0.0006")
USDC, USD = Coin("USDC"), Coin("USD")
rngs = st.integers(0, 2**48).map(Random)
both_sides = pytest.mark.parametrize("side", [1, -1])


def market(price: Number | float, high: Number | None = None, fee: Decimal = NOTHING) -> Contract:
    """ETH at the oracle's lower price, and its higher one where they differ."""
    step = MarginTier(NOTHING, RATE, ONE, NOTHING)
    index = None if high is None else Decimal(high)
    return Contract("ETH", Decimal(price), (step,), taker_fee=fee, index=index)


def held(
    collateral: Line, of: Contract, tokens: Number | float, entry: Number | float, fees: Number | float = 0
) -> SmallPool:
    """One position, its pending fees in USD."""
    leg = Leg(of, Decimal(tokens), Decimal(entry), ONE)
    return SmallPool("gmx", (collateral, Line(USD, -Decimal(fees), (leg,))), threshold=ONE)


def dollars(amount: Number | float) -> Line:
    """Collateral in a coin that follows nothing."""
    return Line(USDC, Decimal(amount))


def exact(pool: SmallPool) -> Requirement[Decimal]:
    """Over Decimal."""
    found: Requirement[Decimal] = MODELS["gmx"].assess(0, decimal_book(pool))
    return found


def test_equality_is_safe_at_the_venue_and_liquidation_in_the_band() -> None:
    """Less than required must remain for a liquidation; what is shown is what remains above it."""
    says = MODELS["gmx"].says
    assert not is_liquidatable(says, 5.0, 5.0)
    assert is_liquidatable(says, math.nextafter(5.0, 4), 5.0)
    assert is_breached(5.0, 5.0, 1.0)
    assert venue_figure(says, 8.0, 5.0) == 3.0


def test_nothing_remaining_is_past_what_must_remain() -> None:
    """The venue asks as well whether more than nothing remains; that never decides alone."""
    found = exact(held(dollars(0), market(100), 1, 100))
    assert found == Requirement(NOTHING, NOTHING, ONE)
    assert is_liquidatable(MODELS["gmx"].says, 0.0, 1.0)


@pytest.mark.parametrize(
    ("size", "required"), [(1, "1"), (199, "1"), (200, "1"), (201, "1.005"), (1000, "5")]
)
def test_the_greater_of_rate_and_least_collateral_must_remain(size: int, required: str) -> None:
    """Half a per cent of the size, and never below one dollar."""
    assert exact(held(dollars(50), market(1), size, 1)).maintenance_margin == Decimal(required)


@both_sides
def test_the_size_is_what_was_paid_whatever_it_is_worth(side: int) -> None:
    """The requirement and the fee to close do not move with the price."""
    before = exact(held(dollars(50), market(100, fee=FEE), side * 10, 100))
    after = exact(held(dollars(50), market(110, fee=FEE), side * 10, 100))
    assert before.maintenance_margin == after.maintenance_margin == 5
    assert after.equity - before.equity == side * 100
    assert before.equity == 50 - 1000 * FEE


@pytest.mark.parametrize(("low", "high"), [(99, 101), (101, 99)])
def test_profit_is_at_the_worse_of_two_prices(low: int, high: int) -> None:
    """A long gains at the lower one, a short at the higher one, in whatever order they are told."""
    of = market(low, high)
    assert exact(held(dollars(50), of, 10, 100)).equity == 50 - 10
    assert exact(held(dollars(50), of, -10, 100)).equity == 50 - 10


def test_a_position_with_no_size_needs_no_collateral() -> None:
    """The least collateral is asked of a position, not of a balance."""
    assert exact(held(dollars(50), market(100), 0, 100)) == Requirement(Decimal(50), NOTHING, NOTHING)


@both_sides
@given(rng=rngs)
def test_the_liquidation_price_with_collateral_that_does_not_move(side: int, rng: Random) -> None:
    """Entry moved by (what remains at entry - what must) over the tokens."""
    entry, size = 10 ** rng.uniform(-2, 5), 10 ** rng.uniform(1, 6)
    tokens, paid, fees = size / entry, size * rng.uniform(0.05, 0.9) + 5, rng.uniform(0, 0.5)
    remaining = paid - fees - size * float(FEE)
    expected = entry - side * (remaining - max(size * float(RATE), 1)) / tokens
    found = price_of(held(dollars(paid), market(entry, fee=FEE), side * tokens, entry, fees), 0)
    if expected < 1e-4 * entry:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(expected, rel=1e-8)


@both_sides
@given(rng=rngs)
def test_the_liquidation_price_with_the_index_token_as_collateral(side: int, rng: Random) -> None:
    """Long: (size + required + fees) / (tokens + collateral); short, where the collateral moves against it:
    (size - required - fees) / (tokens - collateral)."""
    entry, size = 10 ** rng.uniform(-2, 5), 10 ** rng.uniform(1, 6)
    tokens, fees = size / entry, rng.uniform(0, 0.5)
    paid = tokens * rng.uniform(0.2, 0.8) + 5 / entry
    off = max(size * float(RATE), 1) + fees + size * float(FEE)
    expected = (size + side * off) / (tokens + side * paid)
    coin = Line(Coin("WETH", Decimal(entry), "ETH"), Decimal(paid))
    lower, upper = moves_of(held(coin, market(entry, fee=FEE), side * tokens, entry, fees))["ETH"]
    if side > 0:
        assert lower * entry == pytest.approx(expected, rel=1e-8)
        assert math.isnan(upper)
    elif paid < tokens:
        assert upper * entry == pytest.approx(expected, rel=1e-8)


def test_a_short_covered_by_its_own_token_is_not_liquidated_by_their_price() -> None:
    """As many tokens of collateral as are short: no move of their price liquidates."""
    coin = Line(Coin("WETH", Decimal(100), "ETH"), Decimal(10))
    assert moves_of(held(coin, market(100), -10, 100))["ETH"] == pytest.approx(
        (math.nan, math.nan), nan_ok=True
    )


def test_a_fee_owed_in_tokens_is_taken_off_at_their_price() -> None:
    """Funding that is told in the collateral token is borrowed of it."""
    coin = Line(Coin("WETH", Decimal(100), "ETH"), Decimal(2), borrowed=Decimal("0.1"))
    assert exact(held(coin, market(100), 10, 100)).equity == 190


@pytest.mark.parametrize(("impact", "counted"), [(25, "0"), (0, "0"), (-3, "-3"), (-10, "-10"), (-11, "-10")])
def test_impact_is_no_gain_and_no_more_than_a_share_of_the_size(impact: int, counted: str) -> None:
    """At most one per cent of a thousand, at least nothing."""
    assert closing_impact(Decimal(impact), Decimal(1000), Decimal("0.01")) == Decimal(counted)


def test_only_closing_it_all_ends_a_small_position() -> None:
    """Where less is left than the least collateral, no smaller position would do: all of it must go."""
    found = surveyed(held(dollars("0.5"), market(100), Decimal("0.1"), 100), 1.0, 1e12)
    assert found.legs.cut[0] == pytest.approx(1.0, rel=1e-9)
    assert found.adds[0] == pytest.approx(0.5, rel=1e-9)
