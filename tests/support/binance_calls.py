"""Signed Binance calls and raw streams by hand: what a test says here is what stands on the wire."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode

import aiohttp

from adapters.loopback import Account, LoopbackExchange
from tests.support import raw_stream
from tests.support.raw_stream import Reader

VENUE = "binance_usdm"


def signed(account: Account, timestamp_ms: int, **parameters: Any) -> str:
    """A query string with its signature."""
    query = urlencode({**parameters, "timestamp": timestamp_ms})
    signature = hmac.new(account.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return f"{query}&signature={signature}"


class Caller:
    """Calls the loopback exchange for one account."""

    def __init__(self, exchange: LoopbackExchange, http: aiohttp.ClientSession, account: Account) -> None:
        self.exchange = exchange
        self.account = account
        self._http = http
        self._base = exchange.endpoints(VENUE)["rest"]

    async def get(self, path: str, **parameters: Any) -> tuple[int, Any]:
        """Status and body of a signed GET."""
        query = signed(self.account, self.exchange.world.now_ms(), **parameters)
        return await self.raw("GET", f"{path}?{query}")

    async def raw(self, method: str, path: str) -> tuple[int, Any]:
        """Status and body of a call with the key and no signature of its own."""
        headers = {"X-MBX-APIKEY": self.account.key}
        async with self._http.request(method, self._base + path, headers=headers) as response:
            return response.status, await response.json()


async def says_nothing(reader: Reader) -> bool:
    """True when a question is answered and nothing else came before the answer."""
    answer = await reader.ask({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 99})
    return bool(answer.get("id") == 99)


def stream(
    exchange: LoopbackExchange, http: aiohttp.ClientSession, path: str
) -> AbstractAsyncContextManager[Reader]:
    """A raw websocket on a path of this venue."""
    return raw_stream.stream(exchange, http, VENUE, path)
