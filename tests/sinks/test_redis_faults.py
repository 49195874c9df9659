"""What each fault of the store does to us: it is counted, delays nothing, and the state follows later."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.clock import ManualClock
from monitor.config import Secret
from monitor.names import Metrics
from monitor.sinks.redis_state import RedisState
from monitor.store_url import BadStoreUrl
from tests.support.state_reader import CHANGES, STATE, a_sink, entries, errors, is_up, pools
from tests.support.store_server import StoreServer
from tests.support.views import label, turn_of, turn_with, view_of
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.integration


@contextlib.asynccontextmanager
async def running(sink: RedisState) -> AsyncIterator[None]:
    """The sink at its own pace."""
    task = asyncio.create_task(sink.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_killed_and_back(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """S1: while Redis is dead turns go on; when it is back, empty, it gets the newest state of every pool."""
    async with running(sink):
        sink.offer(turn_with(50, clock))
        await eventually(lambda: server.ask("HLEN", STATE), "the first state")
        await server.kill()
        clock.advance_s(1)
        sink.offer(turn_with(50, clock, band=2))

        async def counted() -> bool:
            return errors(metrics, "connection") > 0 and not is_up(metrics)

        await eventually(counted, "the loss to be counted")
        assert metrics.registry.get_sample_value("margind_store_backlog") == 50
        began_s = time.monotonic()
        await server.start()
        await eventually(lambda: server.ask("HLEN", STATE), "the state to come back")
        print(f"state back {time.monotonic() - began_s:.2f} s after Redis was started")

        async def back() -> bool:
            return is_up(metrics)

        await eventually(back, "the gauge to say so")
    assert {record.band for record in (await pools(server)).values()} == {"margin_call"}
    assert metrics.registry.get_sample_value("margind_store_backlog") == 0


async def test_dead_from_the_start(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """S1: a flush without a server returns, counts, and raises nothing."""
    await server.kill()
    sink.offer(turn_with(5, clock))
    for _ in range(3):
        await sink.flush()
    assert errors(metrics, "connection") == 3
    assert not is_up(metrics)


async def test_frozen_and_thawed(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """S2: a server that never answers costs one deadline, the loop works meanwhile, and then it heals."""
    sink.offer(turn_with(50, clock))
    await sink.flush()
    server.freeze()
    clock.advance_s(1)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    for _ in range(2):  # the open connection, then one that is opened anew
        sink.offer(turn_with(50, clock, band=3))
        await sink.flush()
    beating.cancel()
    assert beats > 10
    assert errors(metrics, "timeout") == 2
    assert not is_up(metrics)
    server.thaw()

    async def healed() -> bool:
        await sink.flush()
        return {record.band for record in (await pools(server)).values()} == {"critical"}

    await eventually(healed, "the state after the thaw")
    assert is_up(metrics)


async def test_full(server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics) -> None:
    """S3: a full server is an error that is counted; history gives way, the state follows when it can."""
    for step in range(8):
        sink.offer(turn_with(50, clock, maintenance_margin=100.0 + step))
        await sink.flush()
    length = await server.ask("XLEN", CHANGES)
    await server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await server.ask("CONFIG", "SET", "maxmemory", "100kb")
    sink.offer(turn_with(50, clock, band=4))
    await sink.flush()
    assert errors(metrics, "out_of_memory") == 1
    assert await server.ask("XLEN", CHANGES) < length
    await server.ask("CONFIG", "SET", "maxmemory", "0")
    await sink.flush()
    assert {record.band for record in (await pools(server)).values()} == {"liquidation"}
    assert is_up(metrics)


async def test_read_only(
    server: StoreServer,
    sink: RedisState,
    clock: ManualClock,
    metrics: Metrics,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """S4: a primary that became a replica is refused writes; promoted again, it gets the whole state."""
    sink.offer(turn_with(5, clock))
    await sink.flush()
    await server.ask("REPLICAOF", "127.0.0.1", 1)
    sink.offer(turn_with(5, clock, band=[2, 0, 0, 0, 0]))
    await sink.flush()
    assert errors(metrics, "read_only") == 1
    assert label(0).id not in capsys.readouterr().out, "positions stay out of the logs"
    await server.ask("REPLICAOF", "NO", "ONE")
    await server.ask("DEL", STATE)
    await sink.flush()
    bands = [record.band for _, record in sorted((await pools(server)).items())]
    assert bands == ["margin_call", *["clear"] * 4], "all of it, not only what changed"


async def test_a_key_of_another_kind(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """S8: a stranger's string under our stream's name is an error that is counted, and nothing else."""
    await server.ask("SET", CHANGES, "junk")
    sink.offer(turn_with(5, clock))
    await sink.flush()
    assert errors(metrics, "command") == 1
    await server.ask("DEL", CHANGES)
    await sink.flush()
    assert len(await pools(server)) == 5


async def test_slow(server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics) -> None:
    """S9: a store that takes 100 ms gets the newest state only, and that is no error."""
    async with running(sink):
        for step in range(5):
            await server.ask("CLIENT", "PAUSE", 100, "WRITE")
            sink.offer(turn_with(5, clock, band=step % 5, maintenance_margin=100.0 + step))
            await asyncio.sleep(0)

        async def newest() -> bool:
            return {record.band for record in (await pools(server)).values()} == {"liquidation"}

        await eventually(newest, "the newest state")
    assert len(await entries(server)) < 5
    assert errors(metrics, "timeout") == 0


async def test_the_password_is_used(server: StoreServer, clock: ManualClock, metrics: Metrics) -> None:
    """A wrong password is counted as refused, the right one writes, and neither shows in a text."""
    await server.ask("CONFIG", "SET", "requirepass", "open-sesame")
    for text in ("wrong", "open-sesame"):
        secret = Secret(text, "test")
        sink = a_sink(server, clock, metrics, password=secret)
        sink.offer(turn_with(1, clock))
        await sink.flush()
        await sink._link.close()
    assert errors(metrics, "refused") == 1
    assert is_up(metrics)


async def test_the_documented_rights_are_enough(
    server: StoreServer, clock: ManualClock, metrics: Metrics
) -> None:
    """A user with the rights of deploy/STATE.md can do all that a daemon does, and nothing elsewhere."""
    text = (ROOT / "deploy" / "STATE.md").read_text()
    (line,) = re.findall(r"^redis-cli (ACL SETUSER .*)$", text, re.MULTILINE)
    await server.ask(*shlex.split(line))
    url = f"{server.url}?username=margind&password=PASSWORD"
    sink = RedisState(url, shard="main", clock=clock, metrics=metrics)
    for step in range(3):  # the first write, a rewrite, and a pool less
        sink.offer(turn_of(view_of(tuple(label(n) for n in range(3 - step)), clock, step)))
        await sink.flush()
        clock.advance_s(10)
    await sink._shed()
    await sink._link.close()
    assert len(await pools(server)) == 1
    assert metrics.registry.get_sample_value("margind_store_resync_total") == 3
    assert [errors(metrics, kind) for kind in ("refused", "command", "connection")] == [0.0] * 3


def test_a_url_that_can_not_be_opened_is_refused(clock: ManualClock, metrics: Metrics) -> None:
    """A scheme that we don't speak is the operator's mistake, named at once and without its password."""
    with pytest.raises(BadStoreUrl, match=r"store\.url") as caught:
        RedisState("http://u:secret@x/", shard="main", clock=clock, metrics=metrics)
    assert "secret" not in str(caught.value)


def test_offering_never_touches_the_store(clock: ManualClock, metrics: Metrics) -> None:
    """The engine's side takes the newest view and returns, without a loop, a store or an error."""
    sink = RedisState("unix:///nowhere.sock", shard="main", clock=clock, metrics=metrics)
    for _ in range(1000):
        sink.offer(turn_with(1, clock))
    assert errors(metrics, "connection") == 0


async def test_the_pause_grows_and_has_an_end(
    server: StoreServer, sink: RedisState, clock: ManualClock
) -> None:
    """The breaker waits longer after each failure, at most 2 s, and not at all after a success."""
    pauses = [sink._pause_s()]
    await server.kill()
    sink.offer(turn_with(1, clock))
    for _ in range(5):
        await sink.flush()
        pauses.append(sink._pause_s())
    assert pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    await server.start()
    await sink.flush()
    assert sink._pause_s() == 0.25
