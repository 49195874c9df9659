"""The venue's one reading endpoint, POST /info: a question as JSON, the answer decoded at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from adapters.gate import VenueGate
from adapters.venue import RateLimited, VenueUnavailable
from monitor.names import Metrics

Answer = TypeVar("Answer")
TIMEOUT_S = 8.0
LARGEST_BYTES = 32 * 2**20
RATE_LIMITED = frozenset({418, 429})
PAUSE_S = 60.0  # the budget is one of weight a minute, and the answer names no time
LONGEST_PAUSE_S = 3600.0


class Info:
    """Asks; every call passes the venue's gate first."""

    def __init__(self, url: str, gate: VenueGate, metrics: Metrics) -> None:
        self._url = url
        self._gate = gate
        self._metrics = metrics
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, question: Mapping[str, str], answer: type[Answer]) -> Answer:
        """The answer to one question; raises VenueUnavailable or RateLimited."""
        remaining_s = self._gate.rest.remaining_s()
        if remaining_s > 0:
            raise RateLimited("Hyperliquid asked for a pause", remaining_s)
        body = await self._post(question)
        try:
            return msgspec.json.decode(body, type=answer)
        except (msgspec.DecodeError, UnicodeError) as fault:
            raise VenueUnavailable(f"Hyperliquid {question['type']}: {fault}") from None

    async def close(self) -> None:
        """Lets go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, question: Mapping[str, str]) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        what = f"Hyperliquid {question['type']}"
        try:
            async with self._session.post(self._url, json=dict(question)) as answer:
                if answer.status in RATE_LIMITED:
                    raise self._limited(answer.headers.get("Retry-After"))
                if answer.status != 200:
                    raise VenueUnavailable(f"{what}: HTTP {answer.status}")
                body = await answer.content.read(LARGEST_BYTES + 1)
                while (more := await answer.content.read(LARGEST_BYTES + 1)) and len(body) <= LARGEST_BYTES:
                    body += more
        except (aiohttp.ClientError, TimeoutError, OSError) as failed:
            raise VenueUnavailable(f"{what}: {type(failed).__name__}") from None
        if len(body) > LARGEST_BYTES:
            raise VenueUnavailable(f"{what}: an answer of more than {LARGEST_BYTES} bytes")
        return body

    def _limited(self, retry_after: str | None) -> RateLimited:
        named = retry_after is not None and retry_after.isascii() and retry_after.isdigit()
        pause_s = min(float(retry_after or 0), LONGEST_PAUSE_S) if named else PAUSE_S
        self._gate.rest.close(pause_s)
        self._metrics.rate_limited.labels("hyperliquid").inc()
        return RateLimited("Hyperliquid: too many requests", pause_s)
