"""The whole daemon: a fall at the exchange becomes one request to cut, asked once, and a page about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import redis

from adapters.loopback import LoopbackExchange, standard_world
from monitor.config import Config, Secret
from monitor.config_deleverage import Deleverage, Hook
from monitor.control_client import ask
from monitor.deleverage.audit import read
from monitor.deleverage.hooks import stream_key
from monitor.deleverage.request import DeleverageRequest, opened
from monitor.domain.assessment import RiskBand
from tests.support.signed_hook import SignedHook, signed_hook
from tests.support.store_server import StoreServer, server_binary
from tests.support.waiting import eventually
from tests.support.whole_daemon import LEVELS, Running, desk_config, running_daemon, watched_account

KEY = Secret("k" * 40, "the test")
BINANCE, NAME = "binance_usdm", "alpha"
SAFE, CRITICAL = 95_000, 90_350
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


class Stage(NamedTuple):
    """What is asked, and who is told."""

    folder: Path
    exchange: LoopbackExchange
    running: Running
    pages: SignedHook
    url: str

    def asked(self) -> list[DeleverageRequest]:
        """What readers of the stream find, each checked by its signature."""
        found: Any = redis.Redis.from_url(self.url).xrange(stream_key("main", "stream"))
        keys = [KEY.reveal().encode()]
        return [
            opened(DeleverageRequest, fields[b"body"], fields[b"signature"].decode(), keys)
            for _, fields in found
        ]


def policy(**changed: object) -> Deleverage:
    """Everything allowed, and nothing waited for."""
    usual = Deleverage(
        accounts=(f"{BINANCE}/{NAME}",),
        dry_run=False,
        armed=True,
        symbols=("*",),
        most_action_usd=1e6,
        most_hour_usd=1e6,
        most_day_usd=1e6,
        recovery_grace_s=0.0,
        target_distance=0.0,
        key=KEY,
    )
    return msgspec.structs.replace(usual, **changed)


@asynccontextmanager
async def stage(folder: Path, config: Deleverage) -> AsyncIterator[Stage]:
    """A daemon that watches one account with a bitcoin in it."""
    binary = server_binary("valkey")
    assert binary is not None
    store = StoreServer(binary, folder)
    await store.start()
    world = standard_world(BINANCE)
    account = world.add_account(BINANCE, NAME)
    world.set_underlying("BTC", SAFE)
    world.set_wallet(account, "USDT", 5_000)
    world.set_position(account, "BTCUSDT", 1, leverage=20)
    try:
        async with signed_hook() as pages, LoopbackExchange(world) as exchange:
            data = folder / "data"
            settings: Config = msgspec.structs.replace(
                desk_config(data, (watched_account(exchange, account),), pages.url, store.url, (LEVELS,)),
                deleverage=config,
                hooks=(Hook("readers", "stream"),),
            )
            async with running_daemon(settings) as running:
                yield Stage(data, exchange, running, pages, store.url)
                assert running.crashes == 0
    finally:
        await store.kill()


async def falls(at: Stage) -> str:
    """The price falls until the account is critical."""
    at.exchange.world.set_underlying("BTC", CRITICAL)
    pool = at.running.watcher.pool_of(f"{BINANCE}/{NAME}")
    await at.running.watcher.until(lambda: at.running.watcher.bands[pool] >= RiskBand.CRITICAL, "critical")
    return pool


async def test_an_armed_daemon_asks_once_and_says_so(tmp_path: Path) -> None:
    """From the fall at the exchange to the signed request in the stream, the audit log and the page."""
    async with stage(tmp_path, policy()) as at:
        armed = msgspec.json.encode({"author": "anna", "seconds": 600})
        await ask(at.folder, "/actions/arm", "POST", armed)
        pool = await falls(at)

        async def was_asked() -> bool:
            return bool(at.asked())

        await eventually(was_asked, "a request")
        told = await at.pages.heard("deleverage raised warning", pool)
        assert told.pools == {pool}
        (request,) = at.asked()
        assert (request.pool, request.dry_run, request.desk) == (pool, False, BINANCE)
        assert [step.side for step in request.steps] == ["sell"]
        assert request.steps[-1].ratio_after is not None and request.steps[-1].ratio_after <= 0.6
    kinds = [record.kind for record in read(at.folder, b"").records]
    assert kinds.count("request") == 1 and kinds.index("arm") < kinds.index("request") < kinds.index("answer")


async def test_a_daemon_that_nobody_armed_says_so_and_asks_nobody(tmp_path: Path) -> None:
    """The refusal is paged by the name of its guard."""
    async with stage(tmp_path, policy()) as at:
        pool = await falls(at)
        await at.pages.heard("deleverage raised warning", pool)
        assert at.asked() == []
        assert at.running.metric("action_refused_total", why="armed") == 1


async def test_the_kill_switch_of_a_running_daemon_holds(tmp_path: Path) -> None:
    """Armed and killed: refused, by its last guard."""
    async with stage(tmp_path, policy()) as at:
        await ask(at.folder, "/actions/arm", "POST", msgspec.json.encode({"author": "anna", "seconds": 600}))
        at.running.daemon.kill_actions()
        pool = await falls(at)
        await at.pages.heard("deleverage raised critical", pool)
        assert at.asked() == []
        assert at.running.metric("action_refused_total", why="kill") == 1
