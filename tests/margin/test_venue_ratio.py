"""The model that takes the venue's word: what reaches the answer, and what must not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.models import MODELS
from tests.support import draws
from tests.support.small_books import float_book, moves_of, requirement, surveyed

rngs = st.integers(0, 2**48).map(Random)


@given(rng=rngs)
def test_nothing_but_the_told_numbers_is_read(rng: Random) -> None:
    """Whatever is held and whatever it is worth, the answer is what the venue told, to the last bit."""
    pool = draws.pool(rng, "venue_ratio")
    other = replace(draws.pool(rng, "venue_ratio"), told=pool.told)
    found = requirement(pool)
    assert found == requirement(other)
    assert (found.equity, found.maintenance_margin) == tuple(map(float, pool.told))


@given(rng=rngs)
def test_no_move_and_no_cut_is_solved(rng: Random) -> None:
    """No price is in the model: no move liquidates, no position has a price of its own, no cut helps."""
    pool = replace(draws.pool(rng, "venue_ratio"), told=(Decimal(100), Decimal(70)))
    assert all(np.isnan(sides).all() for sides in moves_of(pool).values())
    found = surveyed(pool, level=0.5)
    assert np.isnan(found.legs.price[: len(pool.legs)]).all()
    assert np.isnan(found.legs.cut[: len(pool.legs)]).all()


def test_it_is_the_only_model_on_the_venues_word() -> None:
    """Everything else is computed, and compared with the venue."""
    assert [name for name, model in MODELS.items() if model.is_told] == ["venue_ratio"]


def test_a_model_that_computes_has_told_columns_of_nothing() -> None:
    """The two columns are of no meaning elsewhere."""
    book = float_book(draws.pool(Random(1), "tiered"))
    assert (book.pools[0].told_equity, book.pools[0].told_maintenance) == (0, 0)
