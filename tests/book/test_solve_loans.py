"""Pools of borrowed coins: where a coin's move ends them, and what brings them back. They hold no position:
what helps is collateral."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.book.solve import TOP_UP, Change
from monitor.domain.instrument import MarginTier
from tests.support.draws_spotmargin import FLAT_RATIOS, THRESHOLDS, loan_schedule
from tests.support.small_books import float_book, moves_of, pocket_of, requirement, solver
from tests.support.small_market import Coin, Line, SmallPool

LOANS = ("margin_level", "margin_pro", "portfolio_unimmr", "okx_margin_isolated")
LEVEL, DISTANCE, MOST = 0.475, 0.0525, 1e12
models_of_loans = pytest.mark.parametrize("model", LOANS)
rngs = st.integers(0, 2**48).map(Random)


def account(rng: Random, model: str) -> SmallPool:
    """A coin that moves and cash, one mostly held and the other mostly owed, solvent or not far from it."""
    fee = Decimal("0.001") if model == "okx_margin_isolated" else Decimal(0)
    price = Decimal(f"{10 ** rng.uniform(-3, 5):.6g}")
    ratios = FLAT_RATIOS if rng.random() < 0.5 else ()
    coins = [
        Coin(name, worth, underlying, ask_buffer=fee, tiers=ratios, liability=schedule(rng, model))
        for name, worth, underlying in (("BTC", price, "BTC"), ("USDT", Decimal(1), ""))
    ]
    debt = 10 ** rng.uniform(2, 7)
    worths = [(debt * rng.uniform(0.98, 3), 0.0), (debt * rng.uniform(0, 0.2), debt)]
    rng.shuffle(worths)
    lines = tuple(
        Line(coin, amount(held, coin), borrowed=amount(owed, coin))
        for coin, (held, owed) in zip(coins, worths, strict=True)
    )
    return SmallPool(model, lines, threshold=Decimal(THRESHOLDS.get(model, 1)))


def schedule(rng: Random, model: str) -> tuple[MarginTier, ...]:
    """Rates of at most 30 %, so that adding helps before the pool has doubled."""
    steps = loan_schedule(rng, whole=model == "okx_margin_isolated")
    return steps if all(step.maintenance_rate < Decimal("0.3") for step in steps) else steps[:1]


def amount(worth: float, coin: Coin) -> Decimal:
    """So many coins as are worth this."""
    return Decimal(f"{worth / float(coin.price):.10g}")


def moved(held: SmallPool, factor: float) -> SmallPool:
    """The coin at a factor of its price."""
    lines = [
        replace(line, coin=replace(line.coin, price=line.coin.price * Decimal(factor)))
        if line.coin.underlying
        else line
        for line in held.lines
    ]
    return replace(held, lines=tuple(lines))


def is_breached(held: SmallPool, level: float = 1.0) -> bool:
    """Whether what is asked for reaches the level of equity."""
    found = requirement(held)
    return found.maintenance_margin >= level * found.equity


@models_of_loans
@given(rng=rngs)
def test_a_move_ends_the_pool_where_it_is_found_and_not_before(model: str, rng: Random) -> None:
    """At the factor the pool is liquidated, a millionth before it is not; where there is none, nowhere."""
    held = account(rng, model)
    assume(not is_breached(held))
    for factor, far, inward in zip(moves_of(held)["BTC"], (1e-4, 1e4), (1, -1), strict=True):
        if math.isnan(factor):
            assert not is_breached(moved(held, far))
        else:
            assert is_breached(moved(held, factor * (1 - inward * 1e-9)))
            assert not is_breached(moved(held, factor * (1 + inward * 1e-6)))


@models_of_loans
@given(rng=rngs)
def test_collateral_that_is_enough(model: str, rng: Random) -> None:
    """What is told to add brings the ratio under the level and the end far away; 0.1 % less does not."""
    held = account(rng, model)
    book = float_book(held)
    survey = solver().survey(0, LEVEL, MOST, book, pocket_of(book), DISTANCE)
    if is_saved(held):
        assert np.isnan(survey.adds).all()
        return
    assert any(add > 0 for add in survey.adds[: len(held.lines)])
    for place, size in enumerate(survey.adds[: len(held.lines)].tolist()):
        if not math.isnan(size):
            assert is_saved(with_more(held, place, size * (1 + 1e-9)))
            assert not is_saved(with_more(held, place, size * 0.999))


def is_saved(held: SmallPool) -> bool:
    """Whether the ratio is below the level here, and no move by the distance liquidates."""
    return not is_breached(held, LEVEL) and not any(
        is_breached(moved(held, 1 + side * DISTANCE)) for side in (-1, 1)
    )


def with_more(held: SmallPool, place: int, size: float) -> SmallPool:
    """The pool with an amount added to one of its coins."""
    lines = list(held.lines)
    lines[place] = replace(lines[place], wallet=lines[place].wallet + Decimal(size))
    return replace(held, lines=tuple(lines))


@models_of_loans
def test_after_a_rescue_the_figures_are_those_of_the_pool(model: str) -> None:
    """The what-if of a top-up is the pool with more in its wallet."""
    held = account(Random(3), model)
    book = float_book(held)
    (after,) = solver().after([Change(TOP_UP, 0, 2.0)], 0, book)
    assert after == pytest.approx(requirement(with_more(held, 0, 2.0)), rel=1e-12)
