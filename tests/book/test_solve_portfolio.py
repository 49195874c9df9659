"""Pools under portfolio margin: where a move of the underlying ends them, options repriced, both ways."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numba import njit

from monitor.book.compiled import assess
from monitor.book.pocket import fill, move_underlying
from monitor.book.solve import TOP_UP, Change
from monitor.margin.portfolio_terms import DERIBIT, deribit_terms, deribit_unit, okx_terms
from tests.oracles.deribit_portfolio import option_worth
from tests.support.risk_units import future, option, pool_of, unit_of
from tests.support.small_books import float_book, moves_of, pocket_of, requirement, solver, surveyed
from tests.support.small_market import Coin, Leg, OptionTerms, RiskUnit, SmallPool

INDEX = 50_000
MODELS_HERE = ("deribit_portfolio", "okx_portfolio")
every_model = pytest.mark.parametrize("model", MODELS_HERE)
rngs = st.integers(0, 2**48).map(Random)


def unit(rng: Random, model: str) -> RiskUnit:
    """The published unit of BTC, settled either way."""
    inverse = rng.random() < 0.5
    if model == "okx_portfolio":
        return unit_of(okx_terms("BTC", inverse=inverse), INDEX)
    return unit_of(deribit_unit(DERIBIT["BTC"], inverse=inverse), INDEX)


def leg(rng: Random, within: RiskUnit, *, may_be_option: bool) -> Leg:
    """A future of some coins, or an option of some, within a year."""
    coins = Decimal(f"{rng.choice([1, -1]) * rng.uniform(0.1, 20):.4g}")
    years = Decimal(f"{rng.uniform(0.01, 1):.3g}")
    if may_be_option and rng.random() < 0.5:
        strike = Decimal(round(INDEX * rng.uniform(0.6, 1.6)))
        terms = OptionTerms(strike, rng.choice([1, -1]), Decimal(INDEX), years=years)
        worth = option_worth(terms, terms.forward, terms.volatility)
        return option(within, coins, terms, worth / INDEX if within.inverse else worth)
    size = coins * INDEX if within.inverse else coins
    return future(within, size, INDEX, name=f"until {years}", years=years)


def pool(rng: Random, model: str) -> SmallPool:
    """Some legs and a balance of once to four times what they require."""
    within = unit(rng, model)
    legs = [leg(rng, within, may_be_option=model == "deribit_portfolio") for _ in range(rng.randint(1, 5))]
    in_dollars = model == "okx_portfolio" and within.inverse
    coin = Coin("BTC", Decimal(INDEX), "BTC") if in_dollars else Coin("BTC" if within.inverse else "USDC")
    held = pool_of(model, 0, legs, coin)
    found = requirement(held)
    wallet = (found.maintenance_margin * rng.uniform(1, 4) - found.equity) / (INDEX if in_dollars else 1)
    return pool_of(model, f"{wallet:.9g}", legs, coin)


@njit(error_model="numpy")
def requirement_at(models, factor, pocket, book):
    """Of pool 0 with its first underlying at a factor of its price."""
    fill(0, book, pocket)
    move_underlying(0, factor, pocket)
    return assess(models, 0, pocket.book)


def are_breached(held: SmallPool, *factors: float) -> list[bool]:
    """Whether the pool is liquidated with everything on BTC at each of these factors of its price."""
    book = float_book(held)
    found = [requirement_at(solver().models, factor, pocket_of(book), book) for factor in factors]
    return [one.maintenance_margin > 0 and one.maintenance_margin >= one.equity for one in found]


@every_model
@settings(max_examples=40)
@given(rng=rngs)
def test_a_move_ends_the_pool_where_it_is_found_and_not_before(model: str, rng: Random) -> None:
    """At the factor the pool is liquidated, a millionth before it is not, nor anywhere nearer; where there is
    none, nowhere within a hundred times the price."""
    held = pool(rng, model)
    assume(are_breached(held, 1) == [False])
    for factor, side in zip(moves_of(held)["BTC"], (-1, 1), strict=True):
        end = 100.0**side if math.isnan(factor) else factor * (1 - side * 1e-6)
        assert not any(are_breached(held, *(end**share for share in np.linspace(0, 1, 60))))
        if not math.isnan(factor):
            assert are_breached(held, factor * (1 + side * 1e-9)) == [True]


def test_a_short_straddle_dies_either_way() -> None:
    """A hedged book has two ends, and neither is that of a future."""
    within = unit_of(deribit_terms("BTC", "BTC"), INDEX)
    legs = []
    for side in (1, -1):
        terms = OptionTerms(Decimal(INDEX), side, Decimal(INDEX))
        legs.append(option(within, -10, terms, option_worth(terms, terms.forward, terms.volatility) / INDEX))
    held = pool_of("deribit_portfolio", 5, legs, Coin("BTC"))
    lower, upper = moves_of(held)["BTC"]
    assert 0.5 < lower < 1 < upper < 2
    assert np.isnan(surveyed(held).legs.price).tolist() == [True, True]


def test_collateral_that_is_enough() -> None:
    """What is told to add brings the ratio under the level; 0.1 % less does not."""
    within = unit_of(deribit_terms("BTC", "BTC"), INDEX)
    held = pool_of("deribit_portfolio", "0.2", [future(within, INDEX, INDEX)], Coin("BTC"))
    book = float_book(held)
    survey = solver().survey(0, 0.5, 1e6, book, pocket_of(book))
    add = float(survey.adds[0])
    found = [ratio_with(held, add * share) for share in (1 + 1e-9, 0.999)]
    assert found[0] < 0.5 < found[1]
    (after,) = solver().after([Change(TOP_UP, 0, add)], 0, book)
    assert after.maintenance_margin / after.equity == pytest.approx(0.5)


def ratio_with(held: SmallPool, more: float) -> float:
    """The ratio with more in the wallet."""
    (line,) = held.lines
    found: Any = requirement(replace(held, lines=(replace(line, wallet=line.wallet + Decimal(more)),)))
    return float(found.maintenance_margin / found.equity)


def test_a_hedge_is_ended_by_the_cost_of_closing_it_alone() -> None:
    """Long and short the same: no fall ends it, only a rise so far that closing both costs all there is."""
    within = unit_of(okx_terms("BTC"), INDEX)
    legs = [future(within, 1, INDEX), future(within, -1, INDEX)]
    lower, upper = moves_of(pool_of("okx_portfolio", 10_000, legs))["BTC"]
    assert math.isnan(lower)
    assert upper == pytest.approx(10_000 / (2 * INDEX * 0.0045))
