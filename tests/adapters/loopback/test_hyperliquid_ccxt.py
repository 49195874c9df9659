"""A real ccxt client reads Hyperliquid from the loopback exchange and agrees with the world."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.loopback import Account, LoopbackExchange, World
from adapters.loopback.hyperliquid.catalog import dex_of
from tests.support.ccxt_clients import hyperliquid_client
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

VENUE = "hyperliquid"


@pytest.fixture
def account(world: World) -> Account:
    """One cross long, one isolated short, one long on a builder's dex."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDC", 10_000)
    world.set_wallet(made, "USDC:xyz", 500)
    world.set_position(made, "BTC", "0.5", 94_000, leverage=20)
    world.set_position(made, "ETH", -3, 3_200, leverage=10, isolated_wallet=960)
    world.set_position(made, "xyz:TSLA", 2, 340)
    return made


@pytest.fixture
def client(exchange: LoopbackExchange, account: Account, clients: list[Any]) -> Any:
    """ccxt.pro for that address."""
    clients.append(hyperliquid_client(exchange.endpoints(VENUE), account))
    return clients[-1]


async def pushed(exchange: LoopbackExchange, word: str, watch: Any, act: Any) -> Any:
    """What a watch returns for something done after it subscribed."""

    async def subscribed() -> bool:
        return any(word in key for socket in exchange.sockets(VENUE) for key in socket.subscriptions)

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        watching = tasks.create_task(watch)
        await eventually(subscribed, "the subscription")
        act()
        return await watching


async def test_markets_are_the_coins_of_all_dexes(client: Any, world: World) -> None:
    """Every coin is a market with its size step and its highest leverage, the builder's dex too."""
    markets = await client.load_markets()
    coins = {market["info"]["name"]: market for market in markets.values() if market["swap"]}
    assert set(coins) == {contract.symbol for contract in world.contracts_of(VENUE)}
    for contract in world.contracts_of(VENUE):
        market = coins[contract.symbol]
        assert market["precision"]["amount"] == float(contract.step)
        assert market["limits"]["leverage"]["max"] == float(contract.brackets[0].max_leverage)
        assert bool(market["info"].get("dex")) == bool(dex_of(contract.symbol))


async def test_the_balance_is_the_account_value(client: Any) -> None:
    """Cross cash and unrealised profit, with what the isolated position has."""
    balance = await client.fetch_balance()
    summary = balance["info"]["marginSummary"]
    assert float(summary["accountValue"]) == 10_000 + 0.5 * 1_000 + 960
    assert balance["USDC"]["total"] == 11_460


async def test_positions_carry_the_venues_figures(client: Any) -> None:
    """Size, side, mode, entry and liquidation price read back as computed by hand."""
    found = {position["symbol"]: position for position in await client.fetch_positions()}
    btc, eth = found["BTC/USDC:USDC"], found["ETH/USDC:USDC"]
    assert (btc["contracts"], btc["side"], btc["marginMode"], btc["entryPrice"]) == (
        0.5,
        "long",
        "cross",
        94_000,
    )
    assert (eth["contracts"], eth["side"], eth["marginMode"]) == (3, "short", "isolated")
    assert btc["liquidationPrice"] == pytest.approx((47_000 - 10_000) / (0.5 - 0.5 / 80), rel=1e-9)
    assert eth["liquidationPrice"] == pytest.approx((9_600 + 960) / (3 + 3 / 50), rel=1e-9)
    (tesla,) = await client.fetch_positions(None, {"dex": "xyz"})
    assert (tesla["contracts"], tesla["info"]["position"]["coin"]) == (2, "xyz:TSLA")


async def test_mark_by_rest_and_by_stream(client: Any, world: World, exchange: LoopbackExchange) -> None:
    """Mark and oracle price are those of the world both ways."""
    await client.load_markets()
    world.set_mark("BTC", "94321.5", index="94300", venue=VENUE)
    rest = await client.fetch_ticker("BTC/USDC:USDC")
    assert (rest["info"]["markPx"], rest["info"]["oraclePx"]) == ("94321.5", "94300.0")
    first = await client.watch_ticker("BTC/USDC:USDC")
    assert first["info"]["markPx"] == "94321.5"
    world.set_mark("BTC", 90_000, venue=VENUE)
    told = await pushed(
        exchange,
        "activeAssetCtx",
        client.watch_ticker("BTC/USDC:USDC"),
        lambda: exchange.publish_now(VENUE),
    )
    assert (told["info"]["markPx"], told["info"]["oraclePx"]) == ("90000.0", "90000.0")


async def test_states_are_pushed(
    client: Any, world: World, account: Account, exchange: LoopbackExchange
) -> None:
    """The state comes on subscribing, and again at once when something changed."""
    await client.load_markets()
    first = await client.watch_positions()
    assert {position["symbol"] for position in first} == {"BTC/USDC:USDC", "ETH/USDC:USDC"}
    told = await pushed(
        exchange,
        "clearinghouseState",
        client.watch_positions(),
        lambda: world.trade(account, "BTC", "-0.8", 96_000),
    )
    btc = next(position for position in told if position["symbol"] == "BTC/USDC:USDC")
    assert (btc["side"], btc["contracts"], btc["entryPrice"]) == ("short", 0.3, 96_000)
    assert world.account("hyperliquid/alpha").wallets["USDC"] == 11_000
