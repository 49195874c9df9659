"""The contract of every margin model. A model joins by its line in MODELS and its oracle in tests/oracles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.margin.models import MODELS, Needs
from monitor.margin.models import __file__ as models_file
from monitor.margin.rows import Requirement
from tests.support.draws import pool as pool_of
from tests.support.small_books import decimal_book, float_book, solver
from tests.support.small_draws import EDGES, PRECISION, number
from tests.support.small_draws import contract as draw_contract
from tests.support.small_market import Coin, Figures, Leg, Line, SmallPool

T = TypeVar("T")
EXACT = Decimal("1e-45")  # Decimal works with 60 digits, floors and rates have few
COMPILED = Decimal("1e-12")
rngs = st.integers(0, 2**48).map(Random)
every_model = pytest.mark.parametrize("model", MODELS)
ONE_STEP = ("deribit_inverse", "deribit_linear")  # one rate that grows with the size: no floor
growing_models = pytest.mark.parametrize("model", [name for name in MODELS if not MODELS[name].offsets])
smooth_models = pytest.mark.parametrize(
    "model",
    [
        name
        for name in MODELS
        if not MODELS[name].jumps and Needs.TIERS in MODELS[name].needs and name not in ONE_STEP
    ],
)


def oracle(pool: SmallPool) -> Figures:
    """What the independent way to the same number says."""
    with localcontext(prec=PRECISION):
        return import_module(f"tests.oracles.{pool.model}").assess(pool)


def exact(pool: SmallPool) -> Requirement[Decimal]:
    """The model's own source over Decimal rows."""
    with localcontext(prec=PRECISION):
        found: Requirement[Decimal] = MODELS[pool.model].assess(0, decimal_book(pool))
        return found


def compiled(pool: SmallPool) -> Requirement[float]:
    """The compiled model over record arrays."""
    return solver().assess(0, float_book(pool))


def float_slack(expected: Figures) -> Decimal:
    """How far floats may be off."""
    return COMPILED * expected.terms + expected.quanta


def assert_same(one: Any, other: Any, slack: Decimal) -> None:
    """Every figure of both within `slack`."""
    with localcontext(prec=PRECISION):
        for name in Requirement._fields:
            apart = abs(Decimal(getattr(one, name)) - Decimal(getattr(other, name)))
            assert apart <= slack, f"{name}: {one} and {other} are {apart} apart, {slack} allowed"


@every_model
@given(rng=rngs)
def test_the_source_on_decimal_equals_the_oracle(model: str, rng: Random) -> None:
    """Over Decimal rows a model gives what the independent way gives."""
    pool = pool_of(rng, model)
    expected = oracle(pool)
    assert_same(exact(pool), expected, EXACT * expected.terms)


@every_model
@given(rng=rngs)
def test_compiled_equals_decimal(model: str, rng: Random) -> None:
    """The compiled model is within 1e-12 of the sum of the absolute terms, and a quantum a position where the
    venue rounds."""
    pool = pool_of(rng, model)
    assert_same(compiled(pool), exact(pool), float_slack(oracle(pool)))


@pytest.mark.slow
@every_model
@settings(max_examples=5)
@given(rng=rngs)
def test_many_positions_are_added_up_as_well(model: str, rng: Random) -> None:
    """A pool of hundreds of positions is as near to the oracle as a small one."""
    pool = pool_of(rng, model)
    many = replace(pool, lines=tuple(replace(line, legs=_repeated(line.legs)) for line in pool.lines))
    assert_same(compiled(many), oracle(many), float_slack(oracle(many)))


@every_model
@given(rng=rngs)
def test_only_what_is_declared_is_read(model: str, rng: Random) -> None:
    """Index price, funding rate and chosen leverage may be anything to a model that does not need them: a
    pool is not UNKNOWN for want of them."""
    pool, needs = pool_of(rng, model), MODELS[model].needs
    lines = tuple(
        replace(line, legs=tuple(_estranged(leg, needs) for leg in line.legs)) for line in pool.lines
    )
    with localcontext(prec=PRECISION):
        slack = EXACT * oracle(pool).terms
    assert_same(exact(replace(pool, lines=lines)), exact(pool), slack)


@every_model
@given(rng=rngs)
def test_nothing_held_and_nothing_owed_requires_nothing(model: str, rng: Random) -> None:
    """No position, no debt and no order, no margin, exactly."""
    pool = pool_of(rng, model)
    idle = tuple(Line(line.coin, abs(line.wallet), collateral=line.collateral) for line in pool.lines)
    found = compiled(SmallPool(model, idle))
    assert (found.initial_margin, found.maintenance_margin) == (0, 0)


@growing_models
@given(rng=rngs)
def test_more_size_never_asks_for_less(model: str, rng: Random) -> None:
    """A larger position, or a larger debt, never lowers a margin requirement."""
    pool = pool_of(rng, model)
    targets: list[Leg | Line] = [*pool.legs, *(line for line in pool.lines if line.borrowed)]
    assume(targets)
    with localcontext(prec=PRECISION):
        larger = _with_more(pool, rng.choice(targets), number(rng, 0, 4))
        before, after, slack = exact(pool), exact(larger), EXACT * oracle(larger).terms
        assert after.initial_margin >= before.initial_margin - slack
        assert after.maintenance_margin >= before.maintenance_margin - slack


@every_model
@given(rng=rngs)
def test_the_order_of_rows_is_irrelevant(model: str, rng: Random) -> None:
    """Positions and balances may stand in any order."""
    pool = pool_of(rng, model)
    lines = [replace(line, legs=tuple(_shuffled(rng, line.legs))) for line in pool.lines]
    shuffled = replace(pool, lines=tuple(_shuffled(rng, lines)))
    assert_same(compiled(shuffled), compiled(pool), COMPILED * oracle(pool).terms)


@smooth_models
@given(rng=rngs)
def test_margins_are_continuous_at_tier_floors(model: str, rng: Random) -> None:
    """A position worth just a floor, and a trillionth less and more, are charged the same to a trillionth."""
    contract, side = draw_contract(rng), rng.choice([1, -1])
    assume(len(contract.tiers) > 1)
    floor = rng.choice(contract.tiers[1:]).floor
    charged, quanta = [], Decimal(0)
    for edge in EDGES:
        quantity = side * floor * edge / contract.mark / contract.multiplier
        line = Line(Coin("USDT"), Decimal(1), (Leg(contract, quantity, contract.mark),))
        charged.append(Decimal(compiled(SmallPool(model, (line,))).maintenance_margin))
        quanta += oracle(SmallPool(model, (line,))).quanta
    assert max(charged) - min(charged) <= Decimal("1e-11") * floor + quanta


@every_model
def test_every_model_has_an_oracle_that_does_not_know_it(model: str) -> None:
    """An oracle is another way to the number: nothing of monitor.margin is in its text."""
    module = import_module(f"tests.oracles.{model}")
    assert not [name for name in vars(module).values() if "monitor.margin" in getattr(name, "__module__", "")]


def _shuffled(rng: Random, rows: Sequence[T]) -> list[T]:
    return rng.sample(rows, len(rows))


def _repeated(legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    return tuple(
        replace(leg, quantity=leg.quantity * number / 64) for leg in legs for number in range(1, 129)
    )


def _estranged(leg: Leg, needs: Needs) -> Leg:
    """With other numbers in the columns that are not needed. The index of an option is its own underlying."""
    contract = leg.contract
    if Needs.INDEX not in needs and contract.option is None:
        contract = replace(contract, index=contract.mark * 3)
    if Needs.FUNDING not in needs:
        contract = replace(contract, funding=contract.funding + 1)
    leverage = leg.leverage if Needs.LEVERAGE in needs else leg.leverage * 7
    return replace(leg, contract=contract, leverage=leverage)


def _with_more(pool: SmallPool, target: Leg | Line, factor: Decimal) -> SmallPool:
    lines = []
    for line in pool.lines:
        legs = (replace(leg, quantity=leg.quantity * factor) if leg is target else leg for leg in line.legs)
        borrowed = line.borrowed * factor if line is target else line.borrowed
        lines.append(replace(line, legs=tuple(legs), borrowed=borrowed))
    return replace(pool, lines=tuple(lines))


def test_the_table_of_models_is_theirs() -> None:
    """The README beside the models names each once, with the venue's word for its figure."""
    text = (Path(models_file).parent / "README.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(" `"): row for row in text.splitlines() if row.startswith("| `")}
    assert set(rows) == set(MODELS)
    for name, model in MODELS.items():
        assert model.says.name in rows[name]
        assert f"| {model.says.scale} |" in rows[name]
        assert ("is safe" in rows[name]) != model.says.at_equality
