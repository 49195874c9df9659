"""A hook that cuts positions: its daemon killed with SIGKILL at every named point, restarted, and counted."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from alerts.failpoints import DELEVERAGE
from monitor.deleverage.audit import read
from tests.support.deleverage_process import LEASE_S, asked, begun
from tests.support.store_server import StoreServer, server_binary

RUN_S = 60.0
LATER_S = 600.0  # past every cooldown of the run before
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


async def ended(process: ForkServerProcess) -> int | None:
    """Waits for its end."""
    try:
        await asyncio.to_thread(process.join, RUN_S)
        return process.exitcode
    finally:
        process.kill()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("failpoint", DELEVERAGE)
async def test_a_killed_daemon_asks_for_nothing_twice(tmp_path: Path, failpoint: str, count: int) -> None:
    """Each request is asked once or not at all; one of unknown end is written down as such; the pool is asked
    about again when its cooldown is over, under another id."""
    binary = server_binary("valkey")
    assert binary is not None
    store, folder = StoreServer(binary, tmp_path), tmp_path / "data"
    folder.mkdir()
    await store.start()
    try:
        code = await ended(begun(folder, store.url, 0, f"{failpoint}#{count}:kill"))
        assert code in (0, -signal.SIGKILL)
        before = Counter(asked(folder))
        await asyncio.sleep(LEASE_S)  # the dead one's right to act ends by itself, and no sooner
        assert await ended(begun(folder, store.url, LATER_S)) == 0
        told = Counter(asked(folder))
        assert not told or max(told.values()) == 1, "asked twice"
        assert set(before) < set(told), "the pool was left alone after the restart"
        log = read(folder, b"").records
        written = {record.content["request"]["id"] for record in log if record.kind == "request"}
        settled = {record.content["request"] for record in log if record.kind in ("answer", "void")}
        assert set(told) <= written, "asked without a record"
        assert written == settled, "nobody knows what became of a request"
    finally:
        await store.kill()


async def test_every_point_is_come_by(tmp_path: Path) -> None:
    """A point that no run comes to would be a test that can't fail."""
    binary = server_binary("valkey")
    assert binary is not None
    store = StoreServer(binary, tmp_path)
    await store.start()
    try:
        for failpoint in DELEVERAGE:
            folder = tmp_path / failpoint
            folder.mkdir()
            assert await ended(begun(folder, store.url, 0, f"{failpoint}:kill")) == -signal.SIGKILL, failpoint
            await asyncio.sleep(LEASE_S)
    finally:
        await store.kill()
