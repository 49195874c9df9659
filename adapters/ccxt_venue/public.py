"""One exchange's public side: what is traded, and marks of what is held. Marks are only shown: no model of
these accounts reads one, so what the exchange does not tell here makes nothing unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from adapters.backoff import Backoff
from adapters.ccxt_venue.client import ReadOnlyClient, opened
from adapters.ccxt_venue.entry import Entry
from adapters.ccxt_venue.market_share import MarketShare
from adapters.ccxt_venue.markets import instrument_of, price, symbols_of
from adapters.session import Tools
from adapters.upkeep import CALL_TIMEOUT_S, words
from adapters.venue import KeyRefused, Post, UnsupportedMode, VenueUnavailable
from monitor.config import Account
from monitor.domain.event import MarkPrice
from monitor.domain.identity import InstrumentId

log = structlog.get_logger()
DEFINITIONS_S = 1800.0
FETCH_EVERY_S = 5.0
LONGEST_BACKOFF_S = 60.0
# What tells marks, best first: ccxt's name in `has`, the method, and whether it waits for news by itself.
WAYS = (
    ("watchMarkPrices", "watch_mark_prices", True),
    ("watchTickers", "watch_tickers", True),
    ("fetchMarkPrices", "fetch_mark_prices", False),
    ("fetchTickers", "fetch_tickers", False),
)


class CcxtPublicFeed:
    """Run one per exchange and endpoints, supervised, with all accounts that share them."""

    def __init__(
        self, accounts: Sequence[Account], name: str, entry: Entry | None, post: Post, tools: Tools
    ) -> None:
        self.share = MarketShare()
        self._account = accounts[0]
        self._name = name
        self._entry = entry
        self._post = post
        self._tools = tools
        self._wanted: set[InstrumentId] = set()
        self._grown = asyncio.Event()
        self._told: dict[str, object] = {}  # the ticker last told of each symbol

    def watch(self, instruments: Iterable[InstrumentId]) -> None:
        """Marks of these are wanted."""
        more = set(instruments) - self._wanted
        if more:
            self._wanted |= more
            self._grown.set()

    async def run(self) -> None:
        """For ever; of an exchange whose ratio is not known nothing is asked."""
        if self._entry is None:
            await asyncio.Event().wait()
        backoff = Backoff(self._tools.rng, longest_s=LONGEST_BACKOFF_S)
        while True:
            try:
                client = await opened(self._name, self._account, self._entry, self._tools.gate)
            except (KeyRefused, UnsupportedMode):  # the accounts' feeds say so, with the reason
                await asyncio.sleep(LONGEST_BACKOFF_S)
                continue
            try:
                await self._follow(client, backoff)
            except (VenueUnavailable, KeyRefused, UnsupportedMode, TimeoutError) as failed:
                log.warning("marks_failed", venue=self._account.venue, error=words(failed))
            finally:
                await client.close()
            await asyncio.sleep(backoff.next_s())

    async def _follow(self, client: ReadOnlyClient, backoff: Backoff) -> None:
        """Until something fails, or the list of markets is old."""
        async with asyncio.timeout(CALL_TIMEOUT_S * 3):
            await self.share.load(client, again=True)
        self._post(client.definitions(self._tools.clock.monotonic_ns()))
        backoff.reset()
        watching = asyncio.ensure_future(self._keep_marks(client))
        try:
            async with asyncio.timeout(DEFINITIONS_S):
                await watching
        except TimeoutError:
            return
        finally:
            watching.cancel()

    async def _keep_marks(self, client: ReadOnlyClient) -> None:
        ways = [(method, waits) for name, method, waits in WAYS if client.has(name)]
        while True:
            self._grown.clear()
            symbols = symbols_of(client.venue, client.markets(), self._wanted)
            if symbols and ways:
                await self._until_grown(client, ways, symbols)
            await self._grown.wait()

    async def _until_grown(
        self, client: ReadOnlyClient, ways: list[tuple[str, bool]], symbols: list[str]
    ) -> None:
        """The first way that this exchange really offers, until another instrument is held."""
        for method, waits in ways:
            try:
                await self._unless_grown(self._tell_marks(client, method, waits, symbols))
            except UnsupportedMode:
                continue
            return

    async def _unless_grown(self, marks: Any) -> None:
        grown, telling = asyncio.ensure_future(self._grown.wait()), asyncio.ensure_future(marks)
        try:
            await asyncio.wait((grown, telling), return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                telling.result()
        finally:
            grown.cancel()
            telling.cancel()
            await asyncio.gather(grown, telling, return_exceptions=True)

    async def _tell_marks(self, client: ReadOnlyClient, method: str, waits: bool, symbols: list[str]) -> None:
        while True:
            if waits:
                self._tell(client, await client.watch(method, symbols), symbols)
            else:
                self._tell(client, await client.fetch_prices(method, symbols), symbols)
                await asyncio.sleep(FETCH_EVERY_S)

    def _tell(self, client: ReadOnlyClient, tickers: Mapping[str, Any], symbols: list[str]) -> None:
        """What is new of these: ccxt answers with all that it ever heard, and puts a new ticker for news."""
        received_ns = self._tools.clock.monotonic_ns()
        for symbol in symbols:
            ticker = tickers.get(symbol)
            if ticker is None or self._told.get(symbol) is ticker:
                continue
            self._told[symbol] = ticker
            mark, index = price(ticker.get("markPrice")), price(ticker.get("indexPrice"))
            if mark is not None:
                instrument = instrument_of(client.venue, client.markets()[symbol])
                self._post(MarkPrice(instrument, mark, index, None, None, 0, received_ns))
