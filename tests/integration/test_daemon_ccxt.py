"""The whole daemon on accounts that it reads through ccxt: a crash to a page, a mute to UNKNOWN and back.

The exchange is the loopback one, at the far end of ccxt's own REST and websocket clients. Times are held
only to what the order of things needs.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from adapters.loopback import Account, LoopbackExchange, standard_world
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from tests.support.ccxt_desk import ccxt_daemon, venue_of
from tests.support.receivers import HttpServer
from tests.support.signed_hook import SignedHook
from tests.support.store_server import StoreServer, server_binary
from tests.support.whole_daemon import Running

VENUES = ("binance_usdm", "bybit", "hyperliquid")
MONEY = {"binance_usdm": "USDT", "bybit": "USDT", "hyperliquid": "USDC"}
BITCOIN = {"binance_usdm": "BTCUSDT", "bybit": "BTCUSDT", "hyperliquid": "BTC"}
SAFE, CRITICAL = 95_000, 90_400
RAISED, RESOLVED = "unknown raised critical", "unknown resolved clear"
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


class KeepingHook(SignedHook):
    """Also keeps the whole of what was delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        """As the other one, which verifies it."""
        self.contents.append(json.loads(await request.read()))
        return await super().handle(request)


@asynccontextmanager
async def keeping_hook() -> AsyncIterator[KeepingHook]:
    """A receiver on a port of its own."""
    hook = KeepingHook()
    async with HttpServer(hook.handle) as server:
        hook.url = f"http://127.0.0.1:{server.port}/"
        yield hook


class Stage(NamedTuple):
    """A daemon that reads two accounts of each venue through ccxt, one of which holds nothing."""

    exchange: LoopbackExchange
    hook: KeepingHook
    store: StoreServer
    running: Running

    def pool(self, venue: str) -> str:
        """The pool of the venue's account."""
        return self.running.watcher.pool_of(f"{venue_of(account_at(self.exchange, venue))}/bitcoin")


def account_at(exchange: LoopbackExchange, venue: str) -> Account:
    """The account with a position at a venue."""
    return next(account for account in exchange.world.accounts.values() if account.venue == venue)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Everything running, and every account clear."""
    world = standard_world(*VENUES)
    for venue in VENUES:
        account = world.add_account(venue, "bitcoin")
        world.set_wallet(account, MONEY[venue], 5_000)
        world.set_position(account, BITCOIN[venue], 1, leverage=20)
        world.set_wallet(world.add_account(venue, "nothing"), MONEY[venue], 5_000)
    binary = server_binary("valkey")
    assert binary is not None
    store = StoreServer(binary, folder)
    await store.start()
    try:
        async with keeping_hook() as hook, LoopbackExchange(world) as exchange:
            accounts = list(world.accounts.values())
            async with ccxt_daemon(folder / "data", exchange, accounts, hook.url, store.url) as running:
                yield Stage(exchange, hook, store, running)
                assert not running.task.done()
                assert running.crashes == 0, "a part of the daemon had to be started again"
    finally:
        await store.kill()


async def test_a_crash_reaches_the_desk_with_the_venues_ratio(tmp_path: Path) -> None:
    """Each venue's own ratio, past critical: the page is delivered, with what brings it back; Redis has the
    model, and there is no margin error and no distance to pretend with."""
    async with stage(tmp_path) as at:
        began_s = time.monotonic()
        for venue in VENUES:
            at.exchange.world.set_mark(BITCOIN[venue], CRITICAL, venue=venue)
        for venue in VENUES:
            await is_paged(at, venue, began_s)
        for venue in VENUES:
            at.exchange.world.set_mark(BITCOIN[venue], SAFE, venue=venue)
        for venue in VENUES:
            await at.hook.heard("margin resolved clear", at.pool(venue))
        assert not [words for words in at.hook.words() if "unknown" in words]
        idle = [pool for pool in at.running.watcher.bands if "/nothing/" in pool]
        assert len(idle) == len(VENUES)
        assert not [pool for pool in idle for told in at.hook.told if pool in told.pools]
        for content in at.hook.contents:
            name = content["pool"]["venue"].removeprefix("ccxt:")
            told = f"as {name} (via ccxt) tells it, not computed by margind"
            assert f"source: ratio {told}" in content["lines"]
            assert content["assessment"]["source"] == told
            assert told in content["headline"]


async def is_paged(at: Stage, venue: str, began_s: float) -> None:
    """What is told of one pool."""
    pool = at.pool(venue)
    await at.hook.until(
        lambda: [t for t in at.hook.told if pool in t.pools and t.level in ("critical", "liquidation")],
        f"a critical page of {pool}",
    )
    print(f"{pool}: told after {time.monotonic() - began_s:.1f} s: {at.hook.words()}")
    found = at.running.daemon.describe(PoolId(pool))
    assert found is not None
    assert (found.model, found.margin_error, found.distance_percent) == ("venue_ratio", None, None)
    assert found.margin_ratio is not None and found.margin_ratio > 0.8
    assert [option.action for option in found.rescue] == ["add"]
    assert found.rescue[0].ratio_after < 0.4
    assert found.venue_reported is not None and found.venue_reported.ratio_name
    (held,) = found.contributors
    assert held.quantity == 1
    assert found.venue_reported.liquidation_prices[held.instrument] > 0
    state = json.loads(await at.store.ask("HGET", "margind:{main}:state", pool))
    assert (state["model"], state["venue"]) == ("venue_ratio", pool.split("/")[0])
    assert state["positions"] == 1
    assert (state["distance_percent"], state["margin_error"], state["initial_margin"]) == (None, None, None)


async def test_a_mute_exchange_is_unknown_paged_and_comes_back(tmp_path: Path) -> None:
    """What can't be read is UNKNOWN after seconds, paged while it holds, and resolved when it answers again;
    the others stay clear."""
    async with stage(tmp_path) as at:
        muted, others = VENUES[0], VENUES[1:]
        pool, watcher = at.pool(muted), at.running.watcher
        began_s = time.monotonic()
        at.exchange.faults.black_hole(muted)
        await at.hook.heard(RAISED, pool)
        assert watcher.bands[pool] is RiskBand.UNKNOWN
        healed_s = time.monotonic()
        at.exchange.faults.heal(muted)
        await at.hook.heard(RESOLVED, pool, 60.0)
        assert watcher.bands[pool] is RiskBand.CLEAR
        unknown_s, clear_s = (
            watcher.since(began_s, pool, RiskBand.UNKNOWN)[0],
            watcher.since(healed_s, pool, RiskBand.CLEAR)[0],
        )
        print(f"UNKNOWN after {unknown_s - began_s:.1f} s, back {clear_s - healed_s:.1f} s after the healing")
        for venue in others:
            assert not watcher.since(began_s, at.pool(venue), RiskBand.UNKNOWN)


async def test_a_broken_stream_is_a_gap_until_the_next_reading(tmp_path: Path) -> None:
    """Closed sockets of every venue: UNKNOWN, known again by a reading, nothing told, nothing restarted."""
    async with stage(tmp_path) as at:
        watcher = at.running.watcher
        for venue in VENUES:  # each stream has spoken, so that its end is one
            at.exchange.world.set_wallet(account_at(at.exchange, venue), MONEY[venue], 5_100)
        frames = {venue: venue_of(account_at(at.exchange, venue)) for venue in VENUES}
        await watcher.until(
            lambda: all(
                at.running.metric("frames_total", venue=v, stream="private") for v in frames.values()
            ),
            "every stream to speak",
        )
        began_s = time.monotonic()
        for venue in VENUES:
            at.exchange.faults.close(venue, 1001)
        for pool in map(at.pool, VENUES):
            for band in (RiskBand.UNKNOWN, RiskBand.CLEAR):
                went = partial(watcher.since, began_s, pool, band)
                await watcher.until(went, f"{pool} to be {band.label} after the break")
        assert at.hook.words() == []
