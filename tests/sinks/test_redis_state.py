"""State in a real Redis and a real Valkey: what readers get, and what they don't get twice."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from monitor.clock import ManualClock
from monitor.domain.assessment import RiskBand
from monitor.names import Metrics
from monitor.sinks import redis_state
from monitor.sinks.redis_state import RedisState
from tests.support.state_reader import CHANGES, META, STATE, a_sink, entries, is_up, pools
from tests.support.store_server import StoreServer
from tests.support.views import label, turn_of, turn_with, view_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def test_readers_get_every_pool(server: StoreServer, sink: RedisState, clock: ManualClock) -> None:
    """After one flush the state holds each pool under its id, and the stream tells the same."""
    sink.offer(turn_with(3, clock, equity=500.0, maintenance_margin=200.0, distance=0.125))
    await sink.flush()
    state = await pools(server)
    assert sorted(state) == [f"loopback/account-{n}/pool-{n}" for n in range(3)]
    record = state["loopback/account-1/pool-1"]
    assert (record.ratio, record.headroom, record.distance_percent) == (0.4, 300.0, 12.5)
    assert (record.band, record.unit, record.as_of) == ("clear", "USDT", "2023-11-14T22:13:20.000Z")
    (entry,) = await entries(server)
    assert [told["pool"] for told in entry["pools"]] == sorted(state)


async def test_every_key_with_a_figure_dies_30_s_after_the_last_write(
    server: StoreServer, sink: RedisState, clock: ManualClock
) -> None:
    """No key is ever without a life span, and only the one without figures lives for a day."""
    sink.offer(turn_with(3, clock))
    await sink.flush()
    spans = {key: await server.ask("TTL", key) for key in await server.ask("KEYS", "*")}
    assert spans.keys() == {STATE, CHANGES, META}
    assert 0 < spans[STATE] <= 30
    assert 0 < spans[CHANGES] <= 30
    assert 30 < spans[META] <= 86_400


async def test_a_dead_daemon_leaves_absence(
    server: StoreServer, sink: RedisState, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S10: when turns stop, flushing goes on but renews nothing, and readers see no ratio any more."""
    monkeypatch.setattr(redis_state, "TTL_S", 1)
    sink.offer(turn_with(3, clock))
    await sink.flush()
    assert len(await pools(server)) == 3

    async def nothing_left() -> bool:
        await sink.flush()
        return not await server.ask("EXISTS", STATE, CHANGES)

    await eventually(nothing_left, "the keys to expire")
    assert (await server.ask("HGET", META, "as_of")) == "2023-11-14T22:13:20.000Z"


async def test_a_view_of_a_stopped_engine_is_not_brought_back(
    server: StoreServer, sink: RedisState, clock: ManualClock
) -> None:
    """A store that comes back after the view grew old gets nothing: absence, not a frozen ratio."""
    sink.offer(turn_with(3, clock))
    clock.advance_s(31)
    await sink.flush()
    assert await server.ask("KEYS", "*") == []


async def test_only_what_changed_is_told(server: StoreServer, sink: RedisState, clock: ManualClock) -> None:
    """A ratio that moved by less than 1e-4 is not news; a move by more, or another band, is."""
    maintenance_margin = np.full(5, 100.0)
    band = np.zeros(5)
    sink.offer(turn_with(5, clock, maintenance_margin=maintenance_margin))
    await sink.flush()
    maintenance_margin[1] += 0.05  # 0.5e-4 of the equity
    maintenance_margin[2] += 0.11  # 1.1e-4
    band[3] = RiskBand.WARNING
    sink.offer(turn_with(5, clock, maintenance_margin=maintenance_margin, band=band))
    await sink.flush()
    _, second = await entries(server)
    assert [told["pool"][-1] for told in second["pools"]] == ["2", "3"]
    assert (await pools(server))["loopback/account-3/pool-3"].band == "warning"


async def test_small_moves_add_up(server: StoreServer, sink: RedisState, clock: ManualClock) -> None:
    """The comparison is with what readers have, so that a slow drift is told every 1e-4."""
    for step in range(25):
        sink.offer(turn_with(1, clock, maintenance_margin=100.0 + 0.04 * step))
        await sink.flush()
        (shown,) = (await pools(server)).values()
        assert shown.ratio == pytest.approx(0.1 + 0.00004 * step, abs=1e-4)
    assert len(await entries(server)) == 9  # the first, then every third step of 0.4e-4


async def test_removed_pools_leave(server: StoreServer, sink: RedisState, clock: ManualClock) -> None:
    """A pool that is gone leaves the state, and the stream names it once."""
    sink.offer(turn_of(view_of((label(0), label(1), label(2)), clock, generation=1)))
    await sink.flush()
    for _ in range(2):
        clock.advance_s(1)
        sink.offer(turn_of(view_of((label(2), label(0)), clock, generation=2)))
        await sink.flush()
    assert sorted(await pools(server)) == [label(0).id, label(2).id]
    assert [entry["removed"] for entry in await entries(server)] == [[], [label(1).id]]


async def test_a_full_rewrite_removes_what_is_not_ours(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """What an earlier daemon or a stranger left in the state is gone at the first write, and each 10 s."""
    await server.ask("HSET", STATE, "stranger", "junk")
    sink.offer(turn_with(3, clock))
    await sink.flush()
    assert len(await pools(server)) == 3
    await server.ask("HSET", STATE, "stranger", "junk")
    clock.advance_s(10)
    sink.offer(turn_with(3, clock))
    await sink.flush()
    assert len(await pools(server)) == 3
    assert metrics.registry.get_sample_value("margind_store_resync_total") == 2


async def test_a_book_without_pools_leaves_no_state(
    server: StoreServer, sink: RedisState, clock: ManualClock
) -> None:
    """No pool, no state; the sign of life is there all the same."""
    await server.ask("HSET", STATE, "stranger", "junk")
    sink.offer(turn_with(0, clock))
    await sink.flush()
    assert await server.ask("KEYS", "*") == [META]
    assert await server.ask("HGET", META, "pools") == "0"


async def test_a_large_book_goes_in_slices(server: StoreServer, sink: RedisState, clock: ManualClock) -> None:
    """2,500 pools arrive whole, in three entries, and the second hash has taken the first one's place."""
    sink.offer(turn_with(2_500, clock))
    await sink.flush()
    assert await server.ask("HLEN", STATE) == 2_500
    assert [len(entry["pools"]) for entry in await entries(server)] == [1000, 1000, 500]
    assert await server.ask("EXISTS", "margind:{main}:state.next") == 0


@pytest.mark.slow
@pytest.mark.parametrize("server", ["valkey"], indirect=True)
async def test_a_very_large_book_is_measured(
    server: StoreServer, sink: RedisState, clock: ManualClock, metrics: Metrics
) -> None:
    """100,000 pools arrive whole; what the first flush, 1 % of changes and none cost is printed."""
    rng = np.random.default_rng(3)
    for name, part in (("first", 1.0), ("1 % changed", 0.01), ("none changed", 0.0)):
        maintenance_margin = np.where(rng.random(100_000) < part, 300.0 * rng.random(100_000), 100.0)
        sink.offer(turn_with(100_000, clock, maintenance_margin=maintenance_margin))
        slowest_s, began_s = 0.0, time.perf_counter()
        flushing = asyncio.create_task(sink.flush())
        while not flushing.done():
            beat_s = time.perf_counter()
            await asyncio.sleep(0)
            slowest_s = max(slowest_s, time.perf_counter() - beat_s)
        print(f"{name}: {time.perf_counter() - began_s:.3f} s, loop held {1000 * slowest_s:.1f} ms at most")
    assert await server.ask("HLEN", STATE) == 100_000
    assert is_up(metrics)


async def test_the_stream_stays_under_its_limit(
    server: StoreServer, clock: ManualClock, metrics: Metrics
) -> None:
    """Entries of very different sizes never add up to more than the limit, the server's overhead aside."""
    sink = a_sink(server, clock, metrics, stream_bytes=300_000)
    rng = np.random.default_rng(7)
    used = []
    for size in [1] * 100 + [300] * 10 + [1] * 50 + [200] * 5:
        clock.advance_s(0.25)
        sink.offer(
            turn_with(300, clock, maintenance_margin=np.where(np.arange(300) < size, rng.random(300), 0.5))
        )
        await sink.flush()
        used.append(await server.ask("MEMORY", "USAGE", CHANGES, "SAMPLES", 0))
    await sink._link.close()
    assert max(used) < 300_000 * 4 / 3  # 48 MiB of payload under 64 MB
    assert await server.ask("XLEN", CHANGES) > 1


async def test_the_stream_of_an_earlier_daemon_counts(
    server: StoreServer, clock: ManualClock, metrics: Metrics
) -> None:
    """A restart neither throws the stream away nor lets it grow past its limit."""
    for _ in range(20):
        await server.ask("XADD", CHANGES, "*", "pools", "x" * 10_000)
    sink = a_sink(server, clock, metrics, stream_bytes=100_000)
    sink.offer(turn_with(2, clock))
    await sink.flush()
    await sink._link.close()
    assert 5 <= await server.ask("XLEN", CHANGES) <= 10
