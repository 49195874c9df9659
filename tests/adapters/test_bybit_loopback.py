"""Bybit's adapter against the loopback exchange, which another hand wrote from the same pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.loopback import LoopbackExchange, World, standard_world
from monitor.domain.assessment import Reason
from monitor.domain.event import AccountDelta, AccountRefused
from tests.support.watched import Watched

pytestmark = pytest.mark.integration


@pytest.fixture
def world() -> World:
    """Bybit's contracts at their starting marks."""
    return standard_world("bybit")


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running at the venue's cadence."""
    async with LoopbackExchange(world) as running:
        yield running


async def test_our_margins_of_a_cross_account_are_the_venues(
    world: World, exchange: LoopbackExchange
) -> None:
    """Two coins, a debt and two positions: ratio and margins equal what the venue computes itself."""
    account = world.add_account("bybit", "cross")
    world.set_wallet(account, "USDT", 20_000)
    world.set_wallet(account, "BTC", "0.5")
    world.set_borrowed(account, "BTC", "0.1")
    world.set_position(account, "BTCUSDT", "0.5", 95_000, leverage=20)
    world.set_position(account, "ETHUSDT", "-4", leverage=10)
    async with Watched(exchange, account).running() as watched:
        seen = await watched.until("a verdict", lambda: watched.figures("unified"))
        told = watched.reported("unified")
        assert seen.maintenance_margin == pytest.approx(told.maintenance_margin, rel=1e-6)
        assert seen.initial_margin == pytest.approx(told.initial_margin, rel=1e-6)
        assert seen.maintenance_margin / seen.equity == pytest.approx(told.ratio, abs=1e-4)


async def test_our_margins_of_an_isolated_leg_are_the_venues(
    world: World, exchange: LoopbackExchange
) -> None:
    """The mark at which we call an isolated leg liquidated is the liquidation price that the venue tells."""
    account = world.add_account("bybit", "isolated", isolated_margin=True)
    world.set_wallet(account, "USDT", 20_000)
    world.set_position(account, "BTCUSDT", "0.5", leverage=20, isolated_wallet=5_000)
    async with Watched(exchange, account).running() as watched:
        await watched.until("a verdict", lambda: watched.figures("isolated-BTCUSDT"))
        dies_at = watched.reported("isolated-BTCUSDT").liquidation_prices["bybit:BTCUSDT"]
        seen = watched.figures("isolated-BTCUSDT")
        fall = world.quote("bybit", "BTCUSDT").mark.__float__() - dies_at
        assert seen.equity - 0.5 * fall == pytest.approx(seen.maintenance_margin, abs=0.5)


async def test_a_trade_reaches_the_book_by_the_stream(world: World, exchange: LoopbackExchange) -> None:
    """Position and wallet of a fill come as deltas, and the next verdict is of the new size."""
    account = world.add_account("bybit", "trader")
    world.set_wallet(account, "USDT", 20_000)
    world.set_position(account, "BTCUSDT", "0.1", leverage=10)
    async with Watched(exchange, account).running() as watched:
        before = (await watched.until("a verdict", lambda: watched.figures("unified"))).maintenance_margin
        world.trade(account, "BTCUSDT", "0.1", world.quote("bybit", "BTCUSDT").mark)

        def doubled() -> bool:
            seen = watched.figures("unified")
            return seen is not None and seen.maintenance_margin > 1.9 * before

        await watched.until("the new size", doubled)
        assert any(isinstance(e, AccountDelta) and e.cause == "position" for e in watched.events)


async def test_a_key_that_is_taken_away_is_told(world: World, exchange: LoopbackExchange) -> None:
    """A rejected key makes its account unknown, with the reason."""
    account = world.add_account("bybit", "refused")
    world.set_wallet(account, "USDT", 1_000)
    exchange.faults.reject_key(account.id)
    async with Watched(exchange, account).running() as watched:
        await watched.until("the refusal", lambda: any(isinstance(e, AccountRefused) for e in watched.events))
        refused = next(event for event in watched.events if isinstance(event, AccountRefused))
        assert (refused.account, refused.reason) == (watched.id, Reason.REJECTED)


async def test_a_key_that_may_trade_is_refused(world: World, exchange: LoopbackExchange) -> None:
    """The venue's own list of rights decides: a key that is not read-only is not used."""
    account = world.add_account("bybit", "trading", can_trade=True)
    async with Watched(exchange, account).running() as watched:
        await watched.until("the refusal", lambda: any(isinstance(e, AccountRefused) for e in watched.events))
        refused = next(event for event in watched.events if isinstance(event, AccountRefused))
        assert "ContractTrade" in refused.detail
