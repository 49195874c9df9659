"""One account of the loopback exchange under the real feeds and a real book, over real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from adapters import VENUES
from adapters.account_feed import AccountFeed
from adapters.gate import LOOPBACK_LIMIT, VenueGate
from adapters.loopback import Account, LoopbackExchange
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from monitor import config
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import SystemClock
from monitor.domain.assessment import RiskBand, VenueReported
from monitor.domain.event import Event
from monitor.domain.identity import account_id, pool_id
from monitor.names import Metrics
from tests.support.books import LEVELS, MODELS
from tests.support.waiting import eventually


class Watched:
    """Both feeds of one account, and a book that hears them."""

    def __init__(self, exchange: LoopbackExchange, account: Account) -> None:
        self.id = account_id(account.venue, account.name)
        self.clock = SystemClock()
        self.book = LiveBook(BookSettings(MODELS, lambda *_: LEVELS))
        self.book.declare(self.id, "desk", self.clock.monotonic_ns())
        self.events: list[Event] = []
        gate = VenueGate(LOOPBACK_LIMIT, self.clock)
        tools = Tools(self.clock, Metrics(), random.Random(1), gate)
        spec = VENUES[account.venue]
        configured = config.Account(
            name=account.name,
            venue=account.venue,
            desk="desk",
            environment="loopback",
            credentials=_credentials(account) if spec.needs_key else None,
            address=None if spec.needs_key else account.address,
            endpoints=exchange.endpoints(account.venue),
        )
        self._public = PublicFeed([configured], spec, self._post, tools)
        self._private = AccountFeed(configured, spec, self._post, tools, self._public.watch)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Watched]:
        """Both feeds, until the end of the test."""
        tasks = [asyncio.ensure_future(self._public.run()), asyncio.ensure_future(self._private.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Turns the book until something holds."""

        async def look() -> Any:
            now_ns = self.clock.monotonic_ns()
            self.book.turn(now_ns, self.clock.wall_ns(), None)
            return holds()

        return await eventually(look, what)

    def figures(self, pool: str) -> Any:
        """What the sweep wrote of a pool; None while it is unknown."""
        placed = self.book.placing.pools.get(pool_id(self.id, pool))
        found = None if placed is None else self.book.assessor.figures[placed.row]
        return None if found is None or int(found.band) == RiskBand.UNKNOWN else found

    def reported(self, pool: str) -> VenueReported:
        """What the venue says of a pool."""
        told = self.book.placing.pools[pool_id(self.id, pool)].fact.reported
        assert told is not None
        return told

    def _post(self, event: Event) -> None:
        self.events.append(event)
        offset_ns = self.clock.wall_ns() - self.clock.monotonic_ns()
        self.book.apply(event, event.received_ns + offset_ns)


def _credentials(account: Account) -> config.Credentials:
    return config.Credentials(config.Secret(account.key, "test"), config.Secret(account.secret, "test"))
