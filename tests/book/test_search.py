"""The search where it is hardest: rescues from a distance, deficits, and models that are not convex."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from monitor.book.compiled import compile_models
from monitor.book.solve import CUT, TOP_UP, Change, Solver
from monitor.domain.instrument import MarginTier
from monitor.margin.common import notional, step_at, unrealised
from monitor.margin.formula import formula
from monitor.margin.models import MODELS, Convex, Model
from monitor.margin.rows import Book, N, Requirement
from monitor.margin.venue_words import RISING, Says
from tests.support.small_books import QUANTA, UNDER_TIERS, float_book, pocket_of, solver
from tests.support.small_market import Coin, Leg, Line, SmallPool, tiers
from tests.support.small_pools import USDT, Schedule, contract, pool
from tests.support.small_pools import leg as entered

SHORT_STEPS = tiers((0, "0.01"), (50_000, "0.02"), (500_000, "0.1"))
LEVEL, DISTANCE, MOST = 0.475, 0.0525, 1e12
every_model = pytest.mark.parametrize("model", UNDER_TIERS)
rngs = st.integers(0, 2**48).map(Random)


def leg(name: str, mark: float, quantity: float, schedule: Schedule = SHORT_STEPS) -> Leg:
    """A leg entered at mark, its taker fee five basis points."""
    return entered(contract(name, mark, schedule, taker_fee=Decimal("0.0005")), quantity)


def nearest(book: Book[float]) -> float:
    """The nearest liquidating move of the first pool."""
    found = np.full(1, math.nan)
    solver().nearest(np.zeros(1, dtype=np.int64), book, pocket_of(book), found)
    return float(found[0])


def changed(held: SmallPool, change: Change) -> Book[float]:
    """The book after a rescue, done by hand: what is closed pays its fee, at mark and so without profit."""
    book: Any = float_book(held)
    if change.kind == TOP_UP:
        book.balances[change.target].wallet += change.size
        return book
    position = book.positions[change.target]
    closed = position.quantity * change.size
    mark = book.quotes[book.instruments[position.instrument].mark]
    position.quantity -= closed
    book.balances[0].wallet -= abs(closed) * mark * 0.0005
    return book


def is_saved(book: Book[float]) -> bool:
    """Whether the ratio is below the level and every liquidating move farther than the distance."""
    found = solver().assess(0, book)
    return found.maintenance_margin < LEVEL * found.equity and nearest(book) > DISTANCE


@every_model
@settings(suppress_health_check=[HealthCheck.filter_too_much])  # some models leave few pools near
@given(rng=rngs)
def test_a_rescue_brings_the_liquidating_move_away_as_well(model: str, rng: Random) -> None:
    """A pool that is near, though its ratio is fine, is told what takes it farther; less does not."""
    count = 1 if model == "bybit_isolated" else rng.randint(1, 4)
    legs = []
    for name in "ABCD"[:count]:
        mark = 10 ** rng.uniform(-2, 4)
        legs.append(leg(name, mark, rng.choice([1, -1]) * 10 ** rng.uniform(3, 5.5) / mark))
    worth = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    held = pool(worth * rng.uniform(0.02, 0.12), *legs, model=model)
    book = float_book(held)
    assume(not is_saved(book))
    survey = solver().survey(0, LEVEL, MOST, book, pocket_of(book), DISTANCE)
    rescues = [Change(TOP_UP, 0, float(survey.adds[0]))]
    rescues += [Change(CUT, k, float(size)) for k, size in enumerate(survey.legs.cut) if not math.isnan(size)]
    for rescue in rescues:
        most = 1.0 if rescue.kind == CUT else math.inf  # no more than all of it can be closed
        enough: Any = changed(held, rescue._replace(size=min(most, rescue.size * (1 + 1e-9))))
        less: Any = changed(held, rescue._replace(size=rescue.size * 0.999))
        enough.balances[0].wallet += QUANTA.get(model, 0)
        less.balances[0].wallet -= QUANTA.get(model, 0)
        assert is_saved(enough)
        assert not is_saved(less)


def test_a_pool_that_is_past_no_aim_needs_no_rescue() -> None:
    """Nothing is offered to who needs nothing."""
    book = float_book(pool(9_000, leg("A", 100, 100)))
    survey = solver().survey(0, LEVEL, MOST, book, pocket_of(book), DISTANCE)
    assert np.isnan(survey.adds).all()
    assert np.isnan(survey.legs.cut).all()


def test_closing_everything_at_a_loss_beyond_the_wallet_is_no_rescue() -> None:
    """A pool that would end with less than nothing is not brought back by closing; only by adding."""
    held = pool(-50, leg("A", 100, 100))
    book = float_book(held)
    survey = solver().survey(0, LEVEL, MOST, book, pocket_of(book))
    assert math.isnan(survey.legs.cut[0])
    assert survey.adds[0] == pytest.approx(50 + 100 / LEVEL, rel=1e-9)


def test_money_that_does_not_count_is_no_rescue() -> None:
    """A coin that is no collateral can't be added, one that counts by half must be added twice."""
    lines = (
        Line(Coin("OFF", Decimal(10)), Decimal(1), collateral=False),
        Line(Coin("HALF", Decimal(10), tiers=tiers((0, "0.5"))), Decimal(1)),
        Line(USDT, Decimal(10), (leg("A", 100, 100),)),
    )
    book = float_book(SmallPool("bybit_unified", lines))
    survey = solver().survey(0, 1.0, MOST, book, pocket_of(book))
    found = solver().assess(0, book)
    missing = found.maintenance_margin - found.equity
    assert math.isnan(survey.adds[0])
    assert survey.adds[1] == pytest.approx(missing / 10 / 0.5, rel=1e-9)
    assert survey.adds[2] == pytest.approx(missing, rel=1e-9)


@formula
def whole_rate(pool: int, book: Book[N]) -> Requirement[N]:
    """A venue that charges the rate of the tier on the whole position, so that maintenance jumps."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        value = notional(abs(position.quantity), mark, instrument)
        tier = book.tiers[step_at(book.tiers, instrument.tier_first, instrument.tier_last, value)]
        equity += unrealised(position.quantity, position.entry_price, mark, instrument)
        maintenance += value * tier.maintenance_rate
    return Requirement(equity, maintenance, maintenance)


@pytest.fixture(scope="module")
def stepped() -> Solver:
    """A solver of that venue alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "stepped", Model(whole_rate, False, Says("margin ratio", RISING), jumps=True))
        return Solver(compile_models(["stepped"]), [Convex.NOWHERE])


def moves(stepped: Solver, held: SmallPool) -> tuple[float, float]:
    """The liquidating factors of the one underlying of a pool."""
    book: Any = float_book(held)
    book.pools["model"][:] = 0
    found = stepped.survey(0, 1.0, 0.0, book, pocket_of(book)).moves
    return float(found.lower[0]), float(found.upper[0])


def test_a_jump_of_the_rate_is_found_where_it_is(stepped: Solver) -> None:
    """A short that grows into a tier of 30 % is liquidated at that tier's floor, to the last digit."""
    short = leg("A", 90, -10, tiers((0, "0.01"), (1_000, "0.3")))
    lower, upper = moves(stepped, pool(300, short))
    assert math.isnan(lower)
    assert upper == pytest.approx(1_000 / 900, rel=1e-11)


def test_a_stretch_of_danger_with_safety_behind_it_is_not_stepped_over(stepped: Solver) -> None:
    """Where the model is not convex the far end says nothing: the nearest edge is found by walking."""
    rates = [("0", "0.01"), ("1170", "0.9"), ("1200", "0.01")]  # growing steps jump over it
    middle = tuple(MarginTier(Decimal(at), Decimal(rate), Decimal(rate), Decimal(0)) for at, rate in rates)
    against = leg("B", 130, -10)
    against = replace(against, contract=replace(against.contract, underlying="A"))
    lower, upper = moves(stepped, pool(500, leg("A", 130, 10, middle), against))
    assert lower == pytest.approx(1_200 / 1_300, rel=1e-11)
    assert upper == pytest.approx(500 / (1_300 * 0.01 * 2), rel=1e-9)
