"""A sweep over many models at once, beside one model over the same positions; options and scenarios apart.

The rounds of what is compared alternate, so that a neighbour on the machine slows all of them, and the clock
is this process's CPU time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from monitor.book.sweep import LevelTables
from tests.benchmarks.big_books import LEGS, LEVELS, SHIPPED, BigBook, big_book
from tests.benchmarks.scenario_books import SCENARIO_MODELS, scenario_book
from tests.benchmarks.table import Row

POOLS = 100_000
SCENARIO_POOLS = 1_000
TIMES = 1.5  # of the single-model sweep, at most
# Ten that hold perpetuals and read the same columns. Pools of them alternate, as accounts of a desk do: no
# call goes where the one before it went.
TEN = (
    *("tiered", "multi_assets", "bybit_unified", "bybit_isolated", "deribit_linear"),
    *("portfolio_unimmr", "gate_futures", "bitget", "dydx", "gmx"),
)
ROUNDS = 5


def run() -> Iterator[Row]:
    """Mixed beside single, by ratio and at the levels that ship; then each model that reprices options."""
    books = {model: big_book(POOLS, models=(model,)) for model in TEN} | {
        "mixed": big_book(POOLS, models=TEN)
    }
    what = f"full sweep of {len(TEN)} models in turn, {POOLS:,} pools x {LEGS} positions"
    yield _mixed(f"{what}, bands by ratio", _costs(books, LEVELS))
    yield _mixed(f"{what}, at the shipped levels", _costs(books, SHIPPED))
    for model in SCENARIO_MODELS:
        held = {model: scenario_book(model, SCENARIO_POOLS), "tiered": big_book(SCENARIO_POOLS)}
        cost = _costs(held, LEVELS)
        beside = f"tiered {cost['tiered']:.1f} ns: {cost[model] / cost['tiered']:.1f} times"
        yield Row(
            f"full sweep of {model}, {SCENARIO_POOLS:,} pools", f"{cost[model]:,.0f} ns a position", beside
        )


def _mixed(what: str, cost: Mapping[str, float]) -> Row:
    """The limit holds against tiered alone; the mean of the ten alone tells what going from one to the other
    costs."""
    times, mean = cost["mixed"] / cost["tiered"], sum(cost[model] for model in TEN) / len(TEN)
    slowest = max(TEN, key=cost.__getitem__)
    beside = (
        f"tiered alone {cost['tiered']:.1f} ns: {times:.2f} times; the ten one by one {mean:.1f} ns on "
        f"average: {cost['mixed'] / mean:.2f} times; slowest {slowest} {cost[slowest]:.1f} ns"
    )
    return Row(what, f"{cost['mixed']:.1f} ns a position", beside, f"at most {TIMES:g} times", times <= TIMES)


def _costs(books: Mapping[str, BigBook], levels: LevelTables) -> dict[str, float]:
    """Nanoseconds of CPU a position, the best of some rounds, by name."""
    best = dict.fromkeys(books, float("inf"))
    for _ in range(ROUNDS):
        for name, big in books.items():
            spent = cpu_s(lambda held=big: held.sweep(levels=levels))  # type: ignore[misc]
            best[name] = min(best[name], 1e9 * spent / len(big.book.positions))
    return best


def cpu_s(work: Callable[[], object]) -> float:
    """What it takes of this process's CPU time, once."""
    began = time.process_time()
    work()
    return time.process_time() - began
