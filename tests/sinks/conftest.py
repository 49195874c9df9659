"""Real servers for the tests that ask: the wheel's Valkey, the system's Redis if there, our own pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import ManualClock
from monitor.config import Metrics as MetricsConfig
from monitor.domain.turn import BookView
from monitor.names import Metrics
from monitor.sinks.metrics import MetricsServer
from monitor.sinks.redis_state import RedisState
from tests.support.state_reader import a_sink
from tests.support.store_server import StoreServer, server_binary

Serve = Callable[..., MetricsServer]


@pytest.fixture(params=["valkey", "redis"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreServer]:
    """A running server; killed after the test."""
    binary = server_binary(request.param)
    if binary is None:
        pytest.skip("no redis-server on this machine (Debian package redis-server)")
    running = StoreServer(binary, tmp_path)
    await running.start()
    yield running
    await running.kill()


@pytest.fixture
def clock() -> ManualClock:
    """Time that moves when it is told to."""
    return ManualClock()


@pytest.fixture
def metrics() -> Metrics:
    """Counters of one daemon."""
    return Metrics()


@pytest.fixture
async def sink(server: StoreServer, clock: ManualClock, metrics: Metrics) -> AsyncIterator[RedisState]:
    """A sink, its connection closed after the test."""
    made = a_sink(server, clock, metrics)
    yield made
    await made._link.close()


@pytest.fixture
def serve(clock: ManualClock, metrics: Metrics) -> Iterator[Serve]:
    """Starts a server on a free port over a view; stops it after the test."""
    running: list[MetricsServer] = []

    def start(view: BookView | None, accounts: tuple[str, ...] = (), **config: Any) -> MetricsServer:
        server = MetricsServer(MetricsConfig(port=0, **config), metrics, clock, lambda: view, accounts)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()
