"""A running loopback exchange that publishes when it is told to, and raw sockets on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.loopback import LoopbackExchange, World, standard_world


@pytest.fixture
def world() -> World:
    """All venues at their starting marks, no accounts."""
    return standard_world()


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running, without a cadence of its own."""
    async with LoopbackExchange(world, cadence=False) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP and websocket client."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
async def clients() -> AsyncIterator[list[Any]]:
    """ccxt clients put in here are closed at the end."""
    made: list[Any] = []
    yield made
    for client in made:
        await client.close()
