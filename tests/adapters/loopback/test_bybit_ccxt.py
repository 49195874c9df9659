"""A real ccxt client reads Bybit from the loopback exchange and agrees with the world."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.loopback import Account, LoopbackExchange, World
from tests.support.ccxt_clients import bybit_client
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

VENUE = "bybit"


@pytest.fixture
def account(world: World) -> Account:
    """A cross account with two kinds of collateral, one long and one short."""
    made = world.add_account(VENUE, "alpha")
    world.set_wallet(made, "USDT", 10_000)
    world.set_wallet(made, "BTC", "0.1")
    world.set_position(made, "BTCUSDT", "0.5", 94_000, leverage=20)
    world.set_position(made, "ETHUSDT", -3, 3_200, leverage=10)
    return made


@pytest.fixture
def client(exchange: LoopbackExchange, account: Account, clients: list[Any]) -> Any:
    """ccxt.pro for that account."""
    clients.append(bybit_client(exchange.endpoints(VENUE), account))
    return clients[-1]


async def pushed(exchange: LoopbackExchange, topic: str, watch: Any, act: Any) -> Any:
    """What a watch returns for something done after it subscribed."""

    async def subscribed() -> bool:
        return any(topic in socket.subscriptions for socket in exchange.sockets(VENUE))

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        watching = tasks.create_task(watch)
        await eventually(subscribed, "the subscription")
        act()
        return await watching


async def test_markets_have_the_ticks_of_the_world(client: Any, world: World) -> None:
    """Every linear contract is a market with its tick, its step and its settle coin."""
    await client.load_markets()
    for contract in world.contracts_of(VENUE):
        market = next(found for found in client.markets_by_id[contract.symbol] if found["swap"])
        assert market["precision"]["price"] == float(contract.tick)
        assert market["precision"]["amount"] == float(contract.step)
        assert market["settle"] == contract.margin_asset


async def test_balances_are_those_of_the_world(client: Any) -> None:
    """Wallets of both coins read back, and the account's own ratio stands in `info`."""
    balance = await client.fetch_balance()
    assert (balance["USDT"]["total"], balance["BTC"]["total"]) == (10_000, 0.1)
    (row,) = balance["info"]["result"]["list"]
    assert float(row["totalMarginBalance"]) == 10_000 + 0.1 * 95_000 * 0.95 + 0.5 * 1_000
    fees = 0.5 * 94_000 * 0.95 * 0.00055 + 3 * 3_200 * 1.1 * 0.00055
    maintenance = 0.5 * 95_000 * 0.005 + 3 * 3_200 * 0.005 + fees
    assert float(row["totalMaintenanceMargin"]) == pytest.approx(maintenance, abs=1e-7)
    assert float(row["accountMMRate"]) == pytest.approx(maintenance / 19_525, abs=5e-5)


async def test_positions_carry_the_venues_figures(client: Any) -> None:
    """Size, side, entry, leverage and the venue's margins read back."""
    found = {position["symbol"]: position for position in await client.fetch_positions()}
    btc, eth = found["BTC/USDT:USDT"], found["ETH/USDT:USDT"]
    assert (btc["contracts"], btc["side"], btc["entryPrice"], btc["leverage"]) == (0.5, "long", 94_000, 20)
    assert (eth["contracts"], eth["side"], eth["markPrice"]) == (3, "short", 3_200)
    assert float(btc["info"]["positionMM"]) == pytest.approx(237.5 + 0.5 * 94_000 * 0.95 * 0.00055)
    assert btc["liquidationPrice"] < 94_000
    assert eth["liquidationPrice"] > 3_200


async def test_tiers_are_the_brackets(client: Any, world: World) -> None:
    """Every tier of every contract reads back."""
    await client.load_markets()
    for contract in world.contracts_of(VENUE):
        market = next(found for found in client.markets_by_id[contract.symbol] if found["swap"])
        tiers = await client.fetch_market_leverage_tiers(market["symbol"])
        assert [tier["maxNotional"] for tier in tiers] == [float(row.cap) for row in contract.brackets]
        assert [tier["maintenanceMarginRate"] for tier in tiers] == [float(r.rate) for r in contract.brackets]


async def test_mark_by_rest(client: Any, world: World) -> None:
    """Mark and index are those of the world."""
    world.set_mark("BTCUSDT", "94321.50", index="94300", venue=VENUE)
    ticker = await client.fetch_ticker("BTC/USDT:USDT")
    assert (ticker["info"]["markPrice"], ticker["info"]["indexPrice"]) == ("94321.50", "94300.00")


async def test_mark_by_stream_is_a_snapshot_and_then_deltas(
    client: Any, world: World, exchange: LoopbackExchange
) -> None:
    """A delta that omits the mark leaves ccxt's at the snapshot; one that has it moves it."""
    await client.load_markets()
    first = await client.watch_ticker("BTC/USDT:USDT")
    assert first["info"]["markPrice"] == "95000.00"

    async def next_mark() -> str:
        ticker = await pushed(
            exchange,
            "tickers.BTCUSDT",
            client.watch_ticker("BTC/USDT:USDT"),
            lambda: exchange.publish_now(VENUE),
        )
        return str(ticker["info"]["markPrice"])

    assert await next_mark() == "95000.00"
    world.set_mark("BTCUSDT", 94_000, venue=VENUE)
    assert await next_mark() == "94000.00"


async def test_balance_stream(
    client: Any, world: World, account: Account, exchange: LoopbackExchange
) -> None:
    """A deposit is pushed at once to the connection that signed in."""
    await client.load_markets()
    told = await pushed(
        exchange, "wallet", client.watch_balance(), lambda: world.set_wallet(account, "USDT", 12_500)
    )
    assert told["USDT"]["total"] == 13_000


async def test_position_stream(
    client: Any, world: World, account: Account, exchange: LoopbackExchange
) -> None:
    """A fill is pushed at once, with size, side and entry."""
    await client.load_markets()
    client.options["watchPositions"]["fetchPositionsSnapshot"] = False
    (position,) = await pushed(
        exchange,
        "position",
        client.watch_positions(),
        lambda: world.trade(account, "BTCUSDT", "-0.8", 96_000),
    )
    assert (position["symbol"], position["side"]) == ("BTC/USDT:USDT", "short")
    assert (position["contracts"], position["entryPrice"]) == (0.3, 96_000)


async def test_a_wrong_secret_is_refused(
    exchange: LoopbackExchange, account: Account, clients: list[Any]
) -> None:
    """ccxt's own class for a bad signature comes out of the venue's code 10004."""
    import ccxt

    client = bybit_client(exchange.endpoints(VENUE), account)
    client.secret = "another"
    clients.append(client)
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        await client.privateGetV5AccountInfo()


async def test_pages_are_followed(client: Any, exchange: LoopbackExchange) -> None:
    """ccxt walks the cursor and finds both positions, one a page."""
    exchange.faults.of(VENUE).rows_per_page = 1
    found = await client.fetch_positions(None, {"paginate": True, "settleCoin": "USDT"})
    assert sorted(position["symbol"] for position in found) == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
