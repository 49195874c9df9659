"""Orders at the loopback exchange in Binance's own format, placed by real ccxt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from adapters.binance_usdm.orders import BinanceOrders
from adapters.loopback import Account, LoopbackExchange, standard_world
from adapters.orders import Order, OrderRefused
from adapters.venue import KeyRefused, VenueUnavailable
from monitor.config import Account as Configured
from monitor.config import Credentials, Secret
from tests.support.ccxt_clients import binance_client
from tests.support.venue_server import Given

VENUE, SYMBOL, POOL = "binance_usdm", "BTCUSDT", "cross-USDT"
pytestmark = pytest.mark.integration


class Desk(NamedTuple):
    exchange: LoopbackExchange
    account: Account
    orders: BinanceOrders


def configured(exchange: LoopbackExchange, account: Account) -> Configured:
    """The account with its own key, at the loopback exchange."""
    credentials = Credentials(Secret(account.key, "test"), Secret(account.secret, "test"))
    return Configured(
        name=account.name,
        venue=VENUE,
        desk="desk",
        environment="loopback",
        credentials=credentials,
        endpoints=exchange.endpoints(VENUE),
    )


@asynccontextmanager
async def desk(hedge: bool = False, **rights: bool) -> AsyncIterator[Desk]:
    """Two bitcoins long and the key of the executor."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, "alpha", hedge=hedge, **{"can_trade": True, **rights})
    world.set_wallet(account, "USDT", 20_000)
    world.set_position(account, SYMBOL, 2, side="long" if hedge else "", leverage=20)
    given = Given()
    async with LoopbackExchange(world, cadence=False) as exchange:
        orders = BinanceOrders(configured(exchange, account), given.clock, given.metrics, given.gate)
        try:
            yield Desk(exchange, account, orders)
        finally:
            await orders.close()


def sell(exchange: LoopbackExchange, quantity: str = "0.5", slippage: str = "0.99", **changed: Any) -> Order:
    """A part of the bitcoins, at a worst price below the mark."""
    mark = exchange.world.quote(VENUE, SYMBOL).mark
    order = Order(
        client_id="m" + "a" * 27,
        symbol=SYMBOL,
        side="sell",
        position_side="",
        quantity=Decimal(quantity),
        limit_price=(mark * Decimal(slippage)).quantize(Decimal("0.1")),
    )
    return msgspec.structs.replace(order, **changed)


async def test_an_order_reduces_the_position_and_is_found_by_its_id() -> None:
    """One order by its id: filled, found again by the id, and the position is as much smaller."""
    async with desk() as (exchange, account, orders):
        await orders.check_key()
        before = await orders.holding(SYMBOL, "", POOL)
        told = await orders.place(sell(exchange))
        found = await orders.find(SYMBOL, "m" + "a" * 27)
        after = await orders.holding(SYMBOL, "", POOL)
    assert (before.quantity, after.quantity) == (Decimal(2), Decimal("1.5"))
    assert before.ratio is not None and after.ratio is not None and after.ratio < before.ratio
    assert told == found and told.is_final and told.filled == Decimal("0.5")
    assert [order.is_reduce_only for order in account.orders] == [True]


async def test_ccxt_itself_reads_what_became_of_the_order() -> None:
    """The unified calls of ccxt understand the same order: ccxt is the second reader of the format."""
    async with desk() as (exchange, account, orders):
        await orders.place(sell(exchange))
        client = binance_client(exchange.endpoints(VENUE), account)
        try:
            words = {"origClientOrderId": "m" + "a" * 27}
            order = await client.fetch_order(None, "BTC/USDT:USDT", words)
        finally:
            await client.close()
    assert (order["status"], order["filled"], order["reduceOnly"]) == ("closed", 0.5, True)


async def test_a_leg_of_hedge_mode_is_reduced() -> None:
    """In hedge mode the leg is named instead of reduce-only, which the venue refuses there."""
    async with desk(hedge=True) as (exchange, _, orders):
        await orders.place(sell(exchange, position_side="long"))
        assert (await orders.holding(SYMBOL, "long", POOL)).quantity == Decimal("1.5")
        assert (await orders.holding(SYMBOL, "short", POOL)).quantity == 0


async def test_a_reduce_only_order_never_turns_a_position_over() -> None:
    """More than there is closes the position; what would open one is refused."""
    async with desk() as (exchange, account, orders):
        await orders.place(sell(exchange, "5"))
        with pytest.raises(OrderRefused, match="-2022"):
            await orders.place(sell(exchange, client_id="m" + "b" * 27))
        assert (await orders.holding(SYMBOL, "", POOL)).quantity == 0
    assert account.positions == {}


async def test_no_worse_price_is_taken() -> None:
    """An order whose limit the mark does not reach ends with nothing filled."""
    async with desk() as (exchange, _, orders):
        told = await orders.place(sell(exchange, slippage="1.01"))
    assert told.is_final and told.filled == 0


@pytest.mark.parametrize("cut", [False, True])
async def test_a_lost_answer_is_no_refusal(cut: bool) -> None:
    """-1007 and a reset say nothing of the order; asked by its id, the venue does, and it is there once."""
    async with desk() as (exchange, account, orders):
        exchange.faults.lose_order_answers(account.id, cut=cut)
        with pytest.raises(VenueUnavailable) as told:
            await orders.place(sell(exchange))
        found = await orders.find(SYMBOL, "m" + "a" * 27)
        assert await orders.find(SYMBOL, "m" + "b" * 27) is None
    assert not isinstance(told.value, OrderRefused)
    assert found is not None and found.filled == Decimal("0.5")
    assert len(account.orders) == 1


async def test_a_broken_venue_is_no_refusal() -> None:
    """5xx says nothing of the order."""
    async with desk() as (exchange, account, orders):
        exchange.faults.fail(VENUE, 503)
        with pytest.raises(VenueUnavailable) as told:
            await orders.place(sell(exchange))
    assert not isinstance(told.value, OrderRefused)
    assert account.orders == []


@pytest.mark.parametrize(("quantity", "code"), [("0.00001", "-1111")])
async def test_a_refusal_carries_the_venues_code(quantity: str, code: str) -> None:
    """What the venue refuses by a code of its own was not placed."""
    async with desk() as (exchange, account, orders):
        with pytest.raises(OrderRefused) as told:
            await orders.place(sell(exchange, quantity))
    assert (told.value.code, account.orders) == (code, [])


@pytest.mark.parametrize("rights", [{"can_trade": False}, {"can_withdraw": True}])
async def test_a_key_that_can_not_trade_or_can_withdraw_is_refused(rights: dict[str, bool]) -> None:
    """The executor's key trades, and takes no money out."""
    async with desk(**rights) as (_, _, orders):
        with pytest.raises(KeyRefused):
            await orders.check_key()


async def test_balances_that_are_gone_have_no_ratio() -> None:
    """A venue that shows an empty account tells no ratio, and never 0."""
    async with desk() as (exchange, account, orders):
        exchange.faults.zero_balances(account.id, everywhere=True)
        assert (await orders.holding(SYMBOL, "", POOL)).ratio is None
