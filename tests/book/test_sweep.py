"""The sweep: what is unknown, what crossed, what a band remembers, and how near is near."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.book.bounds import bounds_of
from monitor.book.settings import LevelRow
from monitor.book.shared import shared_of
from monitor.book.sweep import empty_figures, level_tables, sweep
from monitor.domain.assessment import Reason, RiskBand
from monitor.margin.models import MODELS, Needs
from monitor.margin.rows import Book
from tests.support import draws, small_draws
from tests.support.risk_units import in_unit
from tests.support.small_books import NAMES, float_book, pocket_of, scratch_of, solver
from tests.support.small_market import Coin, Contract, Line, OptionTerms, SmallPool, tiers
from tests.support.small_pools import USDT, leg, pool
from tests.support.small_pools import contract as named

RATIOS = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
NEAR = (0.2, 0.1, 0.05)
DISTANCES = RATIOS._replace(distance_raise=NEAR, distance_clear=(0.21, 0.105, 0.0525))
SHORT_STEPS = tiers((0, "0.01"), (50_000, "0.02"), (10_000_000, "0.5"))
every_model = pytest.mark.parametrize("model", NAMES)
rngs = st.integers(0, 2**48).map(Random)


class Run:
    """A book, its figures, and sweeps over them."""

    def __init__(self, book: Book[float], levels: LevelRow = RATIOS, *, in_full: bool = False) -> None:
        self.book: Any = book
        self.bounds = bounds_of(["none"] * len(NAMES) if in_full else NAMES)
        self.figures = empty_figures(len(book.pools))
        self.quote_reasons = np.zeros(len(book.quotes), dtype=np.int64)
        self._levels = level_tables([levels])

    def sweep(self, *rows: int) -> list[int]:
        """Assesses these rows, all unless told; answers which crossed."""
        chosen = np.array(rows or range(len(self.figures)), dtype=np.int64)
        crossed = np.zeros(len(chosen), dtype=np.int64)
        tables = (self.book, shared_of(self.book), self.quote_reasons, self._levels, self.figures)
        room = (pocket_of(self.book), scratch_of(self.book), crossed)
        count = sweep(solver().models, self.bounds, chosen, *tables, *room)
        return [int(row) for row in crossed[:count]]

    def state(self, row: int = 0) -> tuple[RiskBand, Reason]:
        """Band and reasons of a pool."""
        figure = self.figures[row]
        return RiskBand(int(figure.band)), Reason(int(figure.reasons))


def contract(name: str, mark: float = 100) -> Contract:
    """A linear contract with three tiers."""
    return named(name, mark, SHORT_STEPS)


def rich(model: str) -> SmallPool:
    """A clear pool that reads a row of every table: two legs, an option where the model knows any, risk units
    where it nets in them, and a coin with a schedule."""
    legs = (leg(contract("A"), 10), leg(contract("B", 7), -20))[: 1 if model == "bybit_isolated" else 2]
    if Needs.OPTION in MODELS[model].needs:
        terms = OptionTerms(Decimal(90), 1, Decimal(101))
        legs += (leg(replace(contract("A", 12), tiers=(), option=terms), -1),)
    if Needs.UNIT in MODELS[model].needs:
        legs = tuple(replace(held, contract=in_unit(held.contract)) for held in legs)
    coin = Coin("BTC", Decimal(50), "BTC", Decimal("0.1"), Decimal("0.01"), small_draws.VALUE_RATIOS)
    first = Line(coin, Decimal(900_000), legs)
    return SmallPool(model, (first,) if model in small_draws.ONE_LINE else (first, Line(USDT, Decimal(5))))


def cells(book: Any) -> Iterator[tuple[str, Any, int]]:
    """Every place of the book that holds a measured or told number: its name, its column, its row."""
    for table in book._fields[:-1]:
        rows = getattr(book, table)
        for field in rows.dtype.names:
            if rows.dtype[field] == np.float64:
                yield from ((f"{table}[{row}].{field}", rows[field], row) for row in range(len(rows)))
    yield from ((f"quotes[{row}]", book.quotes, row) for row in range(len(book.quotes)))


@every_model
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # as plain Python numpy says so
def test_one_bad_cell_is_unknown_never_clear(model: str, bad: float) -> None:
    """What is no number makes a pool that uses its row UNKNOWN, also where its model never looks."""
    run = Run(float_book(rich(model)))
    run.sweep()
    assert run.state() == (RiskBand.CLEAR, Reason(0))
    names = []
    for name, column, row in cells(run.book):
        before = column[row]
        column[row] = bad
        assert run.sweep() == [0], name
        assert run.state() == (RiskBand.UNKNOWN, Reason.IMPLAUSIBLE), name
        column[row] = before
        run.sweep()
        assert run.state() == (RiskBand.CLEAR, Reason(0)), name
        names.append(name)
    assert {"positions[0].leverage", "tiers[2].floor", "instruments[0].taker_fee"} <= set(names)


@every_model
def test_a_bad_cell_is_the_fault_of_those_who_use_it(model: str) -> None:
    """A pool that reads other rows stays known."""
    other = pool(500, leg(contract("Z"), 1), model=model)
    run = Run(float_book(other, rich(model)))
    run.sweep()
    mine = float_book(other)
    for name, column, row in cells(run.book):
        table = name.split("[")[0]
        if row >= len(getattr(mine, table)):
            before = column[row]
            column[row] = math.nan
            run.sweep()
            assert [run.state(0)[0], run.state(1)[0]] == [RiskBand.CLEAR, RiskBand.UNKNOWN], name
            column[row] = before


@pytest.mark.parametrize("reason", [Reason.STALE, Reason.GAP, Reason.STALE | Reason.PARTIAL])
def test_a_price_that_is_not_known_makes_its_readers_unknown(reason: Reason) -> None:
    """Marks and asset prices alike, with the pool's own reasons beside theirs; nobody else is touched."""
    held = SmallPool("bybit_unified", (Line(Coin("BTC", Decimal(50), "BTC"), Decimal(9)), *pool(1).lines))
    run = Run(float_book(pool(500, leg(contract("A"), 1)), held))
    run.sweep()
    mark, price = int(run.book.instruments[0].mark), int(run.book.assets[run.book.balances[1].asset].price)
    run.quote_reasons[mark] = reason
    assert run.sweep() == [0]
    assert [run.state(0), run.state(1)] == [(RiskBand.UNKNOWN, reason), (RiskBand.CLEAR, Reason(0))]
    run.quote_reasons[mark], run.quote_reasons[price] = 0, reason
    run.book.pools[1].reasons = int(Reason.REJECTED)
    assert run.sweep() == [0, 1]
    assert [run.state(0), run.state(1)] == [
        (RiskBand.CLEAR, Reason(0)),
        (RiskBand.UNKNOWN, reason | Reason.REJECTED),
    ]


def test_a_reason_that_explains_a_missing_number_stands_alone() -> None:
    """A mark that has not come yet is PARTIAL, not IMPLAUSIBLE as well."""
    run = Run(float_book(pool(500, leg(contract("A"), 1))))
    run.book.pools[0].reasons = int(Reason.PARTIAL)
    run.book.quotes[int(run.book.instruments[0].mark)] = math.nan
    run.sweep()
    assert run.state() == (RiskBand.UNKNOWN, Reason.PARTIAL)


def test_hysteresis_goes_on_after_unknown() -> None:
    """The band after UNKNOWN is the one that it would have been without."""
    run = Run(float_book(pool(1_900, leg(contract("A"), 1_000))))
    bands = []
    for wallet, reasons in [
        (1_900, 0),
        (2_050, 0),
        (2_050, 1),
        (2_050, 0),
        (2_200, 1),
        (2_200, 0),
        (2_050, 0),
    ]:
        run.book.balances[0].wallet = wallet
        run.book.pools[0].reasons = reasons
        run.sweep()
        bands.append(run.state()[0].label)
    # 1,500 are required: 0.79, 0.73 between 0.7 and its clear mark 0.665 on the way down and on the way back
    assert bands == [
        "margin_call",
        "margin_call",
        "UNKNOWN",
        "margin_call",
        "UNKNOWN",
        "margin_call",
        "margin_call",
    ]
    run.book.balances[0].wallet = 2_300  # 0.652
    run.sweep()
    assert run.state()[0] is RiskBand.WARNING


@pytest.mark.parametrize(("wallet", "deficit"), [("-1", 1), ("0", 0), ("1", 0)])
def test_a_deficit_is_flagged_beside_the_band(wallet: str, deficit: int) -> None:
    """Less than nothing owned and nothing required: clear, and a deficit; its end crosses as well."""
    run = Run(float_book(pool(0)))
    run.book.balances[0].wallet = float(wallet)
    assert run.sweep() == [0]
    assert (run.state()[0], run.figures[0].deficit) == (RiskBand.CLEAR, deficit)
    run.book.balances[0].wallet = 5.0
    assert run.sweep() == [0] * deficit


@every_model
def test_a_pool_that_holds_nothing_is_clear(model: str) -> None:
    """Without balance and position nothing is required, whatever rows of others lie beside it."""
    run = Run(float_book(rich(model), SmallPool(model, ())))
    run.sweep()
    assert run.state(1) == (RiskBand.CLEAR, Reason(0))
    assert tuple(run.figures[1])[:3] == (0.0, 0.0, 0.0)


@every_model
def test_positions_without_a_balance_are_never_clear(model: str) -> None:
    """Profit that nobody receives is a fault of the book."""
    run = Run(float_book(pool(500, leg(contract("A"), 1), model=model)))
    run.book.pools[0].balance_last = run.book.pools[0].balance_first
    run.sweep()
    assert run.state() == (RiskBand.UNKNOWN, Reason.IMPLAUSIBLE)


def test_only_what_changed_crosses_and_only_what_was_asked_for_moves() -> None:
    """The second look at the same book answers nothing, and other rows keep their figures."""
    run = Run(float_book(*(pool(500, leg(contract(name), 10)) for name in "ABC")))
    assert run.sweep() == [0, 1, 2]
    assert run.sweep() == []
    run.book.balances["wallet"][:] = 11
    assert run.sweep(2, 0) == [2, 0]
    assert [run.state(row)[0].label for row in range(3)] == ["critical", "clear", "critical"]
    assert run.figures[1].equity == 500


@every_model
@given(seed=st.integers(0, 2**48))
def test_a_pool_does_not_depend_on_its_neighbours(model: str, seed: int) -> None:
    """Alone or among others, swept in any order: the same figures, bit for bit."""
    rng = Random(seed)
    held = [draws.pool(rng, model) for _ in range(4)]
    run = Run(float_book(*held))
    run.sweep(*rng.sample(range(4), 4))
    for row, one in enumerate(held):
        alone = Run(float_book(one))
        alone.sweep()
        assert tuple(alone.figures[0]) == tuple(run.figures[row])


@every_model
@given(rng=rngs)
def test_near_means_that_the_nearest_move_is_within_the_distance(model: str, rng: Random) -> None:
    """The band by distance, found by looking at the moved prices only, agrees with the solved distance."""
    count = 1 if model == "bybit_isolated" else rng.randint(1, 4)
    legs = [leg(contract(name, 10 ** rng.uniform(-2, 4)), rng.choice([1, -1])) for name in "ABCD"[:count]]
    legs = [replace(one, quantity=one.quantity * Decimal(10**5) / one.contract.mark) for one in legs]
    run = Run(float_book(pool(10 ** rng.uniform(3.5, 5.5), *legs, model=model)), DISTANCES)
    run.sweep()
    distance = np.full(1, math.nan)
    solver().nearest(np.array([0]), run.book, pocket_of(run.book), distance)
    assume(all(abs(distance[0] - level) > 1e-9 for level in NEAR))
    by_distance = sum(distance[0] <= level for level in NEAR)
    ratios = Run(run.book)
    ratios.sweep()
    assert run.state()[0] == max(by_distance, ratios.state()[0])


def borrower() -> SmallPool:
    """Owes coins: a rise of the coin by some 11 % liquidates, a fall does not."""
    coin = Coin("BTC", Decimal(100), "BTC")
    loan = Line(coin, Decimal(0), borrowed=Decimal(10))
    return SmallPool("multi_assets", (loan, Line(USDT, Decimal(1_200), (leg(contract("E"), 90),))))


def test_a_debt_in_a_coin_is_near_when_a_rise_liquidates() -> None:
    """Collateral prices are moved up as well as down: who owes a coin dies of its rise."""
    run = Run(float_book(borrower()), DISTANCES)
    run.book.instruments[0].underlying = -1  # the leg itself stays where it is
    run.sweep()
    assert run.state()[0] is RiskBand.WARNING


def test_what_follows_no_underlying_is_not_moved() -> None:
    """A stablecoin that a pool is counted in stays, and does not fall with what has no name either."""
    run = Run(float_book(borrower()), DISTANCES)
    run.book.instruments["underlying"][:] = -1
    run.book.assets["underlying"][:] = -1
    run.sweep()
    assert run.state()[0] is RiskBand.CLEAR


def test_distance_has_hysteresis_too() -> None:
    """Raised at a tenth, cleared at 10.5 per cent."""
    run = Run(float_book(pool(0, leg(contract("A"), 100))), DISTANCES)
    bands = []
    # free of what is required at the moved price: (100 d + 1 (1 - d)) x 100 of 10,000
    for distance in [0.15, 0.099, 0.102, 0.104, 0.106, 0.102, 0.3]:
        run.book.balances[0].wallet = 10_000 * distance + 100 * (1 - distance)
        run.sweep()
        bands.append(run.state()[0].label)
    assert bands == ["warning", "margin_call", "margin_call", "margin_call", "warning", "warning", "clear"]
