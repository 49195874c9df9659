"""From a price on a venue's stream to a reduce-only order there: daemon, Redis and executor are real."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from monitor.deleverage.request import Outcome
from tests.support.daemon_process import ROOT, Place, daemon_process, write_config
from tests.support.executing import SYMBOL, VENUE, stage
from tests.support.signed_hook import signed_hook
from tests.support.waiting import eventually

POOL = f"{VENUE}/alpha/cross-USDT"
WALLET = 5_000  # one bitcoin long from 95,000: equity is the mark less 90,000, maintenance 0.4 % of the mark
CLEAR, CRITICAL = 95_000, 90_400
DELEVERAGE = """
[deleverage]
desks = ["desk"]
dry_run = false
armed = true
symbols = ["binance_usdm:BTCUSDT"]
most_action_usd = 100_000
most_hour_usd = 100_000
most_day_usd = 100_000
recovery_grace_s = 1
target_distance = 0.0
key_file = "requests.key"

[[hooks]]
name = "executor"
kind = "executor"
"""
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


async def margind(*words: str) -> str:
    """What a command of the desk answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "monitor",
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


async def test_a_critical_pool_is_cut_once_and_is_better(tmp_path: Path) -> None:
    """Armed by a person, the fall of a price ends in one reduce-only order with the executor's own key, and
    the daemon sees a pool that is no longer critical."""
    async with stage(tmp_path) as desk, signed_hook() as hook:
        world = desk.exchange.world
        world.set_wallet(desk.account, "USDT", WALLET)
        world.set_position(desk.account, SYMBOL, 1, CLEAR, leverage=20)
        place = Place(tmp_path, (hook.url,), desk.store.url)
        write_config(place, desk.exchange, [desk.account])
        place.config.write_text(place.config.read_text() + DELEVERAGE)
        publishing = asyncio.create_task(_publish(desk))
        try:
            async with daemon_process(place) as daemon:
                await daemon.shows(POOL, "clear")
                await desk.start()
                said = await margind("arm", "--for", "10m", "--by", "anna", "--data-dir", str(place.data))
                world.set_mark(SYMBOL, CRITICAL, venue=VENUE)

                async def has_order() -> bool:
                    return bool(desk.account.orders)

                try:
                    await eventually(has_order, "an order", 60.0)
                except AssertionError:
                    print(said, await margind("actions", "--data-dir", str(place.data)))
                    print(await margind("audit", "show", str(place.config)))
                    print(daemon.last_words(), (tmp_path / "executor.log").read_text())
                    raise
                (result,) = await desk.result()
                await daemon.shows(POOL, "warning")
        finally:
            publishing.cancel()
    assert result.state is Outcome.DONE
    assert [order.is_reduce_only for order in desk.account.orders] == [True]
    assert 0 < desk.account.positions[SYMBOL, ""].quantity < 1


async def _publish(desk) -> None:
    while True:
        desk.exchange.publish_now()
        await asyncio.sleep(0.5)
