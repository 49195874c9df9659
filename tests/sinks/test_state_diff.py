"""The bookkeeping of what readers have, against a plain dict of what they were told."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import ManualClock
from monitor.domain.turn import BookView
from monitor.sinks.state_diff import RATIO_STEP, StreamBudget, Written
from monitor.sinks.state_record import margin_ratios
from tests.support.views import label, view_of

Shown = tuple[int, int, bool, float]
POOLS = st.lists(st.integers(0, 6), unique=True, max_size=7)
SEEDS = st.integers(0, 2**32 - 1)


def a_view(pools: list[int], seed: int, generation: int) -> BookView:
    """A view of these pools whose columns often repeat those of another seed."""
    rng = np.random.default_rng(seed)
    size = len(pools)
    return view_of(
        tuple(label(number) for number in pools),
        ManualClock(),
        generation,
        equity=rng.choice([0.0, -1.0, 1000.0], size),
        maintenance_margin=rng.choice([0.0, 100.0, 100.05, 100.2], size),
        band=rng.integers(-1, 2, size),
        reasons=rng.integers(0, 2, size),
        deficit=rng.random(size) < 0.5,
    )


def rows_of(view: BookView) -> dict[str, Shown]:
    """What the view says of each pool."""
    ratio = margin_ratios(view)
    return {
        pool.id: (int(view.band[row]), int(view.reasons[row]), bool(view.deficit[row]), float(ratio[row]))
        for row, pool in enumerate(view.pools)
    }


def same(told: Shown, true: Shown) -> bool:
    """Whether a reader who was told the one knows the other."""
    if told[:3] != true[:3] or math.isnan(told[3]) != math.isnan(true[3]):
        return False
    return math.isnan(true[3]) or abs(told[3] - true[3]) < RATIO_STEP


@given(views=st.lists(st.tuples(POOLS, SEEDS, st.booleans()), max_size=8))
def test_readers_know_what_is_true(views: list[tuple[list[int], int, bool]]) -> None:
    """Whatever comes, moves row, goes or fails to be written: a written flush leaves readers right."""
    written, readers, away = Written(), dict[str, Shown](), set[str]()
    for generation, (pools, seed, is_written) in enumerate(views):
        view = a_view(pools, seed, generation)
        written.align(view)
        changed, gone, true = written.changed(view), written.gone, rows_of(view)
        away |= readers.keys() - true.keys()
        if not is_written:
            continue
        stale = {
            pool for pool, shown in true.items() if pool not in readers or not same(readers[pool], shown)
        }
        told = {view.pools[row].id for row in changed}
        assert told == stale | (away & true.keys())  # what returns is told again, though readers may have it
        away.clear()
        assert set(gone) == readers.keys() - true.keys()
        written.mark(view, changed)
        written.forget(gone)
        readers.update({pool: true[pool] for pool in told})
        for pool in gone:
            del readers[pool]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(1, 12))
def test_the_newest_entries_that_fit_are_kept(sizes: list[int], most: int) -> None:
    """As many of the newest as fit into the limit, the newest always, never more than the count allows."""
    budget = StreamBudget(500, most)
    for size in sizes:
        budget.add(size)
    fitting = [count for count in range(1, min(len(sizes), most) + 1) if sum(sizes[-count:]) <= 500]
    assert budget.entries == max(fitting, default=1)


def test_a_stream_that_exists_is_taken_as_it_is() -> None:
    """Twenty entries of 2,000 bytes in all stay; half of them go when the server is full; none is none."""
    budget = StreamBudget(10_000)
    budget.seed(20, 2_000)
    assert budget.entries == 20
    budget.shrink()
    assert budget.entries == 10
    budget.seed(0, 0)
    assert budget.entries == 1
