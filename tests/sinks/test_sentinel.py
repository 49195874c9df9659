"""A failover that Sentinel makes: the state is rewritten, from memory, on the server that was promoted."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from monitor.clock import ManualClock
from monitor.names import Metrics
from monitor.sinks.redis_state import RedisState
from monitor.store_url import BadStoreUrl, Watched, watched
from tests.support.state_reader import STATE
from tests.support.store_server import StoreServer, server_binary
from tests.support.views import turn_with
from tests.support.waiting import eventually

SERVICE = "margind"


def test_a_sentinel_url_names_hosts_service_and_database() -> None:
    """Several sentinels, the port left out where it is the usual one, database 0 unless it says so."""
    assert watched("sentinel://a:1,b/main/2") == Watched((("a", 1), ("b", 26379)), "main", 2)
    assert watched("sentinel://10.0.0.1:26379/main") == Watched((("10.0.0.1", 26379),), "main", 0)
    assert watched("redis://a:1/0") is None


@pytest.mark.parametrize(
    "url", ["sentinel://", "sentinel:///main", "sentinel://a:1/", "sentinel://a:x/m", "sentinel://a:1/m/x"]
)
def test_half_a_sentinel_url_is_refused(url: str) -> None:
    """The error shows the whole shape, or the host that is none."""
    with pytest.raises(BadStoreUrl, match="must be"):
        watched(url)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class TcpServer(StoreServer):
    """The same server with a port as well, which replicas and sentinels need."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        binary = server_binary("valkey")
        assert binary is not None
        folder.mkdir()
        super().__init__(binary, folder, "--port", str(self.port), "--bind", "127.0.0.1", *options)


class SentinelServer(TcpServer):
    """Watches one primary, alone: its word is enough."""

    def __init__(self, folder: Path, primary: int) -> None:
        super().__init__(folder)
        self._config = folder / "sentinel.conf"
        self._config.write_text(
            f"port {self.port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {primary} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 5000\n",
            encoding="ascii",
        )
        self._reader = Redis(port=self.port, protocol=2, decode_responses=True)

    def _words(self) -> list[str]:
        return [str(self._config), "--sentinel"]


@asynccontextmanager
async def started(server: StoreServer) -> AsyncIterator[None]:
    """Running; killed afterwards."""
    await server.start()
    try:
        yield
    finally:
        await server.kill()


@pytest.mark.integration
async def test_the_promoted_server_gets_the_whole_state(
    tmp_path: Path, clock: ManualClock, metrics: Metrics
) -> None:
    """S4, S5: the primary dies; the sink finds the promoted replica by itself and writes every pool there."""
    primary = TcpServer(tmp_path / "p")
    replica = TcpServer(tmp_path / "r", "--replicaof", f"127.0.0.1 {primary.port}")
    sentinel = SentinelServer(tmp_path / "s", primary.port)
    async with started(primary), started(replica), started(sentinel):

        async def knows_replica() -> bool:
            found = await sentinel.ask("SENTINEL", "REPLICAS", SERVICE)
            return bool(found) and "slave" in str(found[0]) and (await replica.ask("ROLE"))[3] == "connected"

        await eventually(knows_replica, "the sentinel to see the replica", timeout_s=30)
        url = f"sentinel://127.0.0.1:{sentinel.port}/{SERVICE}/0"
        sink = RedisState(url, shard="main", clock=clock, metrics=metrics)
        sink.offer(turn_with(20, clock))
        await sink.flush()
        assert await primary.ask("HLEN", STATE) == 20
        await primary.kill()

        async def moved() -> bool:
            clock.advance_s(0.1)
            sink.offer(turn_with(20, clock, band=3))
            await sink.flush()
            states = await replica.ask("HVALS", STATE)
            return len(states) == 20 and all('"band":"critical"' in state for state in states)

        await eventually(moved, "the state on the promoted server", timeout_s=60)
        assert (await replica.ask("ROLE"))[0] == "master"
        assert metrics.registry.get_sample_value("margind_store_up") == 1.0
        await sink._link.close()
