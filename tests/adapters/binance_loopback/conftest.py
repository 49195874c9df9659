"""Accounts on both sides of the loopback exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.gate import Gates
from adapters.loopback import LoopbackExchange, World, standard_world
from tests.support.binance_desk import VENUE, Desk, Make


@pytest.fixture(scope="session", autouse=True)
def ccxt_loaded() -> None:
    """The import takes seconds, which no test wants to wait for within its time-outs."""
    import ccxt.async_support  # noqa: F401


@pytest.fixture
def world() -> World:
    """Binance at its starting marks."""
    return standard_world(VENUE)


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running at the venue's cadence."""
    async with LoopbackExchange(world) as running:
        yield running


@pytest.fixture
def desk(exchange: LoopbackExchange, world: World) -> Make:
    """Makes an account with 10,000 USDT and a desk for it."""

    def make(name: str = "one", gates: Gates | None = None, **modes: Any) -> Desk:
        held = world.add_account(VENUE, name, **modes)
        world.set_wallet(held, "USDT", 10_000)
        return Desk(exchange, held, gates)

    return make
