"""Signed Binance calls and raw streams by hand: what a test says here is what stands on the wire."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp

from adapters.loopback import Account, LoopbackExchange
from tests.support.waiting import eventually

VENUE = "binance_usdm"
WAIT_S = 10.0


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


class Reader:
    """One websocket, read frame by frame."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def next(self, timeout_s: float = WAIT_S) -> Any:
        """The next text frame, decoded."""
        return json.loads(await self.ws.receive_str(timeout=timeout_s))

    async def says_nothing(self, exchange: LoopbackExchange) -> bool:
        """True when a question is answered and nothing else came before the answer."""
        await self.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 99})
        return bool((await self.next()).get("id") == 99)


@asynccontextmanager
async def stream(exchange: LoopbackExchange, http: aiohttp.ClientSession, path: str) -> AsyncIterator[Reader]:
    """A raw websocket on a path, once the exchange knows it."""
    before = exchange.sockets(VENUE).opened
    async with http.ws_connect(exchange.endpoints(VENUE)["ws"] + path, autoping=False) as ws:

        async def known() -> bool:
            return exchange.sockets(VENUE).opened > before

        await eventually(known, "the connection")
        yield Reader(ws)
