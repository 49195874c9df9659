"""The whole daemon while a venue misbehaves: UNKNOWN, the page, the recovery, and no restart.

Sockets, store and receiver are real, so that times are held only to three times the promise of 5 s and 10 s;
the promise itself is proven in virtual time (tests/simulation).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from adapters.loopback import Faults
from monitor.domain.assessment import RiskBand
from tests.support.fault_stage import BITCOIN, VENUES, Stage, stage

UNKNOWN_S, PAGE_S, GAP_S = 15.0, 30.0, 6.0  # three times the promise
RAISED = ("unknown raised critical", "venue raised critical")  # the venue's, where all of its pools are
RESOLVED = ("unknown resolved clear", "venue resolved clear")
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


class Fault(NamedTuple):
    """What a venue does, and which accounts it leaves without a figure there."""

    begin: Callable[[Faults, str], None]
    hits: Callable[[str], frozenset[str]]


HOLDERS = frozenset({"bitcoin", "ether"})
ALL = HOLDERS | {"nothing"}


LASTING = {
    "mute": Fault(lambda faults, venue: faults.mute(venue), lambda _: HOLDERS),
    "one symbol": Fault(
        lambda faults, venue: faults.mute_symbol(venue, BITCOIN[venue]), lambda _: frozenset({"bitcoin"})
    ),
    "heartbeats": Fault(lambda faults, venue: faults.heartbeats_only(venue), lambda _: HOLDERS),
    "black hole": Fault(lambda faults, venue: faults.black_hole(venue), lambda _: ALL),
}
ROUNDS = [
    dict(zip(VENUES, (kinds * 2)[start : start + len(VENUES)], strict=True))
    for kinds in [list(LASTING)]
    for start in range(len(kinds))
]


async def goes_through(at: Stage, venue: str, kind: str) -> set[str]:
    """One lasting fault at one venue: UNKNOWN, page, recovery, in this order; answers whom it hit."""
    watcher, fault = at.running.watcher, LASTING[kind]
    hit = {at.pool(venue, name) for name in fault.hits(venue)}
    began_s = time.monotonic()
    fault.begin(at.faults, venue)
    for pool in hit:
        await at.hook.heard(RAISED, pool, PAGE_S)
    assert all(watcher.bands[pool] is RiskBand.UNKNOWN for pool in hit), "it recovered by itself"
    healed_s = time.monotonic()
    at.faults.heal(venue)
    await watcher.until(
        lambda: all(watcher.bands[pool] is RiskBand.CLEAR for pool in hit), f"{venue} to recover from {kind}"
    )
    for pool in hit:
        resolved = await at.hook.heard(RESOLVED, pool)
        unknown_s, page_s = (
            watcher.since(began_s, pool, RiskBand.UNKNOWN)[0],
            at.hook.of(RAISED, pool)[0].at_s,
        )
        clear_s = watcher.since(healed_s, pool, RiskBand.CLEAR)[0]
        assert unknown_s < page_s < healed_s < clear_s < resolved.at_s
        assert unknown_s - began_s < UNKNOWN_S, f"{pool}: UNKNOWN after {unknown_s - began_s:.1f} s"
        assert page_s - began_s < PAGE_S, f"{pool}: paged after {page_s - began_s:.1f} s"
        took = f"UNKNOWN {unknown_s - began_s:.2f} s, page {page_s - began_s:.2f} s"
        print(f"{kind} {pool}: {took}; back {clear_s - healed_s:.2f} s after it was healed")
    return hit


@pytest.mark.parametrize("faults", ROUNDS, ids=lambda faults: ", ".join(faults.values()))
async def test_unknown_then_page_then_recovery(tmp_path: Path, faults: dict[str, str]) -> None:
    """A fault that lasts, another one at each venue: whom it concerns is UNKNOWN, is paged once, recovers and
    is resolved; who needs nothing of what is silent hears nothing and stays clear."""
    async with stage(tmp_path, *VENUES) as at:
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            going = [group.create_task(goes_through(at, venue, kind)) for venue, kind in faults.items()]
        hit = {pool for task in going for pool in task.result()}
        watcher = at.running.watcher
        for pool in watcher.bands:
            unknown = watcher.since(began_s, pool, RiskBand.UNKNOWN)
            assert bool(unknown) == (pool in hit), f"{pool} was UNKNOWN {len(unknown)} times"
            assert len(at.hook.of(RAISED, pool)) == len(at.hook.of(RESOLVED, pool)) == (pool in hit)
        assert set(at.hook.words()) <= {*RAISED, *RESOLVED}, "nothing else is told"


PASSING: dict[str, Callable[[Faults, str], None]] = {
    "half-open": lambda faults, venue: faults.half_open(venue),
    "going away": lambda faults, venue: faults.close(venue, 1001),
    "reset": lambda faults, venue: faults.reset(venue),
}
SHORT_ROUNDS = [
    dict(zip(VENUES, (kinds * 2)[start : start + len(VENUES)], strict=True))
    for kinds in [list(PASSING)]
    for start in range(len(kinds))
]


async def gets_over(at: Stage, venue: str, kind: str) -> None:
    """Sockets that die while new ones work: all are opened again, and the accounts are clear again."""
    watcher, sockets = at.running.watcher, at.exchange.sockets(venue)
    open_before, opened_before = len(sockets), sockets.opened
    ours = [pool for pool in watcher.bands if pool.startswith(f"{venue}/")]
    holders = [pool for pool in ours if not pool.startswith(f"{venue}/nothing/")]
    began_s = time.monotonic()
    PASSING[kind](at.faults, venue)
    await watcher.until(
        lambda: all(watcher.since(began_s, pool, RiskBand.UNKNOWN) for pool in holders),
        f"{venue}: {kind} to show",
    )
    await watcher.until(
        lambda: (
            sockets.opened >= opened_before + open_before
            and all(watcher.bands[pool] is RiskBand.CLEAR for pool in ours)
        ),
        f"{venue} to get over {kind}",
    )
    for pool in holders:
        unknown_s = watcher.since(began_s, pool, RiskBand.UNKNOWN)[0]
        clear_s = watcher.since(unknown_s, pool, RiskBand.CLEAR)[-1]
        assert unknown_s - began_s < UNKNOWN_S
        assert clear_s - unknown_s < GAP_S, f"{pool}: {clear_s - unknown_s:.1f} s without an answer"
        print(f"{kind} {pool}: UNKNOWN {unknown_s - began_s:.2f} s, back {clear_s - unknown_s:.2f} s later")


@pytest.mark.parametrize("faults", SHORT_ROUNDS, ids=lambda faults: ", ".join(faults.values()))
async def test_what_heals_by_itself_pages_nobody(tmp_path: Path, faults: dict[str, str]) -> None:
    """Sockets that are closed, reset or found half-open while the venue takes new ones: UNKNOWN shows, the
    streams are opened again, and nobody is told."""
    async with stage(tmp_path, *VENUES) as at:
        async with asyncio.TaskGroup() as group:
            for venue, kind in faults.items():
                group.create_task(gets_over(at, venue, kind))
        assert at.hook.words() == []
