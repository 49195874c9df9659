"""Signed Bybit calls and the sign-in of its private stream, by hand."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import aiohttp

from adapters.loopback import Account, LoopbackExchange
from tests.support.raw_stream import Reader

VENUE = "bybit"


def sign(account: Account, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(account.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Caller:
    """Signed GETs for one account."""

    def __init__(self, exchange: LoopbackExchange, http: aiohttp.ClientSession, account: Account) -> None:
        self.exchange = exchange
        self.account = account
        self._http = http

    async def get(self, path: str, shift_ms: int = 0, **parameters: Any) -> dict[str, Any]:
        """The whole answer."""
        query, stamp = urlencode(parameters), str(self.exchange.world.now_ms() + shift_ms)
        headers = {
            "X-BAPI-API-KEY": self.account.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": sign(self.account, f"{stamp}{self.account.key}5000{query}"),
        }
        url = f"{self.exchange.endpoints(VENUE)['rest']}{path}?{query}"
        async with self._http.get(url, headers=headers) as response:
            return dict(await response.json())

    async def positions(self, **parameters: Any) -> list[dict[str, Any]]:
        """Open positions settled in USDT, one page."""
        answer = await self.get("/v5/position/list", category="linear", settleCoin="USDT", **parameters)
        return list(answer["result"]["list"])


async def sign_in(reader: Reader, account: Account, expires_ms: int) -> Any:
    """The answer to `auth`."""
    signature = sign(account, f"GET/realtime{expires_ms}")
    return await reader.ask({"op": "auth", "args": [account.key, expires_ms, signature]})


async def private(reader: Reader, caller: Caller) -> None:
    """Signs in and subscribes wallet and positions."""
    assert (await sign_in(reader, caller.account, caller.exchange.world.now_ms() + 60_000))["success"]
    assert (await reader.ask({"op": "subscribe", "args": ["wallet", "position"]}))["success"]
