"""Leveraged tokens: nothing is required of a holder; what their leverage is, does and costs."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.domain.instrument import Fund as Published
from monitor.margin.leveraged_token import (
    decay,
    effective_leverage,
    leverage_after,
    leverage_now,
    moves_to_rebalance,
)
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable
from tests.support.small_books import moves_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

FLAT = tiers((0, "0.01"))
# 75 units at 40 for 100 tokens of 10; and at twice, so that half the price leaves just nothing.
PUBLISHED = Published(Decimal(75), Decimal(40), Decimal(100), Decimal(10), Decimal("1.25"), Decimal(4))
HALF = Published(Decimal(50), Decimal(40), Decimal(100), Decimal(10), Decimal("1.25"), Decimal(4))
rngs = st.integers(0, 2**48).map(Random)
leverages = st.floats(1.1, 10).flatmap(lambda size: st.sampled_from([size, -size]))


def tokens(price: object, count: int = 100, wallet: int = 50, entry: object = 0) -> SmallPool:
    """So many tokens, paid from the wallet, and what is left there."""
    leg = Leg(Contract("BTC3L", Decimal(str(price)), FLAT, "BTC"), Decimal(count), Decimal(str(entry)))
    return SmallPool("leveraged_token", (Line(Coin("USDT"), Decimal(wallet), (leg,)),))


class Fund:
    """A fund with a basket, in cash and contracts: another way to everything that is told of it."""

    def __init__(self, leverage: float, worth: float = 1_000.0, price: float = 40.0) -> None:
        self.price, self.basket, self.cash = price, 0.0, worth
        self.rebalance(leverage)

    @property
    def worth(self) -> float:
        """All that it has."""
        return self.cash + self.basket * self.price

    @property
    def leverage(self) -> float:
        """Exposure over worth."""
        return self.basket * self.price / self.worth

    def rebalance(self, leverage: float) -> None:
        """Trades at the price that is, to the leverage that is wanted."""
        worth = self.worth
        self.basket = leverage * worth / self.price
        self.cash = worth - self.basket * self.price


@pytest.mark.parametrize(
    ("price", "worth"), [("0", 50), ("1e-8", 50 + 1e-6), ("12.5", 1_300), ("1e8", 50 + 1e10)]
)
def test_tokens_are_worth_their_price_and_require_nothing(price: str, worth: float) -> None:
    """From dust to a fortune: never in danger, never liquidatable, no move and no price that liquidates."""
    pool = tokens(price)
    found = requirement(pool)
    assert found.equity == pytest.approx(worth)
    assert (found.initial_margin, found.maintenance_margin) == (0, 0)
    assert not is_liquidatable(MODELS["leveraged_token"].says, found.equity, found.maintenance_margin)
    assert moves_of(pool)["BTC"] == pytest.approx((math.nan, math.nan), nan_ok=True)
    assert math.isnan(surveyed(pool).legs.price[0])


def test_what_is_not_in_the_wallet_yet_is_profit() -> None:
    """An entry price says that the wallet still has what was paid: the worth is the same."""
    assert requirement(tokens("12.5", entry=10, wallet=1_050)) == requirement(tokens("12.5"))


def test_effective_leverage_is_basket_over_worth() -> None:
    """123,456.78 contracts at 10,000 behind ten million tokens of 80: 1.54 times."""
    found = effective_leverage(Decimal("123456.78"), Decimal(10_000), Decimal(10_000_000), Decimal(80))
    assert found == Decimal("1.543209750")
    assert effective_leverage(-3.0, 100.0, 10.0, 10.0) == pytest.approx(-3)


@given(leverage=leverages, move=st.floats(-0.9, 3))
def test_leverage_after_a_move_is_that_of_the_same_basket(leverage: float, move: float) -> None:
    """The fund keeps its contracts: what they and it are worth then."""
    fund = Fund(leverage)
    fund.price *= 1 + move
    assume(fund.worth > 1e-6)
    assert leverage_after(leverage, move) == pytest.approx(fund.leverage, rel=1e-6)


def test_leverage_now_is_that_of_the_published_basket() -> None:
    """Published at 3 with the underlying at 40: at 36 it is 2.7 / 0.7; without a price it is still 3, and a
    fall of a third leaves nothing to have a leverage."""

    def at(price: object) -> Decimal | None:
        now = None if price is None else Decimal(str(price))
        return leverage_now(PUBLISHED, now, lambda stated, _: stated)

    assert at(None) == at(40) == 3
    assert at(36) == Decimal("2.7") / Decimal("0.7")
    assert at(44) == Decimal("3.3") / Decimal("1.3")
    assert at("26.7") is not None
    assert [at(price) for price in ("26.6", 20, 1)] == [None] * 3
    assert leverage_now(HALF, Decimal(20), lambda stated, _: stated) is None


def test_leverage_rises_against_the_holder() -> None:
    """A long fund of three has more than three after a fall, a short one after a rise."""
    assert leverage_after(3.0, -0.1) == pytest.approx(2.7 / 0.7)
    assert leverage_after(3.0, 0.1) == pytest.approx(3.3 / 1.3)
    assert leverage_after(-3.0, 0.1) == pytest.approx(-3.3 / 0.7)
    assert leverage_after(-3.0, -0.1) == pytest.approx(-2.7 / 1.3)


def test_a_fund_without_a_debt_keeps_its_leverage() -> None:
    """At 1 it is its underlying: no price brings another leverage, and none but 0 would be left of it."""
    assert moves_to_rebalance(1.0, 0.5, 2.0) == (None, None)


@given(leverage=leverages, less=st.floats(0.1, 0.99), more=st.floats(1.01, 10))
def test_a_rebalance_is_due_where_the_fund_has_the_bound_then(
    leverage: float, less: float, more: float
) -> None:
    """Each move, walked with the basket, ends at the bound; one that is None is met at no price."""
    lowest, highest = abs(leverage) * less, abs(leverage) * more
    assume(abs(lowest - 1) > 1e-3)
    moves = moves_to_rebalance(leverage, lowest, highest)
    near, far = (moves.down, moves.up) if leverage > 0 else (moves.up, moves.down)
    for move, bound in ((near, highest), (far, lowest)):
        if move is None:
            assert leverage > 0
            assert lowest < 1  # a fund with a debt nears 1 however far its underlying rises
            continue
        assert move > -1, "there is no price below 0"
        fund = Fund(leverage)
        fund.price *= 1 + move
        assert abs(fund.leverage) == pytest.approx(bound, rel=1e-6)


def test_the_range_of_a_long_and_a_short_fund() -> None:
    """A fund of three with a range of 1.25 to 4: a ninth down and 233 % up; mirrored, a fifteenth up."""
    assert tuple(moves_to_rebalance(3.0, 1.25, 4.0)) == pytest.approx((-1 / 9, 7 / 3))
    assert tuple(moves_to_rebalance(-3.0, 1.25, 4.0)) == pytest.approx((-7 / 27, 1 / 15))


@pytest.mark.parametrize("leverage", [5.0, 4.0, 1.25, 1.0, -4.0, -1.0])
def test_a_fund_outside_its_range_is_due_now(leverage: float) -> None:
    """At a bound and past it no move is needed."""
    assert moves_to_rebalance(leverage, 1.25, 4.0) == (0, 0)


def test_a_fund_without_a_debt_never_comes_to_one() -> None:
    """Between 0 and 1 leverage rises with the price towards 1, which no price brings, nor more."""
    for highest in (1.0, 2.0):
        down, up = moves_to_rebalance(0.5, 0.25, highest)
        assert down == pytest.approx(-2 / 3)
        assert up is None


@pytest.mark.parametrize("leverage", [3.0, 2.0, -1.0, -3.0, 0.5])
def test_decay_is_what_constant_rebalancing_loses(leverage: float) -> None:
    """A thousand small moves up and down, rebalanced after each: worth against the power of the move."""
    rng, fund, step = Random(7), Fund(leverage), 0.002
    worth, price, variance = fund.worth, fund.price, 0.0
    for _ in range(1_000):
        fund.price *= math.exp(rng.choice([step, -step]))
        variance += step * step
        fund.rebalance(leverage)
    powered = worth * (fund.price / price) ** leverage
    assert fund.worth / powered - 1 == pytest.approx(decay(leverage, variance), rel=0.01)


def test_decay_of_three_at_eighty_per_cent_over_a_week() -> None:
    """exp(-3 x 0.64 x 7 / 365) - 1: 3.6 %; of nothing and of one there is none."""
    week = Decimal("0.64") * 7 / 365
    assert float(decay(Decimal(3), week)) == pytest.approx(math.exp(-3 * 0.64 * 7 / 365) - 1)
    assert decay(3.0, float(week)) == pytest.approx(-0.0362, abs=5e-5)
    assert decay(0.0, 1.0) == decay(1.0, 1.0) == 0
    assert decay(-1.0, 0.64) == pytest.approx(math.exp(-0.64) - 1)
