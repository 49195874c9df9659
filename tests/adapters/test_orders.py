"""Orders at the loopback exchange in the venues' own formats, placed and read by real ccxt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from adapters.loopback import Account, LoopbackExchange, standard_world
from adapters.orders import Holding, Order, OrderRefused, OrderVenue, Told
from adapters.venue import KeyRefused, VenueUnavailable
from monitor.config import Account as Configured
from monitor.config import Credentials, Secret
from monitor.executor.venues import ORDER_VENUES
from tests.support.ccxt_clients import binance_client, bybit_client
from tests.support.venue_server import Given

SYMBOL = "BTCUSDT"
POOLS = {"binance_usdm": "cross-USDT", "bybit": "unified"}
ID = "m" + "a" * 27
pytestmark = [pytest.mark.integration, pytest.mark.parametrize("venue", POOLS)]


class Desk(NamedTuple):
    venue: str
    exchange: LoopbackExchange
    account: Account
    orders: OrderVenue

    async def holding(self, side: str = "") -> Holding:
        """Of the bitcoins."""
        return await self.orders.holding(SYMBOL, side, POOLS[self.venue])

    async def ended(self, order: Order) -> Told:
        """Places it, and asks for it where the answer is a receipt."""
        told = await self.orders.place(order)
        found = told if told.is_final else await self.orders.find(SYMBOL, order.client_id)
        assert found is not None
        return found

    def sell(self, quantity: str = "0.5", slippage: str = "0.99", **changed: Any) -> Order:
        """A part of the bitcoins, at a worst price below the mark."""
        mark = self.exchange.world.quote(self.venue, SYMBOL).mark
        order = Order(
            client_id=ID,
            symbol=SYMBOL,
            side="sell",
            position_side="",
            quantity=Decimal(quantity),
            limit_price=(mark * Decimal(slippage)).quantize(Decimal("0.1")),
        )
        return msgspec.structs.replace(order, **changed)


@asynccontextmanager
async def desk(venue: str, hedge: bool = False, **rights: bool) -> AsyncIterator[Desk]:
    """Two bitcoins long and the key of the executor."""
    world = standard_world(venue)
    account = world.add_account(venue, "alpha", hedge=hedge, **{"can_trade": True, **rights})
    world.set_wallet(account, "USDT", 20_000)
    world.set_position(account, SYMBOL, 2, side="long" if hedge else "", leverage=20)
    given = Given()
    async with LoopbackExchange(world, cadence=False) as exchange:
        credentials = Credentials(Secret(account.key, "test"), Secret(account.secret, "test"))
        configured = Configured(
            name=account.name,
            venue=venue,
            desk="desk",
            environment="loopback",
            credentials=credentials,
            endpoints=exchange.endpoints(venue),
        )
        orders = ORDER_VENUES[venue](configured, given.clock, given.metrics, given.gate)
        try:
            yield Desk(venue, exchange, account, orders)
        finally:
            await orders.close()


async def test_an_order_reduces_the_position_and_is_found_by_its_id(venue: str) -> None:
    """One order by its id: filled, found again by the id, and the position is as much smaller."""
    async with desk(venue) as it:
        await it.orders.check_key()
        before = await it.holding()
        told = await it.ended(it.sell())
        found = await it.orders.find(SYMBOL, ID)
        after = await it.holding()
    assert (before.quantity, after.quantity) == (Decimal(2), Decimal("1.5"))
    assert before.ratio is not None and after.ratio is not None and after.ratio < before.ratio
    assert told == found and told.is_final and told.filled == Decimal("0.5")
    assert [order.is_reduce_only for order in it.account.orders] == [True]


async def test_ccxt_itself_reads_what_became_of_the_order(venue: str) -> None:
    """The unified calls of ccxt understand the same order: ccxt is the second reader of the format."""
    async with desk(venue) as it:
        await it.orders.place(it.sell())
        make = {"binance_usdm": binance_client, "bybit": bybit_client}[venue]
        client = make(it.exchange.endpoints(venue), it.account)
        client.has["fetchCurrencies"] = False
        try:
            if venue == "bybit":
                (order,) = await client.fetch_closed_orders("BTC/USDT:USDT", params={"orderLinkId": ID})
            else:
                order = await client.fetch_order(None, "BTC/USDT:USDT", {"origClientOrderId": ID})
        finally:
            await client.close()
    assert (order["status"], order["filled"], order["reduceOnly"]) == ("closed", 0.5, True)


async def test_a_leg_of_hedge_mode_is_reduced(venue: str) -> None:
    """In hedge mode the leg is named, and no other is touched."""
    async with desk(venue, hedge=True) as it:
        await it.ended(it.sell(position_side="long"))
        assert (await it.holding("long")).quantity == Decimal("1.5")
        assert (await it.holding("short")).quantity == 0


async def test_a_reduce_only_order_never_turns_a_position_over(venue: str) -> None:
    """More than there is closes the position; what would open one is refused."""
    async with desk(venue) as it:
        await it.ended(it.sell("5"))
        with pytest.raises(OrderRefused):
            await it.orders.place(it.sell(client_id="m" + "b" * 27))
        assert (await it.holding()).quantity == 0
    assert it.account.positions == {}


async def test_no_worse_price_is_taken(venue: str) -> None:
    """An order whose limit the mark does not reach ends with nothing filled."""
    async with desk(venue) as it:
        told = await it.ended(it.sell(slippage="1.01"))
    assert told.is_final and told.filled == 0


@pytest.mark.parametrize("cut", [False, True])
async def test_a_lost_answer_is_no_refusal(venue: str, cut: bool) -> None:
    """A time-out and a reset say nothing of the order; asked by its id, the venue does: it is there once."""
    async with desk(venue) as it:
        it.exchange.faults.lose_order_answers(it.account.id, cut=cut)
        with pytest.raises(VenueUnavailable) as told:
            await it.orders.place(it.sell())
        found = await it.orders.find(SYMBOL, ID)
        assert await it.orders.find(SYMBOL, "m" + "b" * 27) is None
    assert not isinstance(told.value, OrderRefused)
    assert found is not None and found.filled == Decimal("0.5")
    assert len(it.account.orders) == 1


async def test_a_broken_venue_is_no_refusal(venue: str) -> None:
    """5xx says nothing of the order."""
    async with desk(venue) as it:
        it.exchange.faults.fail(venue, 503)
        with pytest.raises(VenueUnavailable) as told:
            await it.orders.place(it.sell())
    assert not isinstance(told.value, OrderRefused)
    assert it.account.orders == []


async def test_a_refusal_carries_the_venues_code(venue: str) -> None:
    """What the venue refuses by a code of its own was not placed."""
    async with desk(venue) as it:
        with pytest.raises(OrderRefused) as told:
            await it.orders.place(it.sell("0.00001"))
    assert told.value.code == {"binance_usdm": "-1111", "bybit": "10001"}[venue]
    assert it.account.orders == []


@pytest.mark.parametrize("rights", [{"can_trade": False}, {"can_withdraw": True}])
async def test_a_key_that_can_not_trade_or_can_withdraw_is_refused(
    venue: str, rights: dict[str, bool]
) -> None:
    """The executor's key trades, and takes no money out."""
    async with desk(venue, **rights) as it:
        with pytest.raises(KeyRefused):
            await it.orders.check_key()


async def test_balances_that_are_gone_have_no_ratio(venue: str) -> None:
    """A venue that shows an empty account tells no ratio, and never 0."""
    async with desk(venue) as it:
        it.exchange.faults.zero_balances(it.account.id, everywhere=True)
        assert (await it.holding()).ratio is None


async def test_a_position_that_is_lied_about_is_read_as_shown(venue: str) -> None:
    """The fault works, so that what stands on it proves something."""
    async with desk(venue) as it:
        it.exchange.faults.lie_about_positions(it.account.id, 3)
        assert (await it.holding()).quantity == 6
