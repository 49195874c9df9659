"""The state of all pools into Redis, beside what redis-benchmark itself gets through the same server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from monitor.clock import ManualClock
from monitor.names import Metrics
from monitor.sinks.embedded_store import EmbeddedStore
from monitor.sinks.redis_state import RedisState
from tests.support.views import label, turn_of, view_of

POOLS = 10_000
FLUSHES = 10
REQUESTS = 100_000
RECORD_BYTES = 500  # as large as one pool's record
TIMEOUT_S = 120


class Cost(NamedTuple):
    """Pools a second into state and stream; commands a second, None where redis-benchmark is missing."""

    pools_per_s: float
    commands_per_s: float | None
    pipelined_per_s: float | None


def run() -> Cost:
    """An embedded store of our own, in a folder that goes."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> Cost:
    async with EmbeddedStore(folder) as store:
        ours = await _flushed_per_s(store.url)
        path = Path(store.url.partition("unix://")[2].partition("?")[0])
        single = await asyncio.to_thread(_peer_per_s, path, 1)
        wide = await asyncio.to_thread(_peer_per_s, path, 16)
        return Cost(ours, single, wide)


async def _flushed_per_s(url: str) -> float:
    """Every pool changed in every flush; the first one, which connects and rewrites, is not counted."""
    clock, labels = ManualClock(), tuple(label(number) for number in range(POOLS))
    sink = RedisState(url, shard="bench", clock=clock, metrics=Metrics())
    times = []
    for number in range(FLUSHES + 1):
        sink.offer(turn_of(view_of(labels, clock, maintenance_margin=100.0 + number)))
        began = time.perf_counter()
        await sink.flush()
        times.append(time.perf_counter() - began)
    await sink._link.close()
    return POOLS / min(times[1:])


def _peer_per_s(socket: Path, pipeline: int) -> float | None:
    tool = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if tool is None:
        return None
    command = [tool, "-s", str(socket), "-n", str(REQUESTS), "-d", str(RECORD_BYTES), "-P", str(pipeline)]
    command += ["-r", "10000", "--csv", "-t", "hset"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    last = done.stdout.strip().splitlines()[-1]
    return float(last.split(",")[1].strip('"'))
