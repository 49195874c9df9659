"""Pools of Bybit's unified account that hold options among their contracts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.support import draws_deribit
from tests.support.small_draws import EDGES, NOTHING, number, perpetual_pool
from tests.support.small_market import Leg, Line, SmallPool


def options_pool(rng: Random, model: str) -> SmallPool:
    """Contracts as under the unified account, and a few options."""
    held = perpetual_pool(rng, model)
    return replace(held, lines=tuple(with_options(rng, line) for line in held.lines))


def with_options(rng: Random, line: Line) -> Line:
    """Up to three more legs."""
    return replace(line, legs=(*line.legs, *(option(rng) for _ in range(rng.randint(0, 3)))))


def option(rng: Random) -> Leg:
    """An option with an index of its own, above its mark, below it, or the same."""
    drawn = draws_deribit.option(rng, is_inverse=False)
    terms = drawn.contract.option
    assert terms is not None
    fee = rng.choice([NOTHING, Decimal("0.002")])
    index = rng.choice([terms.forward, drawn.contract.mark * rng.choice(EDGES), number(rng, -2, 6)])
    contract = replace(drawn.contract, option=replace(terms, liquidation_rate=fee), index=index)
    return replace(drawn, contract=contract, bids=NOTHING, asks=NOTHING)
