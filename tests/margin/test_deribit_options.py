"""What is peculiar to Deribit's options: only short ones ask, orders open or close, and none is equity."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random
from typing import Any

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.margin.band import is_breached
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable
from tests.support import draws
from tests.support.deribit_legs import FORWARD, NOTHING, ONE, future, in_coin, in_dollars, option, pool
from tests.support.small_books import moves_of, price_of, requirement, surveyed
from tests.support.small_draws import PRECISION, number

rngs = st.integers(0, 2**48).map(Random)
both_models = pytest.mark.parametrize("model", ["deribit_inverse", "deribit_linear"])
both_sides = pytest.mark.parametrize("side", [1, -1])


@both_sides
@both_models
def test_an_option_is_no_part_of_the_margin_balance(model: str, side: int) -> None:
    """Equity is the same with any option, long or short, whatever it is worth."""
    held = option(side * 3, 9_000, 1, "0.2", inverse=model == "deribit_inverse")
    assert requirement(pool(model, 7, held)).equity == 7


@both_models
def test_long_options_ask_for_nothing(model: str) -> None:
    """A pool that only bought can't be liquidated, even with nothing left."""
    held = option(3, 9_000, -1, "0.2", inverse=model == "deribit_inverse")
    found = requirement(pool(model, 0, held))
    assert found == (0, 0, 0)
    assert not is_breached(found.maintenance_margin, found.equity, 1.0)


@both_models
@pytest.mark.parametrize("wallet", [0, -1])
def test_one_short_option_without_equity_is_liquidated(model: str, wallet: int) -> None:
    """No margin balance, or less, under a short option is beyond liquidation."""
    held = option("-1e-8", 30_000, 1, 0, inverse=model == "deribit_inverse")
    found = requirement(pool(model, wallet, held))
    assert found.maintenance_margin > 0
    assert is_breached(found.maintenance_margin, found.equity, 1.0)
    assert is_liquidatable(MODELS[model].says, found.equity, found.maintenance_margin)


@pytest.mark.parametrize(
    ("strike", "initial"),
    [
        (9_000, "0.175"),  # in the money: as at the money
        (10_000, "0.175"),
        (10_200, "0.155"),
        (10_500, "0.125"),  # the floor from here on
        (40_000, "0.125"),
    ],
)
def test_a_short_call_asks_for_less_the_farther_it_is(strike: int, initial: str) -> None:
    """15 % of the coin less what it is out of the money, at least 10 %, and its mark; maintenance 7.5 %."""
    found = in_coin(option(-1, strike, 1, "0.025"))
    assert (found.initial_margin, found.maintenance_margin) == (Decimal(initial), Decimal("0.1"))


@pytest.mark.parametrize(
    ("strike", "mark", "initial", "maintenance"),
    [
        (9_000, "0.025", "0.125", "0.1"),
        (9_800, "0.025", "0.155", "0.1"),
        (11_000, "0.1", "0.25", "0.175"),
        (20_000, "1", "1.15", "1.075"),
        (30_000, "2", "2.15", "2.15"),  # 7.5 % of its mark, and as much initially
        (50_000, "4", "4.3", "4.3"),
    ],
)
def test_a_short_put_that_is_worth_coins_asks_for_more(
    strike: int, mark: str, initial: str, maintenance: str
) -> None:
    """A put's maintenance margin is 7.5 % of the coin or of its mark, the greater; its initial never less."""
    found = in_coin(option(-1, strike, -1, mark))
    assert (found.initial_margin, found.maintenance_margin) == (Decimal(initial), Decimal(maintenance))


@given(rng=rngs)
def test_the_same_option_asks_for_the_same_worth_in_usdc(rng: Random) -> None:
    """What a coin's option asks in coin, a linear one asks in USDC, times the underlying."""
    strike, side, mark = number(rng, 3, 5), rng.choice([1, -1]), number(rng, -4, 1)
    short = -number(rng, -3, 3)
    with localcontext(prec=PRECISION):
        coin = in_coin(option(short, strike, side, mark))
        dollars = in_dollars(option(short, strike, side, mark * FORWARD, inverse=False))
        for one, other in zip(coin, dollars, strict=True):
            assert abs(one * FORWARD - other) <= Decimal("1e-50") * abs(other)


def test_a_linear_contract_stands_for_many_coins() -> None:
    """A contract of SOL is 10 SOL: its margin is ten times that of one coin."""
    terms: dict[str, Any] = {"inverse": False, "forward": 200, "bids": Decimal(5)}
    one = in_dollars(option(-3, 220, 1, 12, **terms))
    ten = in_dollars(option(-3, 220, 1, 12, multiplier=Decimal(10), **terms))
    assert one.maintenance_margin == 3 * (15 + 12)
    assert one.initial_margin == 3 * (20 + 12) + 2 * 12
    assert [figure * 10 for figure in one] == list(ten)


def test_orders_to_buy_first_close_what_is_short() -> None:
    """They reserve the premium of what they would open, at mark, and nothing for what they would close."""
    short = Decimal("0.125")
    for bids, more in [("0", "0"), ("0.5", "0"), ("1", "0"), ("1.2", "0.005"), ("3", "0.05")]:
        found = in_coin(option(-1, 9_000, -1, "0.025", bids=Decimal(bids)))
        assert found.initial_margin == short + Decimal(more)
    assert in_coin(option(1, 9_000, -1, "0.025", bids=ONE)).initial_margin == Decimal("0.025")


def test_orders_to_sell_are_covered_by_what_is_long() -> None:
    """They ask for the margin of what they would leave short, beside what is short already."""
    one = Decimal("0.125")
    for held, asks, sold in [(0, 1, 1), (1, 1, 0), (1, 3, 2), (-1, 1, 2), (-1, 0, 1)]:
        found = in_coin(option(held, 9_000, -1, "0.025", asks=Decimal(asks)))
        assert found.initial_margin == sold * one


@both_models
@given(rng=rngs)
def test_orders_change_no_maintenance_margin(model: str, rng: Random) -> None:
    """Whatever is ordered, what keeps the pool alive stays, and so does equity."""
    drawn = draws.pool(rng, model)
    (line,) = drawn.lines
    legs = tuple(replace(leg, bids=NOTHING, asks=NOTHING) for leg in line.legs)
    with_orders, without = requirement(drawn), requirement(replace(drawn, lines=(replace(line, legs=legs),)))
    assert with_orders.maintenance_margin == without.maintenance_margin
    assert with_orders.equity == without.equity


@both_models
@given(rng=rngs)
def test_more_size_never_asks_for_less_but_for_what_orders_would_close(model: str, rng: Random) -> None:
    """A larger position never lowers maintenance margin, nor initial margin where nothing is to be sold."""
    drawn = draws.pool(rng, model)
    (line,) = drawn.lines
    assume(line.legs)
    place, factor = rng.randrange(len(line.legs)), number(rng, 0, 4)
    legs = [replace(leg, asks=NOTHING) for leg in line.legs]
    larger = [
        replace(leg, quantity=leg.quantity * factor) if k == place else leg for k, leg in enumerate(legs)
    ]
    with localcontext(prec=PRECISION):
        assess = in_coin if model == "deribit_inverse" else in_dollars
        before, after = assess(*legs), assess(*larger)
    assert after.initial_margin >= before.initial_margin * (1 - Decimal("1e-20"))
    assert after.maintenance_margin >= before.maintenance_margin * (1 - Decimal("1e-20"))


def marked(strike: float, side: int, forward: float, *, inverse: bool) -> float:
    """The textbook's mark of the terms that a leg has here: 60 % a year, a tenth of a year."""
    spread = 0.6 * math.sqrt(0.1)
    above = (math.log(forward / strike) + spread**2 / 2) / spread
    worth = float(
        side * (forward * mpmath.ncdf(side * above) - strike * mpmath.ncdf(side * (above - spread)))
    )
    return worth / forward if inverse else worth


@both_models
@given(rng=rngs)
def test_a_short_straddle_is_liquidated_on_either_side(model: str, rng: Random) -> None:
    """Both moves of the underlying are found with the options repriced: there, margin is equity."""
    inverse, forward = model == "deribit_inverse", float(FORWARD)
    strikes = [forward * rng.uniform(0.9, 1.1) for _ in range(2)]

    def straddle(at: float) -> list[Any]:
        legs = zip(strikes, (1, -1), strict=True)
        return [
            option(-2, strike, side, marked(strike, side, at, inverse=inverse), inverse=inverse, forward=at)
            for strike, side in legs
        ]

    needed = requirement(pool(model, 0, *straddle(forward))).maintenance_margin
    wallet = needed * rng.uniform(1.05, 1.5)
    moves = moves_of(pool(model, wallet, *straddle(forward)))["BTC"]
    assert moves[0] < 1
    for factor in moves:
        if not math.isnan(factor):
            there = requirement(pool(model, wallet, *straddle(forward * factor)))
            assert there.maintenance_margin == pytest.approx(wallet, rel=1e-9)
    assert not math.isnan(moves[1]) or inverse  # a call is never worth more than its coin


@both_models
def test_a_long_put_does_not_save_a_long_future(model: str) -> None:
    """Its worth is no part of the margin balance: the future dies at the same price with it and without."""
    inverse = model == "deribit_inverse"
    held = future(50_000 if inverse else 5, FORWARD, inverse=inverse)
    put = option(5, 9_800, -1, "0.07" if inverse else 700, inverse=inverse)
    alone, hedged = (pool(model, 1 if inverse else 10_000, *legs) for legs in ((held,), (held, put)))
    assert not math.isnan(price_of(alone))
    assert price_of(hedged) == price_of(alone)
    assert moves_of(hedged)["BTC"][0] == moves_of(alone)["BTC"][0]


@both_models
def test_buying_back_a_short_option_frees_more_than_it_costs(model: str) -> None:
    """To close at mark costs the mark and frees the mark and 7.5 %: closing a part is a rescue."""
    inverse = model == "deribit_inverse"
    held = option(-10, 10_000, 1, "0.05" if inverse else 500, inverse=inverse)
    needed = requirement(pool(model, 0, held)).maintenance_margin
    wallet = needed * 1.2
    cut = float(surveyed(pool(model, wallet, held), 0.5, 1e12).legs.cut[0])
    left = replace(held, quantity=held.quantity * Decimal(1 - cut))
    cost = cut * 10 * float(held.contract.mark)
    after = requirement(pool(model, wallet - cost, left))
    assert after.maintenance_margin == pytest.approx(0.5 * after.equity, rel=1e-9)
