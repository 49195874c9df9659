"""`make bench`: each speed beside a peer or a limit of the same run. Read the ratios, not the absolutes.

Each row is printed as soon as it is there, as Markdown, so that a run can be pasted. A file beside this one
whose name starts with `decode_` or `frame_` and that has a `run` is found and run.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import tests.benchmarks
from tests.benchmarks import (
    big_books,
    live,
    marks,
    memory,
    models_solve,
    models_start,
    models_sweep,
    store,
    sweep,
)
from tests.benchmarks.table import Row, headline, line

DECODE_TIMES = 4.0  # of ccxt.pro, at least
SWEEP_TIMES = 15.0  # of the copy floor, at most
MEMORY_MB = 500.0  # at most


def main() -> None:
    """Prints the table."""
    print(f"{headline()}\n\n| what | ours | beside | limit | |\n|---|---|---|---|---|", flush=True)
    for section in SECTIONS:
        for row in section():
            print(line(row), flush=True)


def found(prefix: str) -> Iterator[Any]:
    """The modules beside this one that measure something of this kind."""
    for entry in pkgutil.iter_modules(tests.benchmarks.__path__):
        if entry.name.startswith(prefix):
            module = import_module(f"tests.benchmarks.{entry.name}")
            if hasattr(module, "run"):
                yield module


def decoding() -> Iterator[Row]:
    """Each venue's frames, beside ccxt.pro."""
    for venue in found("decode_"):
        cost = venue.run()
        ours, peer = f"{cost.ours_per_s:,.0f} frames/s", f"ccxt.pro {cost.ccxt_per_s:,.0f} frames/s"
        beside = f"{peer}: {cost.times:.1f} times"
        limit, is_kept = f"at least {DECODE_TIMES:g} times", cost.times >= DECODE_TIMES
        yield Row(f"decode and merge, {cost.venue}", ours, beside, limit, is_kept)


def sweeping() -> Iterator[Row]:
    """Everything at once."""
    cost = sweep.run()
    what = f"full sweep, {sweep.POOLS:,} pools x {big_books.LEGS} positions, {big_books.TIERS} tiers, bands"
    ours, times = f"{cost.ours:.1f} ns a position", cost.ours / cost.copy
    floor = f"copy of the same bytes {cost.copy:.1f} ns: {times:.1f} times"
    yield Row(what, ours, floor, f"at most {SWEEP_TIMES:g} times", times <= SWEEP_TIMES)
    shipped, full = cost.shipped / cost.copy, f"without the bounds {cost.in_full:.1f} ns"
    yield Row(
        "the same at the shipped levels (ratio and distance)",
        f"{cost.shipped:.1f} ns a position",
        f"the same copy: {shipped:.1f} times; {full}",
        f"at most {SWEEP_TIMES:g} times",
        shipped <= SWEEP_TIMES,
    )
    yield Row(
        "the same in numpy", ours, f"numpy {cost.numpy:.1f} ns: {cost.numpy / cost.ours:.1f} times ours"
    )


def moving() -> Iterator[Row]:
    """A mark that few or all read."""
    for cost in marks.run():
        share = cost.touched / cost.pools
        what = f"one mark moves, {cost.pools:,} pools, {share:.0%} touched"
        ours, full = f"p50 {cost.p50:.3g} ms, p99 {cost.p99:.3g} ms", f"full sweep p50 {cost.full_p50:.3g} ms"
        if share < 0.5:
            yield Row(what, ours, full, "p50 under the full sweep's", cost.p50 < cost.full_p50)
        else:
            yield Row(what, ours, full)


def living() -> Iterator[Row]:
    """What a daemon's book does, beside its own sweep."""
    cost = live.run()
    pools = f"{live.POOLS:,} pools"
    beside = f"its sweep p50 {cost.sweep_ms:.3g} ms"
    turn = f"p50 {cost.turn_p50_ms:.3g} ms, p99 {cost.turn_p99_ms:.3g} ms"
    yield Row(f"mark in, turn out, {pools}, all touched", turn, beside)
    per_pool_us = 1e6 * cost.distances_s / live.POOLS
    solved = f"{cost.distances_s:.2f} s, {per_pool_us:.0f} us a pool"
    yield Row(f"liquidation distances of {pools}", solved, beside)
    picture = f"clear {cost.clear_us:.0f} us, in trouble {cost.troubled_us:.0f} us"
    yield Row(
        "the full picture of a pool of 10 positions", picture, f"its distance alone {per_pool_us:.0f} us"
    )


def holding() -> Iterator[Row]:
    """The memory of a process."""
    cost = memory.run()
    beside = f"with an empty book {cost.without:.0f} MB"
    what = f"memory, the daemon's packages and {memory.POOLS:,} pools x {big_books.LEGS} positions"
    limit, is_kept = f"at most {MEMORY_MB:g} MB", cost.with_book <= MEMORY_MB
    yield Row(what, f"{cost.with_book:.0f} MB", beside, limit, is_kept)


def storing() -> Iterator[Row]:
    """The state in Redis."""
    cost = store.run()
    beside = "skipped: redis-benchmark is not on this machine"
    if cost.commands_per_s is not None and cost.pipelined_per_s is not None:
        beside = f"redis-benchmark {cost.commands_per_s:,.0f} HSET/s, {cost.pipelined_per_s:,.0f} in 16s"
    yield Row(f"Redis flush, {store.POOLS:,} pools, all changed", f"{cost.pools_per_s:,.0f} pools/s", beside)


def sending() -> Iterator[Row]:
    """A frame's way to the first attempt to send."""
    for module in found("frame_"):
        yield from module.run()


SECTIONS: tuple[Callable[[], Iterator[Row]], ...] = (
    decoding,
    sweeping,
    moving,
    living,
    models_sweep.run,
    models_solve.run,
    models_start.run,
    holding,
    storing,
    sending,
)

if __name__ == "__main__":
    main()
