"""Hyperliquid's adapter against the loopback exchange, which another hand wrote from the same pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.loopback import LoopbackExchange, World, standard_world
from monitor.domain.event import AccountSnapshot
from tests.support.watched import Watched

pytestmark = pytest.mark.integration


@pytest.fixture
def world() -> World:
    """Contracts at their starting marks."""
    return standard_world("hyperliquid")


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running at the venue's cadence."""
    async with LoopbackExchange(world) as running:
        yield running


async def test_our_margins_of_an_address_are_the_venues(world: World, exchange: LoopbackExchange) -> None:
    """Two cross positions and an isolated one: equity and maintenance are the venue's own."""
    account = world.add_account("hyperliquid", "both")
    world.set_wallet(account, "USDC", 20_000)
    world.set_position(account, "BTC", "0.5", 95_000, leverage=20)
    world.set_position(account, "ETH", "-4", leverage=10)
    world.set_position(account, "SOL", "100", leverage=10, isolated_wallet=3_000)
    async with Watched(exchange, account).running() as watched:
        seen = await watched.until("a verdict", lambda: watched.figures("cross"))
        told = watched.reported("cross")
        assert seen.maintenance_margin == pytest.approx(told.maintenance_margin, rel=1e-4)
        assert seen.equity == pytest.approx(told.equity, rel=1e-4)
        alone = await watched.until("the isolated one", lambda: watched.figures("isolated-SOL"))
        assert alone.equity == pytest.approx(watched.reported("isolated-SOL").equity, rel=1e-4)


async def test_a_trade_reaches_the_book_by_the_stream(world: World, exchange: LoopbackExchange) -> None:
    """A fill comes as a whole state, and the next verdict is of the new size."""
    account = world.add_account("hyperliquid", "trader")
    world.set_wallet(account, "USDC", 20_000)
    world.set_position(account, "BTC", "0.1", leverage=10)
    async with Watched(exchange, account).running() as watched:
        before = (await watched.until("a verdict", lambda: watched.figures("cross"))).maintenance_margin
        world.trade(account, "BTC", "0.1", world.quote("hyperliquid", "BTC").mark)

        def doubled() -> bool:
            seen = watched.figures("cross")
            return seen is not None and seen.maintenance_margin > 1.9 * before

        await watched.until("the new size", doubled)
        assert any(isinstance(event, AccountSnapshot) and event.streamed for event in watched.events)
