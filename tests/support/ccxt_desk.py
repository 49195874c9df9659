"""A whole daemon that reads accounts of the loopback exchange through ccxt, as it would read any exchange."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.ccxt_venue import ccxt_spec
from adapters.ccxt_venue.feed import CcxtAccountFeed
from adapters.ccxt_venue.public import CcxtPublicFeed
from adapters.gate import Gates
from adapters.loopback import Account, LoopbackExchange
from adapters.session import Tools
from monitor import config
from monitor.clock import SystemClock
from monitor.domain.event import Event
from monitor.names import Metrics
from tests.support.whole_daemon import Running, desk_config, running_daemon

CCXT_NAMES = {"binance_usdm": "binanceusdm", "bybit": "bybit", "hyperliquid": "hyperliquid"}


def venue_of(account: Account) -> str:
    """`ccxt:NAME` of a native venue's account."""
    return f"ccxt:{CCXT_NAMES[account.venue]}"


def ccxt_account(exchange: LoopbackExchange, account: Account) -> config.Account:
    """The account as a config would have it, read through ccxt."""
    by_address = account.venue == "hyperliquid"
    key, secret = config.Secret(account.key, "the test"), config.Secret(account.secret, "the test")
    return config.Account(
        name=account.name,
        venue=venue_of(account),
        desk=account.venue,
        environment="loopback",
        credentials=None if by_address else config.Credentials(key, secret),
        address=account.address if by_address else None,
        endpoints=exchange.endpoints(account.venue),
    )


class Heard:
    """A door that keeps what is posted, and tells who waits for more."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Condition()

    def post(self, event: Event) -> None:
        """The door."""
        self.events.append(event)
        asyncio.get_running_loop().create_task(self._tell())

    async def until(self, holds: object, what: str, timeout_s: float = 20.0) -> None:
        """Waits for events to make something true."""
        assert callable(holds)
        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: bool(holds()))
        except TimeoutError:
            told = [type(event).__name__ for event in self.events[-20:]]
            raise AssertionError(f"waited {timeout_s} s for {what}; last: {told}") from None

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def of(self, kind: type) -> list[Event]:
        """Those of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def running_feeds(account: config.Account) -> AsyncIterator[tuple[CcxtAccountFeed, Heard, Metrics]]:
    """Both feeds of one account, and what they post."""
    spec, clock, metrics, heard = ccxt_spec(account.venue), SystemClock(), Metrics(), Heard()

    tools = Tools(clock, metrics, random.Random(1), Gates(clock).of(account, spec.connects))
    public = CcxtPublicFeed((account,), spec.exchange, spec.entry, heard.post, tools)
    feed = CcxtAccountFeed(account, spec.exchange, spec.entry, heard.post, tools, public.watch, public.share)
    tasks = [asyncio.create_task(public.run()), asyncio.create_task(feed.run())]
    try:
        yield feed, heard, metrics
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def ccxt_daemon(
    folder: Path, exchange: LoopbackExchange, accounts: Iterable[Account], hook_url: str, store_url: str
) -> AsyncIterator[Running]:
    """A running daemon that reads every account through ccxt, at the levels that ship."""
    read = tuple(ccxt_account(exchange, account) for account in accounts)
    async with running_daemon(desk_config(folder, read, hook_url, store_url)) as running:
        yield running
