"""Liquidation prices: of many pools of perpetuals, and of pools that are repriced at every step of a search.

The searches are the daemon's own: `Solver.survey` for all that a message says of a pool, and `find_prices`,
the part of it that finds the prices. The clock is this process's CPU time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from monitor.book.compiled import LOOP
from monitor.book.pocket import fill
from monitor.book.solve import Solver
from monitor.book.surveying import LIQUIDATION, find_prices, is_convex_in_prices
from monitor.margin.models import MODELS
from tests.benchmarks.big_books import LEGS, BigBook, big_book
from tests.benchmarks.scenario_books import SCENARIO_MODELS, scenario_book
from tests.benchmarks.table import Row

POOLS = 10_000
PERPETUALS = ("tiered", "bitget")  # one is convex, the other where no schedule jumps
SCENARIO_POOLS = 300
LIMIT_S = 2.0  # of CPU, all prices of all pools
SCENARIO_LIMIT_MS = 0.5  # of CPU, a price
ROUNDS = 3
NO_UNDERLYINGS = np.zeros(0, np.int64)  # an aim without a distance looks at none


class Cost(NamedTuple):
    """CPU seconds for all pools, how many prices there were to find, and how many of them there are."""

    prices_s: float
    survey_s: float
    searched: int
    found: int


def run() -> Iterator[Row]:
    """Perpetuals first, then each model that reprices."""
    for model in PERPETUALS:
        cost = cost_of(big_book(POOLS, models=(model,)), model, POOLS)
        ours = f"{cost.prices_s:.2f} s of CPU, {1e6 * cost.prices_s / cost.searched:.2f} us a price"
        beside = f"the whole survey of each, called one by one, {cost.survey_s:.2f} s"
        what = f"liquidation prices of {POOLS:,} pools x {LEGS} positions, {model}"
        yield Row(what, ours, beside, f"at most {LIMIT_S:g} s", cost.prices_s <= LIMIT_S)
    for model in SCENARIO_MODELS:
        cost = cost_of(scenario_book(model, SCENARIO_POOLS), model, SCENARIO_POOLS)
        each_ms = 1e3 * cost.prices_s / cost.searched
        survey_ms = 1e3 * cost.survey_s / SCENARIO_POOLS
        beside = (
            f"{cost.found} of {cost.searched} searches found one; a whole survey {survey_ms:.1f} ms a pool"
        )
        what = f"a liquidation price of {model}, pools of {LEGS} positions"
        limit = f"at most {SCENARIO_LIMIT_MS:g} ms"
        yield Row(what, f"{each_ms:.3f} ms of CPU", beside, limit, each_ms <= SCENARIO_LIMIT_MS)


def cost_of(big: BigBook, model: str, pools: int) -> Cost:
    """Every pool once by the searches of prices alone and once by the survey; both must agree."""
    convexity = int(MODELS[model].convexity)
    prices = np.full((pools, LEGS), math.nan)
    nothing = np.zeros(0, np.int64)
    all_prices(big.models, convexity, nothing, big.book, big.pocket, prices)
    solver = Solver(big.models, [convexity], big.bounds)
    solver.survey(0, 1.0, 0.0, big.book, big.pocket)
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        all_prices(big.models, convexity, big.everything, big.book, big.pocket, prices)
        spent.append(time.process_time() - began)
    began = time.process_time()
    surveyed = [solver.survey(pool, 1.0, 0.0, big.book, big.pocket).legs.price for pool in range(pools)]
    survey_s = time.process_time() - began
    assert np.array_equal(np.array(surveyed), prices, equal_nan=True), "the survey says otherwise"
    book: Any = big.book
    searched = np.count_nonzero(book.instruments["option"][book.positions["instrument"]] < 0)
    return Cost(min(spent), survey_s, int(searched), int(np.isfinite(prices).sum()))


@njit(**LOOP | {"cache": False})
def all_prices(models, convexity, rows, book, pocket, prices):
    """Writes the liquidation prices of each pool's positions, a row a pool."""
    for pool in rows:
        fill(pool, book, pocket)
        is_convex = is_convex_in_prices(convexity, pocket.book)
        find_prices(models, is_convex, LIQUIDATION, pocket, NO_UNDERLYINGS, prices[pool])
