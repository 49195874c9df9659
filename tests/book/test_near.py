"""Bounds that prove a pool far from its levels: they save work, and change no band."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numba import njit

from monitor.book.bounds import (
    NOBODY_KNOWS,
    ROUNDING,
    bounds_of,
    is_far,
    list_exposed,
)
from monitor.book.settings import LevelRow
from monitor.book.shared import shared_of
from monitor.book.solve import Solver
from monitor.book.sweep import empty_figures, level_tables, sweep
from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS
from tests.support import draws, small_draws
from tests.support.small_books import NAMES, float_book, pocket_of, scratch_of, solver
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool
from tests.support.small_pools import USDT, contract, leg, pool

every_model = pytest.mark.parametrize("model", NAMES)
priced_models = pytest.mark.parametrize("model", [name for name in NAMES if not MODELS[name].is_told])
bounded_models = pytest.mark.parametrize(
    "model", [name for name in NAMES if MODELS[name].bound and not MODELS[name].is_told]
)
pytestmark = pytest.mark.slow
rngs = st.integers(0, 2**48).map(Random)
RATIO = (0.5, 0.7, 0.85, 1.0)
SLIPS = (0.0, 1e-15, -1e-15, 1e-12, -1e-12, 1e-9, -1e-9, 1e-6, -1e-6, 1e-3, -1e-3, 0.1, 2.0)


@njit(error_model="numpy")
def bounds(far, bound, left, book, shared, scratch):
    """What both bounds say of pool 0, from which `left` may be lost."""
    count = list_exposed(book.pools[0], far, bound, left, book, scratch)
    return is_far(0, far, bound, shared, left, book), count


def levels(rng: Random) -> LevelRow:
    """Distances that fall, from a hair to more than the whole price."""
    drawn = (rng.choice([10 ** rng.uniform(-4, 0.2), 0.05, 0.03, 0.015]) for _ in range(3))
    first, second, third = sorted(drawn, reverse=True)
    down, up = rng.choice([(0.95, 1.05), (1.0, 1.0)])
    clear_at = (0.5 * down, 0.7 * down, 0.85 * down, 1.0 * down)
    return LevelRow(RATIO, clear_at, (first, second, third), (first * up, second * up, third * up))


def moving(rng: Random, held: SmallPool, *, of_a_venue: bool = False) -> SmallPool:
    """The pool, with coins that follow an underlying, contracts on both sides of one, and odd schedules
    unless they are to be such as a venue may have."""
    lines = [
        replace(
            line,
            coin=replace(line.coin, underlying=rng.choice(["", "", "A", "B", "X"])),
            legs=line.legs if of_a_venue else tuple(with_odd_steps(rng, one) for one in line.legs),
        )
        for line in held.lines
    ]
    return replace(held, lines=tuple(lines))


def with_odd_steps(rng: Random, one: Leg) -> Leg:
    """A leg in a contract of its own terms."""
    return replace(one, contract=odd(rng, one.contract))


def odd(rng: Random, of: Contract) -> Contract:
    """Sometimes with steps that jump and fall, as in no schedule that was checked."""
    return of if rng.random() < 0.8 else replace(of, tiers=tuple(odd_step(rng, step) for step in of.tiers))


def odd_step(rng: Random, step: MarginTier) -> MarginTier:
    """One step at any rate, with any deduction."""
    rate, more = rng.uniform(-0.1, 1.2), rng.choice([-1, 0, 1]) * 10 ** rng.uniform(0, 6)
    deduction = step.deduction + Decimal(f"{more:.6g}")
    return msgspec.structs.replace(step, maintenance_rate=Decimal(f"{rate:.6g}"), deduction=deduction)


def drawn(rng: Random, model: str) -> SmallPool:
    """Any pool."""
    return moving(rng, draws.pool(rng, model))


def excess(book: Any, underlying: int, factor: float, wallet: float | None = None) -> float:
    """Maintenance less equity of pool 0 with one underlying elsewhere and its first wallet changed."""
    quotes, balances = book.quotes.copy(), book.balances.copy()
    if wallet is not None:
        balances["wallet"][0] = wallet
    of_instruments = ((book.instruments, "mark"), (book.instruments, "index"))
    for rows, column in (*of_instruments, (book.assets, "price")):
        mine = rows[column][rows["underlying"] == underlying]
        quotes[mine] = book.quotes[mine] * factor
    found = solver().assess(0, book._replace(quotes=quotes, balances=balances))
    return float(found.maintenance_margin - found.equity)


def put_on_the_brink(rng: Random, book: Any, distance: float) -> None:
    """Makes the first wallet such that a move by the distance liquidates the pool by a hair, or just not."""
    marks, prices = book.instruments["underlying"].tolist(), book.assets["underlying"].tolist()
    underlying = rng.choice([name for name in marks + prices if name >= 0] or [-1])
    factor = 1 + rng.choice([-1, 1]) * distance
    wallet = float(book.balances["wallet"][0])
    for _ in range(4):
        here = excess(book, underlying, factor, wallet)
        slope = excess(book, underlying, factor, wallet + 1 + abs(here)) - here
        wallet -= here * (1 + abs(here)) / slope if slope else 0.0
    book.balances["wallet"][0] = wallet + rng.choice(SLIPS) * max(1.0, abs(wallet))


def plain(rng: Random, model: str) -> SmallPool:
    """One leg and little else, so that a bound is as tight as it can be."""
    held = moving(rng, draws.pool(rng, model))
    line = held.lines[0]
    one = small_draws.leg(rng, model not in small_draws.LINEAR_ONLY and rng.random() < 0.5)
    steps = one.contract.tiers[: rng.choice([1, 1, 2])]
    alone = replace(one, contract=odd(rng, replace(one.contract, tiers=steps)))
    return replace(held, lines=(replace(line, wallet=Decimal(0), order_loss=Decimal(0), legs=(alone,)),))


def swept(book: Any, of: LevelRow, last: int, *, in_full: bool) -> list[tuple[int, ...]]:
    """Band, last band and reasons of every pool, with the bounds or without them."""
    figures = empty_figures(len(book.pools))
    figures["last_band"] = last
    held, scratch = bounds_of(["none" if in_full else name for name in NAMES]), scratch_of(book)
    tables = (
        book,
        shared_of(book),
        np.zeros(len(book.quotes), np.int64),
        level_tables([of]),
        figures,
        pocket_of(book),
    )
    rows = np.arange(len(book.pools))
    sweep(solver().models, held, rows, *tables, scratch, np.zeros(len(rows), np.int64))
    assert not scratch.rise.any()
    return [(int(one.band), int(one.last_band), int(one.reasons)) for one in figures]


@every_model
@given(rng=rngs)
def test_a_band_is_the_same_with_and_without_the_bounds(model: str, rng: Random) -> None:
    """Random pools, half of them a hair from a level of one move; all bands before; any levels."""
    of, last = levels(rng), rng.randint(0, 4)
    book = float_book(*(rng.choice([drawn, drawn, plain])(rng, model) for _ in range(3)))
    if len(book.balances) and rng.random() < 0.7:
        distance = rng.choice((*of.distance_raise, *of.distance_clear))
        put_on_the_brink(rng, book, distance)
    assert swept(book, of, last, in_full=False) == swept(book, of, last, in_full=True)


@bounded_models
@given(rng=rngs)
def test_no_move_costs_more_than_its_bound(model: str, rng: Random) -> None:
    """Where as little is left as one move costs, neither bound lets the pool pass."""
    book: Any = float_book(rng.choice([plain, drawn])(rng, model))
    far = rng.choice([0.05, 10 ** rng.uniform(-4, 0)])
    scratch, bound = scratch_of(book), int(MODELS[model].bound)
    for underlying in {*book.instruments["underlying"].tolist(), *book.assets["underlying"].tolist()} - {-1}:
        for step in (-1.0, 1.0, rng.uniform(-1, 1)):
            cost = excess(book, underlying, 1 + step * far) - excess(book, underlying, 1.0)
            left = cost - ROUNDING * scale_of(book)  # as the sweep asks
            if left > 0:
                is_proven, count = bounds(far, bound, left, book, shared_of(book), scratch)
                assert not is_proven
                assert count == NOBODY_KNOWS or underlying in scratch.exposed[:count]


@priced_models
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as plain Python numpy says so
@example(rng=Random(26260))  # a negative mark, and a level of more than the whole price
@given(rng=rngs)
def test_what_no_venue_can_mean_changes_no_band_either(model: str, rng: Random) -> None:
    """Negative prices and multipliers, and positions that lie under no balance: looked at in full."""
    of = levels(rng)
    book: Any = float_book(drawn(rng, model))
    for table, column in (("quotes", ...), ("instruments", "multiplier"), ("assets", "bid_buffer")):
        cells = getattr(book, table)[column]
        if len(cells) and rng.random() < 0.5:
            cells[rng.randrange(len(cells))] *= -1
    if len(book.balances) and rng.random() < 0.3:
        book.balances["position_last"][0] = book.balances["position_first"][0]
    put_on_the_brink(rng, book, of.distance_raise[0])
    assert swept(book, of, 0, in_full=False) == swept(book, of, 0, in_full=True)


@priced_models
@given(rng=rngs)
def test_a_rescue_is_the_same_with_and_without_the_bounds(model: str, rng: Random) -> None:
    """Amounts to add and fractions to close, for pools that one move liquidates, or nearly."""
    held = moving(rng, draws.pool(rng, model), of_a_venue=True)
    book = float_book(held)
    distance = rng.choice([0.05, 10 ** rng.uniform(-3, -0.5)])
    put_on_the_brink(rng, book, distance)
    assume(np.isfinite(left_of(book)))
    fast = Solver(solver().models, solver().convexities.tolist(), bounds_of(NAMES))
    most = 1e3 * (1 + abs(left_of(book)))
    plain_one, quick = (s.survey(0, 0.475, most, book, pocket_of(book), distance) for s in (solver(), fast))
    assert quick.adds == pytest.approx(plain_one.adds, rel=1e-9, abs=1e-9 * most / 1e3, nan_ok=True)
    assert quick.legs.cut == pytest.approx(plain_one.legs.cut, rel=1e-9, abs=1e-12, nan_ok=True)


def scale_of(book: Any) -> float:
    """Size of the figures of pool 0, which rounding is a share of."""
    found = solver().assess(0, book)
    return float(abs(found.equity) + abs(found.maintenance_margin))


def left_of(book: Any) -> float:
    """Equity over maintenance margin of pool 0."""
    found = solver().assess(0, book)
    return float(found.equity - found.maintenance_margin)


def proven_far(held: SmallPool, far: float) -> bool:
    """Whether the bound on the whole notional is enough."""
    book = float_book(held)
    bound, tables = int(MODELS[held.model].bound), (book, shared_of(book), scratch_of(book))
    return bool(bounds(far, bound, left_of(book), *tables)[0])


def exposed_of(held: SmallPool, far: float) -> set[int] | None:
    """The underlyings that the bound by underlying can't exclude; None where it says nothing."""
    book = float_book(held)
    scratch = scratch_of(book)
    count = bounds(far, int(MODELS[held.model].bound), left_of(book), book, shared_of(book), scratch)[1]
    return None if count == NOBODY_KNOWS else set(scratch.exposed[:count].tolist())


@bounded_models
def test_a_usual_pool_is_proven_far_at_once(model: str) -> None:
    """At three times leverage nothing more is looked at; at thirty it is."""
    legs = [leg(contract("A", 100), 10)] if model == "bybit_isolated" else [
        leg(contract("A", 100), 5), leg(contract("B", 7), -70)
    ]  # fmt: skip
    worth = sum(abs(float(one.quantity * one.contract.mark)) for one in legs)
    assert proven_far(pool(worth / 3, *legs, model=model), 0.05)
    assert not proven_far(pool(worth / 30, *legs, model=model), 0.05)


@pytest.mark.parametrize("model", ["tiered", "multi_assets", "bybit_unified"])
def test_only_what_weighs_enough_is_exposed(model: str) -> None:
    """Of a pool with one large leg and many small ones only the large one's underlying is assessed."""
    small = [leg(contract(name, 10), 100) for name in "BCDEF"]
    large = leg(contract("A", 100), 1_000)
    assert exposed_of(pool(4_000, large, *small, model=model), 0.05) == {0}
    assert exposed_of(pool(40_000, large, *small, model=model), 0.05) == set()
    assert exposed_of(pool(100, large, *small, model=model), 0.05) is None  # nothing is left already


def test_two_legs_of_one_underlying_add_up() -> None:
    """Long and short of one underlying may both lose more than either: the bound does not net them."""
    long = leg(contract("A-MAR", 100, underlying="A"), 100)
    short = leg(contract("A-JUN", 100, underlying="A"), -100)
    assert exposed_of(pool(900, long, short), 0.05) == {0}
    assert exposed_of(pool(900, long), 0.05) == set()


def test_collateral_that_moves_is_exposed_by_its_whole_worth() -> None:
    """A pool that owns and owes coins falls with them."""
    coin = Coin("BTC", Decimal(100), "BTC")
    owed = SmallPool(
        "multi_assets", (Line(coin, Decimal(0), borrowed=Decimal(10)), Line(USDT, Decimal(1_040)))
    )
    assert not proven_far(owed, 0.05)
    assert exposed_of(owed, 0.05) == {0}
    assert exposed_of(owed, 0.03) == set()


def test_the_steepest_schedule_bounds_them_all() -> None:
    """The greatest rate and the greatest sum of jumps; infinite where floors or rates make no sense."""
    book: Any = float_book(pool(1, leg(contract("A", 1), 1)))
    found = shared_of(book)
    assert found.roughest == pytest.approx(0, abs=1e-6)
    assert (found.steepest, found.growth) == (0.1, 0)
    book.tiers["deduction"][2] += 7  # a jump up, and one down
    assert shared_of(book).roughest == pytest.approx(14)
    book.tiers["floor"][3] = 1
    assert shared_of(book).roughest == math.inf
    book.tiers["maintenance_rate"][0] = -0.1
    assert shared_of(book).steepest == math.inf


def test_every_model_is_bounded_or_looked_at_in_full() -> None:
    """A new model is assessed at every level until somebody has shown that the bounds hold for it."""
    assert bounds_of(["tiered", "bitget", "of tomorrow"]).tolist() == [1, 2, 0]
