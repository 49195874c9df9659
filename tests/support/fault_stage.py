"""The whole daemon on a stage: three accounts at each venue, a store and a receiver that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from adapters.loopback import Account, Faults, LoopbackExchange, standard_world
from tests.support.signed_hook import SignedHook, signed_hook
from tests.support.store_server import StoreServer, server_binary
from tests.support.whole_daemon import Running, whole_daemon

BINANCE, BYBIT, HYPERLIQUID = VENUES = ("binance_usdm", "bybit", "hyperliquid")
MONEY = {BINANCE: "USDT", BYBIT: "USDT", HYPERLIQUID: "USDC"}
BITCOIN = {BINANCE: "BTCUSDT", BYBIT: "BTCUSDT", HYPERLIQUID: "BTC"}
ETHER = {BINANCE: "ETHUSDT", BYBIT: "ETHUSDT", HYPERLIQUID: "ETH"}


class Stage(NamedTuple):
    """A daemon that watches three accounts of each venue, and everything around it."""

    exchange: LoopbackExchange
    hook: SignedHook
    store: StoreServer
    running: Running

    @property
    def faults(self) -> Faults:
        """The switches of the venues."""
        return self.exchange.faults

    def pool(self, venue: str, name: str) -> str:
        """The pool of an account."""
        return self.running.watcher.pool_of(f"{venue}/{name}")


def accounts_of(world_of: LoopbackExchange) -> list[Account]:
    """Bitcoin in one account, ether in another, nothing in the third, at each venue."""
    return list(world_of.world.accounts.values())


def open_accounts(venues: tuple[str, ...]) -> LoopbackExchange:
    """An exchange with safe accounts, not yet running."""
    world = standard_world(*venues)
    for venue in venues:
        for name, symbol, quantity in (("bitcoin", BITCOIN[venue], 1), ("ether", ETHER[venue], 10)):
            account = world.add_account(venue, name)
            world.set_wallet(account, MONEY[venue], 5_000)
            world.set_position(account, symbol, quantity, leverage=20)
        world.set_wallet(world.add_account(venue, "nothing"), MONEY[venue], 5_000)
    return LoopbackExchange(world)


@asynccontextmanager
async def stage(folder: Path, *venues: str, store_is_there: bool = True) -> AsyncIterator[Stage]:
    """Everything running, and every account clear."""
    binary = server_binary("valkey")
    assert binary is not None
    store = StoreServer(binary, folder)
    if store_is_there:
        await store.start()
    try:
        async with signed_hook() as hook, open_accounts(venues) as exchange:
            data = folder / "data"
            accounts = accounts_of(exchange)
            async with whole_daemon(data, exchange, accounts, hook.url, store.url) as running:
                yield Stage(exchange, hook, store, running)
                assert not running.task.done()
                assert running.crashes == 0, "a part of the daemon had to be started again"
    finally:
        await store.kill()
