"""A real ccxt client reads what the loopback exchange says and agrees with the world."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from adapters.loopback import Account, LoopbackExchange, World
from tests.support.ccxt_clients import binance_client
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

VENUE = "binance_usdm"


@pytest.fixture
def account(world: World) -> Account:
    """One cross long, one isolated short."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDT", 10_000)
    world.set_position(made, "BTCUSDT", "0.5", 95_000, leverage=20)
    world.set_position(made, "ETHUSDT", -3, 3_200, leverage=10, isolated_wallet=1_000)
    return made


@pytest.fixture
def client(exchange: LoopbackExchange, account: Account, clients: list[Any]) -> Any:
    """ccxt.pro for that account."""
    clients.append(binance_client(exchange.endpoints(VENUE), account))
    return clients[-1]


async def some(found: Iterable[Any]) -> list[Any]:
    """For `eventually`: what was found, if anything."""
    return list(found)


async def watched(watch: Any, ready: Any, act: Any) -> Any:
    """What a watch returns for something done after it subscribed."""
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        watching = tasks.create_task(watch)
        await eventually(ready, "the subscription")
        act()
        return await watching


async def test_markets_have_the_ticks_of_the_world(client: Any, world: World) -> None:
    """Every contract is a market with its tick, its step and its margin asset."""
    markets = await client.load_markets()
    for contract in world.contracts_of(VENUE):
        market = client.markets_by_id[contract.symbol][0]
        assert market["precision"]["price"] == float(contract.tick)
        assert market["precision"]["amount"] == float(contract.step)
        assert market["settle"] == contract.margin_asset
    assert len(markets) == len(world.contracts_of(VENUE))


async def test_balances_are_those_of_the_world(client: Any) -> None:
    """The wallet is cross and isolated together; free is margin balance less initial margin."""
    balance = await client.fetch_balance()
    assert balance["USDT"]["total"] == 11_000
    assert balance["USDT"]["free"] == 10_000 - 0.5 * 95_000 / 20


async def test_positions_carry_the_venues_figures(client: Any, world: World) -> None:
    """Size, entry, margin mode, maintenance margin and liquidation price read back as computed by hand."""
    world.set_mark("BTCUSDT", 94_000)
    found = {position["symbol"]: position for position in await client.fetch_positions()}
    btc, eth = found["BTC/USDT:USDT"], found["ETH/USDT:USDT"]
    assert (btc["contracts"], btc["side"], btc["marginMode"]) == (0.5, "long", "cross")
    assert (eth["contracts"], eth["side"], eth["marginMode"]) == (3.0, "short", "isolated")
    assert btc["unrealizedPnl"] == -500
    assert float(btc["info"]["maintMargin"]) == 0.5 * 94_000 * 0.004
    assert btc["liquidationPrice"] == pytest.approx((47_500 - 10_000) / (0.5 - 0.5 * 0.004), rel=1e-9)
    assert eth["liquidationPrice"] == pytest.approx((1_000 + 9_600) / (3 + 3 * 0.004), rel=1e-9)


async def test_tiers_are_the_brackets(client: Any, world: World) -> None:
    """Floors, caps, rates and leverages of every bracket read back."""
    tiers = await client.fetch_leverage_tiers()
    for contract in world.contracts_of(VENUE):
        read = tiers[client.markets_by_id[contract.symbol][0]["symbol"]]
        assert [tier["minNotional"] for tier in read] == [float(row.floor) for row in contract.brackets]
        assert [tier["maintenanceMarginRate"] for tier in read] == [float(r.rate) for r in contract.brackets]
        assert [float(tier["info"]["cum"]) for tier in read] == [
            float(r.deduction) for r in contract.brackets
        ]


async def test_mark_price_by_rest(client: Any, world: World) -> None:
    """Mark and index are those of the world."""
    world.set_mark("BTCUSDT", "94321.5", index="94300")
    rest = await client.fetch_mark_price("BTC/USDT:USDT")
    assert (rest["markPrice"], rest["indexPrice"]) == (94_321.5, 94_300)


@pytest.mark.parametrize("stream", ["!markPrice@arr@1s", "btcusdt@markPrice@1s"])
async def test_mark_price_by_stream(
    client: Any, world: World, exchange: LoopbackExchange, stream: str
) -> None:
    """Mark and index arrive by the stream of all symbols and by the stream of one."""
    await client.load_markets()
    world.set_mark("BTCUSDT", "94321.5", index="94300")
    all_symbols = stream.startswith("!")
    told = await watched(
        client.watch_mark_prices() if all_symbols else client.watch_mark_price("BTC/USDT:USDT"),
        lambda: some(socket for socket in exchange.sockets(VENUE) if stream in socket.subscriptions),
        lambda: exchange.publish_now(VENUE),
    )
    read = told["BTC/USDT:USDT"] if all_symbols else told
    assert (read["markPrice"], read["indexPrice"]) == (94_321.5, 94_300)


async def test_balance_stream(
    client: Any, world: World, account: Account, exchange: LoopbackExchange
) -> None:
    """A deposit is pushed at once to the listen key's stream."""
    told = await watched(
        client.watch_balance(),
        lambda: some(exchange.sockets(VENUE).of_kind(["private"])),
        lambda: world.set_wallet(account, "USDT", 12_500),
    )
    assert told["USDT"]["total"] == 13_500
    assert told["info"]["a"]["m"] == "DEPOSIT"


async def test_position_stream(
    client: Any, world: World, account: Account, exchange: LoopbackExchange
) -> None:
    """A fill is pushed at once, with size, side and entry."""
    await client.load_markets()
    client.options["watchPositions"]["fetchPositionsSnapshot"] = False
    told = await watched(
        client.watch_positions(),
        lambda: some(exchange.sockets(VENUE).of_kind(["private"])),
        lambda: world.trade(account, "BTCUSDT", "-0.8", 96_000),
    )
    (position,) = told
    assert (position["symbol"], position["side"]) == ("BTC/USDT:USDT", "short")
    assert (position["contracts"], position["entryPrice"]) == (0.3, 96_000)
    assert world.account("binance_usdm/alpha").wallets["USDT"] == 10_500


async def test_a_wrong_secret_is_refused(
    exchange: LoopbackExchange, account: Account, clients: list[Any]
) -> None:
    """ccxt's own class for a bad signature comes out of the venue's code -1022."""
    import ccxt

    client = binance_client(exchange.endpoints(VENUE), account)
    client.secret = "another"
    clients.append(client)
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await client.fapiPrivateV3GetAccount()


async def test_modes_read_back(exchange: LoopbackExchange, world: World, clients: list[Any]) -> None:
    """Hedge and multi-assets mode are told by the endpoints of their own, and both legs are positions."""
    hedged = world.add_account(VENUE, "hedged", hedge=True, multi_assets=True)
    world.set_wallet(hedged, "BTC", 1)
    world.set_position(hedged, "ETHUSDT", 2, side="long")
    world.set_position(hedged, "ETHUSDT", -5, side="short")
    client = binance_client(exchange.endpoints(VENUE), hedged)
    clients.append(client)
    assert (await client.fetch_position_mode())["hedged"] is True
    assert (await client.fapiPrivateGetMultiAssetsMargin())["multiAssetsMargin"] is True
    positions = await client.fetch_positions(["ETH/USDT:USDT"])
    assert sorted((position["side"], position["contracts"]) for position in positions) == [
        ("long", 2.0),
        ("short", 5.0),
    ]
