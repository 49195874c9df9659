"""The whole daemon while its Redis misbehaves: assessed and paged all the same, shown in full afterwards."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.domain.assessment import RiskBand
from tests.support.fault_stage import BINANCE, BITCOIN, Stage, stage
from tests.support.state_reader import pools
from tests.support.store_server import StoreServer
from tests.support.waiting import eventually

SAFE_MARK, CRITICAL_MARK = 95_000, 90_400
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


async def _ask(store: StoreServer, *commands: str) -> None:
    for command in commands:
        await store.ask(*command.split())


async def _freeze(store: StoreServer) -> None:
    store.freeze()


async def _thaw(store: StoreServer) -> None:
    store.thaw()


class StoreFault(NamedTuple):
    """What happens to the store, what undoes it, and what the daemon calls it."""

    begin: Callable[[StoreServer], Awaitable[None]]
    end: Callable[[StoreServer], Awaitable[None]]
    kind: str


STORE_FAULTS = {
    "frozen": StoreFault(_freeze, _thaw, "timeout"),
    "dead": StoreFault(StoreServer.kill, StoreServer.start, "connection"),
    "read-only": StoreFault(
        lambda store: _ask(store, "REPLICAOF 127.0.0.1 1"),
        lambda store: _ask(store, "REPLICAOF NO ONE"),
        "read_only",
    ),
    "no replicas": StoreFault(
        lambda store: _ask(store, "CONFIG SET min-replicas-to-write 1"),
        lambda store: _ask(store, "CONFIG SET min-replicas-to-write 0"),
        "command",
    ),
    "full": StoreFault(
        lambda store: _ask(store, "CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1mb"),
        lambda store: _ask(store, "CONFIG SET maxmemory 0"),
        "out_of_memory",
    ),
}


async def is_complete(at: Stage) -> bool:
    """Whether a reader of the store sees every pool as the daemon does."""
    shown = {pool: record.band for pool, record in (await pools(at.store)).items()}
    return shown == {pool: band.label for pool, band in at.running.watcher.bands.items()}


def cross(at: Stage, mark: int) -> None:
    """Bitcoin's price at Binance, told at once."""
    at.exchange.world.set_mark(BITCOIN[BINANCE], mark, venue=BINANCE)
    at.exchange.publish_now(BINANCE)


async def is_told_without_a_store(at: Stage) -> None:
    """A crossing while nobody stores anything: assessed, paged, and turned over and over."""
    watcher, pool = at.running.watcher, at.pool(BINANCE, "bitcoin")
    turns, began_s = watcher.turns, time.monotonic()
    cross(at, CRITICAL_MARK)
    page = await at.hook.heard("margin raised critical", pool)
    assert at.running.metric("store_up") == 0.0, "the store was back before the page"
    print(f"paged {1000 * (page.at_s - began_s):.0f} ms after the crossing")
    await watcher.until(lambda: watcher.turns > turns + 8, "turns to go on")
    assert watcher.bands[pool] is RiskBand.CRITICAL


async def is_whole_again(at: Stage) -> None:
    """What was missed is in the store, and the next news too."""
    await eventually(lambda: is_complete(at), "the store to show all that was missed")
    cross(at, SAFE_MARK)
    await at.hook.heard("margin resolved clear", at.pool(BINANCE, "bitcoin"))
    await eventually(lambda: is_complete(at), "the store to show the end of it")
    assert at.hook.words() == ["margin raised critical", "margin resolved clear"]


@pytest.mark.parametrize("name", STORE_FAULTS)
async def test_a_store_in_trouble_delays_no_page(tmp_path: Path, name: str) -> None:
    """S1-S5: while Redis is frozen, dead, read-only or full, accounts are assessed and pages arrive; when it
    is back it shows every pool as it is by then."""
    fault = STORE_FAULTS[name]
    async with stage(tmp_path, BINANCE) as at:
        await eventually(lambda: is_complete(at), "the first state")
        await fault.begin(at.store)
        await at.running.watcher.until(
            lambda: at.running.metric("store_errors_total", kind=fault.kind),
            f"a store that is {name} to be noticed",
        )
        await is_told_without_a_store(at)
        await fault.end(at.store)
        await is_whole_again(at)


async def test_a_store_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    """S1: the daemon starts, assesses and pages without a store, and fills it when it comes."""
    async with stage(tmp_path, BINANCE, store_is_there=False) as at:
        assert at.running.metric("store_errors_total", kind="connection") > 0
        await is_told_without_a_store(at)
        await at.store.start()
        await is_whole_again(at)
