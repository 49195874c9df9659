"""ccxt behind a snapshot source: it signs, throttles and sends; we judge the answer and decode it, typed.

ccxt's own errors carry whole URLs, signatures included. None of them leaves this file: what is raised here
names the venue, the endpoint and the venue's error code.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from adapters.gate import VenueGate
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Credentials
from monitor.names import Metrics

T = TypeVar("T")
Judge = Callable[[int, Mapping[str, str], str], Exception | None]
TIMEOUT_MS = 8_000
MILLISECOND_NS = 1_000_000
RATE_LIMITED_STATUS = {418, 429}
PAUSES_S = {429: 30.0, 418: 120.0}  # where the venue names no time
MARGIN_S = 0.5  # whole seconds may be cut ones
LONGEST_WORDS = 120

# At level DEBUG ccxt logs headers and signed addresses.
_QUIET = logging.getLogger("margind.ccxt")
_QUIET.setLevel(logging.CRITICAL)


class ClockSkew(VenueUnavailable):
    """The venue refuses our timestamp."""


class CcxtRest:
    """One account's REST calls through the raw endpoints of one ccxt exchange class.

    `judge(status, headers, body)` turns an answer of the venue into one of our exceptions; 429, 418 and 5xx
    are judged here. A RateLimited, whoever found it, closes the gate for all accounts of the venue.
    `address(name, url)` says where each of ccxt's base URLs really points.
    """

    def __init__(
        self,
        exchange: str,
        venue: str,
        credentials: Credentials | None,
        address: Callable[[str, str], str],
        judge: Judge,
        clock: Clock,
        metrics: Metrics,
        gate: VenueGate,
    ) -> None:
        self._class = exchange
        self._venue = venue
        self._credentials = credentials
        self._address = address
        self._judge = judge
        self._clock = clock
        self._metrics = metrics
        self._gate = gate
        self._offset_ms = 0
        self._exchange: Any = None
        self._making = asyncio.Lock()

    async def call(self, endpoint: str, shape: type[T], parameters: Mapping[str, Any] | None = None) -> T:
        """Calls a raw endpoint by ccxt's name for it, and answers the body as `shape`."""
        exchange = await self._made()
        self._check_gate()
        failure: Exception
        try:
            body = await getattr(exchange, endpoint)(dict(parameters or {}))
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            words = (
                f"{type(error).__name__} {error}"
                if isinstance(error, msgspec.ValidationError)
                else "not JSON"
            )
            failure = VenueUnavailable(
                f"{self._venue} {endpoint}: answer not understood: {words[:LONGEST_WORDS]}"
            )
        except (VenueUnavailable, KeyRefused, UnsupportedMode) as judged:
            failure = judged.with_traceback(None)  # its frames hold the request
        except _ccxt_error() as error:
            failure = VenueUnavailable(f"{self._venue} {endpoint}: {type(error).__name__}")
        raise failure  # outside of `except`: the cause would carry the signed address along

    def set_server_time(self, server_ms: int, asked_ns: int, answered_ns: int) -> None:
        """Measures the venue's clock against ours from one answer of its time endpoint (wall times)."""
        self._offset_ms = server_ms - (asked_ns + answered_ns) // 2 // MILLISECOND_NS
        self._metrics.clock_offset.labels(self._venue).set(self._offset_ms / 1000)

    async def close(self) -> None:
        """Lets go of connections."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def _made(self) -> Any:
        async with self._making:
            if self._exchange is None:
                module = await asyncio.to_thread(importlib.import_module, "ccxt.async_support")
                self._exchange = self._built(module)
            return self._exchange

    def _built(self, module: Any) -> Any:
        options: dict[str, Any] = {"enableRateLimit": True, "timeout": TIMEOUT_MS}
        if self._credentials is not None:
            options["apiKey"] = self._credentials.key.reveal()
            options["secret"] = self._credentials.secret.reveal()
        exchange = getattr(module, self._class)(options)
        exchange.urls["api"] = self._addresses(exchange.urls["api"])
        exchange.logger = _QUIET
        exchange.ssl_context = _trusted(exchange.cafile)
        exchange.nonce = lambda: self._clock.wall_ns() // MILLISECOND_NS + self._offset_ms
        exchange.parse_json = lambda body: body
        exchange.handle_errors = self._check_answer
        exchange.enableLastHttpResponse = exchange.enableLastJsonResponse = False
        throttle = exchange.throttle

        async def throttled(cost: Any = None) -> None:
            await throttle(cost)
            self._check_gate()  # a ban may have come while this call waited for its turn

        exchange.throttle = throttled
        return exchange

    def _addresses(self, urls: Any, name: str = "") -> Any:
        if isinstance(urls, dict):
            return {key: self._addresses(url, f"{name}.{key}" if name else key) for key, url in urls.items()}
        return self._address(name, urls) if isinstance(urls, str) else urls

    def _check_gate(self) -> None:
        remaining_s = self._gate.rest.remaining_s()
        if remaining_s > 0:
            raise RateLimited(f"{self._venue}: no calls for another {remaining_s:.0f} s", remaining_s)

    def _check_answer(
        self, status: int, _: str, __: str, ___: str, headers: Mapping[str, str], body: str, *____: object
    ) -> None:
        if status in RATE_LIMITED_STATUS:
            pause_s = _retry_after_s(headers, PAUSES_S[status])
            judged: Exception | None = RateLimited(
                f"{self._venue} answered {status}: no calls for {pause_s:.0f} s", pause_s
            )
        elif status >= 500:
            judged = VenueUnavailable(f"{self._venue} answered {status}")
        else:
            judged = self._judge(status, headers, body)
        if isinstance(judged, RateLimited):
            self._gate.rest.close(judged.retry_after_s)
            self._metrics.rate_limited.labels(self._venue).inc()
        if judged is not None:
            raise judged
        if status >= 400:
            raise VenueUnavailable(f"{self._venue} answered {status}")


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """All answers, or the first failure as it is (a TaskGroup would wrap it)."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _retry_after_s(headers: Mapping[str, str], otherwise_s: float) -> float:
    for name, text in headers.items():
        if name.lower() == "retry-after" and text.isascii() and text.isdigit():
            return float(text[:9]) + MARGIN_S
    return otherwise_s


@cache
def _trusted(authorities: str) -> ssl.SSLContext:
    """One TLS context for all accounts: making one takes 25 ms."""
    return ssl.create_default_context(cafile=authorities)


def _ccxt_error() -> type[Exception]:
    """ccxt's root exception; the package is loaded by the time that anything can raise it."""
    found: type[Exception] = importlib.import_module("ccxt.base.errors").BaseError
    return found
