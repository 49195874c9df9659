"""A raw websocket on the loopback exchange, read frame by frame."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from adapters.loopback import LoopbackExchange
from tests.support.waiting import eventually

WAIT_S = 10.0


class Reader:
    """One connection."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def next(self, timeout_s: float = WAIT_S) -> Any:
        """The next text frame, decoded."""
        return json.loads(await self.ws.receive_str(timeout=timeout_s))

    async def ask(self, question: dict[str, Any]) -> Any:
        """The next frame after a question."""
        await self.ws.send_json(question)
        return await self.next()


@asynccontextmanager
async def stream(
    exchange: LoopbackExchange, http: aiohttp.ClientSession, venue: str, path: str
) -> AsyncIterator[Reader]:
    """A websocket on a path of a venue, once the exchange knows it."""
    before = exchange.sockets(venue).opened
    async with http.ws_connect(exchange.endpoints(venue)["ws"] + path, autoping=False) as ws:

        async def known() -> bool:
            return exchange.sockets(venue).opened > before

        await eventually(known, "the connection")
        yield Reader(ws)
