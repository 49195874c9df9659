"""One ccxt exchange of which only reads can be reached, and whose every message is heard.

ccxt's `watch_*` return some of the updates, some of them late: 295 position updates gave 178 returns. So a
return carries nothing here. Every message is heard where ccxt's own connection hands it over, before it is
taken apart, and is a wake-up; what is true then is read from the exchange.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakSet

from adapters.ccxt_venue.entry import NO_PARAMETERS, Entry, Parameters
from adapters.ccxt_venue.errors import MISREAD, ccxt_errors, judged
from adapters.ccxt_venue.markets import instruments
from adapters.gate import VenueGate
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.config import Account
from monitor.domain.event import Instruments

TIMEOUT_MS = 8_000
QUIET = logging.getLogger("margind.ccxt")  # at level DEBUG ccxt logs headers and signed addresses
QUIET.setLevel(logging.CRITICAL)
WANTED = {  # ccxt's name for what an exchange wants, and where the config has it
    "apiKey": "credentials.key_file",
    "secret": "credentials.secret_file",
    "password": "credentials.passphrase_file",
    "walletAddress": "address",
}
Heard = Callable[[], None]
Broken = Callable[[str], None]


class ReadOnlyClient:
    """Made by `opened`. Raises VenueUnavailable, RateLimited, KeyRefused, UnsupportedMode, and no other."""

    def __init__(self, venue: str, exchange: Any, gate: VenueGate, posts: tuple[str, ...]) -> None:
        self.venue = venue
        self._exchange = exchange
        self._gate = gate
        self._posts = posts
        self._send = exchange.fetch
        self._handle = exchange.handle_message if hasattr(exchange, "handle_message") else None
        self.heard: Heard = lambda: None
        self.broken: Broken = lambda _: None
        self._over: WeakSet[Any] = WeakSet()  # connections whose end was told: ccxt may tell it twice
        self.messages = 0
        exchange.fetch = self._fetch
        exchange.handle_message = self._hear
        # A connection that ends while nobody waits for its next message ends without a word otherwise.
        exchange.on_close = self._ending(getattr(exchange, "on_close", None), "closed")
        exchange.on_error = self._ending(getattr(exchange, "on_error", None), "failed")

    def has(self, method: str) -> bool:
        """Whether the exchange offers it, by ccxt's name: `watchPositions`."""
        return self._exchange.has.get(method) is True

    def markets(self) -> Mapping[str, Any]:
        """What `load_markets` found, by ccxt's symbol."""
        return self._exchange.markets or {}

    async def load_markets(self) -> None:
        """Reads what is traded; once, unless markets were given."""
        await self._judge("load_markets", self._exchange.load_markets)

    def take_markets(self, other: ReadOnlyClient) -> None:
        """The markets that another client of the same exchange has read."""
        self._exchange.set_markets(list(other.markets().values()), other._exchange.currencies)

    def definitions(self, received_ns: int) -> Instruments:
        """The markets as instruments."""
        return instruments(self.venue, self.markets(), int(self._exchange.precisionMode), received_ns)

    async def balance(self, parameters: Parameters) -> Any:
        """The raw answer behind `fetch_balance`."""
        found = await self._judge("fetch_balance", lambda: self._exchange.fetch_balance(dict(parameters)))
        return found.get("info")

    async def positions(self, parameters: Parameters) -> list[Mapping[str, Any]]:
        """`fetch_positions`: sizes and prices, and the raw answer of each in `info`."""
        found = await self._judge(
            "fetch_positions", lambda: self._exchange.fetch_positions(None, dict(parameters))
        )
        return [position for position in found if position.get("contracts")]

    @property
    def has_stream(self) -> bool:
        """Whether a connection is open on which news would come."""
        return any(client.isConnected for client in (self._exchange.clients or {}).values())

    @property
    def address(self) -> str:
        """The account's, where it is read by one."""
        return str(self._exchange.walletAddress or "")

    async def raw(self, endpoint: str, parameters: Parameters = NO_PARAMETERS) -> Any:
        """One raw call that only reads, by ccxt's name for it; a POST must be among those of the entry."""
        return await self._judge(endpoint, lambda: getattr(self._exchange, endpoint)(dict(parameters)))

    async def watch(self, method: str, *symbols: list[str]) -> Any:
        """Waits as `watch_positions`, `watch_tickers` do; the answer is that of ccxt, some of the news."""
        return await self._judge(method, lambda: getattr(self._exchange, method)(*symbols))

    async def fetch_prices(self, method: str, symbols: list[str]) -> Mapping[str, Any]:
        """`fetch_mark_prices` or `fetch_tickers`."""
        found: Mapping[str, Any] = await self._judge(method, lambda: getattr(self._exchange, method)(symbols))
        return found

    async def close(self) -> None:
        """Lets go of connections."""
        self.heard, self.broken = lambda: None, lambda _: None
        await self._exchange.close()

    async def _judge(self, what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self._check_gate()
        failure: Exception
        try:
            return await call()
        except (VenueUnavailable, KeyRefused, UnsupportedMode) as ours:
            failure = ours.with_traceback(None)
        except (ccxt_errors().BaseError, *MISREAD) as error:
            failure = judged(self.venue, what, error)
        if isinstance(failure, RateLimited):
            self._gate.rest.close(failure.retry_after_s)
        raise failure  # outside of `except`: the cause would carry the signed address along

    async def _fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """The one door to the network: what is not a read does not pass, whoever asks for it."""
        path = urlsplit(url).path
        if method != "GET" and path not in self._posts:
            raise UnsupportedMode(f"{self.venue}: {method} {path} is not among what margind reads with")
        self._check_gate()
        return await self._send(url, method, headers, body)

    def _check_gate(self) -> None:
        remaining_s = self._gate.rest.remaining_s()
        if remaining_s > 0:
            raise RateLimited(f"{self.venue}: no calls for another {remaining_s:.0f} s", remaining_s)

    def _ending(self, handle: Callable[[Any, Any], None] | None, word: str) -> Callable[[Any, Any], None]:
        def ended(client: Any, why: Any) -> None:
            was_open = bool(client.isConnected) and client not in self._over
            if handle is not None:
                handle(client, why)
            if was_open:
                self._over.add(client)
                self.broken(f"{self.venue}: stream {word}")

        return ended

    def _hear(self, client: Any, message: Any) -> None:
        self.messages += 1
        try:
            if self._handle is not None:
                self._handle(client, message)
        except (ccxt_errors().BaseError, *MISREAD) as error:
            # It would end ccxt's reading loop without a word; so the watch fails, and is begun again.
            client.reject(ccxt_errors().NetworkError(type(error).__name__))
        self.heard()


async def opened(name: str, account: Account, entry: Entry | None, gate: VenueGate) -> ReadOnlyClient:
    """A client of the exchange that ccxt calls `name`; raises KeyRefused where the config lacks something."""
    pro = await asyncio.to_thread(importlib.import_module, "ccxt.pro")
    plain = importlib.import_module("ccxt.async_support")
    exchange = getattr(pro if name in pro.exchanges else plain, name)(_options(account, entry))
    exchange.logger = QUIET
    exchange.has["fetchCurrencies"] = False  # with a key, Binance's and others' ask another host for them
    _turn(exchange, account)
    wanted = exchange.requiredCredentials  # a key to sign orders with is wanted too, and never given
    missing = [where for key, where in WANTED.items() if wanted.get(key) and not getattr(exchange, key)]
    if missing:
        await exchange.close()
        raise KeyRefused(f"ccxt:{name} wants {', '.join(missing)}, which the config does not have")
    return ReadOnlyClient(account.venue, exchange, gate, entry.posts if entry is not None else ())


def _options(account: Account, entry: Entry | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "enableRateLimit": True,
        "timeout": TIMEOUT_MS,
        "newUpdates": False,
        "options": dict(entry.options if entry is not None else NO_PARAMETERS),
    }
    if account.credentials is not None:
        options["apiKey"] = account.credentials.key.reveal()
        options["secret"] = account.credentials.secret.reveal()
        if account.credentials.passphrase is not None:
            options["password"] = account.credentials.passphrase.reveal()
    if account.address is not None:
        options["walletAddress"] = account.address
    return options


def _turn(exchange: Any, account: Account) -> None:
    """Towards the account's own addresses where it has any, so that its key goes nowhere else."""
    if account.endpoints:
        exchange.urls["api"] = _turned(exchange.urls["api"], account.endpoints, "")
    elif account.environment == "testnet":
        try:
            exchange.set_sandbox_mode(True)
        except ccxt_errors().BaseError:
            raise UnsupportedMode(f"{account.venue}: ccxt has no testnet of this exchange") from None


def _turned(urls: Any, endpoints: Mapping[str, str], name: str) -> Any:
    if isinstance(urls, dict):
        return {key: _turned(url, endpoints, name or str(key)) for key, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    parts = urlsplit(urls)
    kind = "ws" if parts.scheme.startswith("ws") else "rest"
    target = urlsplit(endpoints.get(name, endpoints[kind]) if kind == "rest" else endpoints["ws"])
    return urlunsplit((target.scheme, target.netloc, parts.path, parts.query, parts.fragment))
