"""An account on both sides of the loopback exchange: real HTTP, real sockets, ccxt's own signatures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from adapters.account_feed import AccountFeed
from adapters.binance_usdm import SPEC
from adapters.binance_usdm.rest import BinanceSource
from adapters.gate import Gates
from adapters.loopback import Account as LoopbackAccount
from adapters.loopback import LoopbackExchange
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from monitor.clock import SystemClock
from monitor.config import Account, Credentials, Secret
from monitor.names import Metrics
from tests.support.fake_stream import Ear

VENUE = "binance_usdm"


class Desk:
    """An account on both sides, and what the feeds of it are given."""

    def __init__(self, exchange: LoopbackExchange, held: LoopbackAccount, gates: Gates | None = None) -> None:
        clock = SystemClock()
        self.exchange = exchange
        self.held = held
        self.config = Account(
            name=held.name,
            venue=VENUE,
            desk="desk",
            environment="loopback",
            credentials=Credentials(Secret(held.key, "test"), Secret(held.secret, "test")),
            endpoints=exchange.endpoints(VENUE),
        )
        gates = gates or Gates(clock)
        gate = gates.of(self.config, SPEC.connects)
        self.tools = Tools(clock, Metrics(CollectorRegistry()), random.Random(1), gate)
        self.ear = Ear()
        self.feed: AccountFeed | None = None

    @asynccontextmanager
    async def source(self) -> AsyncIterator[BinanceSource]:
        """The REST side alone."""
        made = BinanceSource(self.config, self.tools.clock, self.tools.metrics, self.tools.gate)
        try:
            yield made
        finally:
            await made.close()

    @asynccontextmanager
    async def watched(self, public: bool = False) -> AsyncIterator[Ear]:
        """The account's feed running, and the public one if wanted."""
        market = PublicFeed((self.config,), SPEC, self.ear.post, self.tools)
        self.feed = AccountFeed(self.config, SPEC, self.ear.post, self.tools, market.watch)
        tasks = [asyncio.create_task(self.feed.run())]
        if public:
            tasks.append(asyncio.create_task(market.run()))
        try:
            yield self.ear
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                assert task.cancelled(), task.exception()


Make = Callable[..., Desk]
