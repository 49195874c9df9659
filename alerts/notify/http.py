"""One POST to one receiver: to a checked address, of bounded time, with an answer that is hardly read.

No reason holds a part of the URL or of the answer: both may be secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from alerts.notify.answers import ATTEMPT_S, LONGEST_WAIT_S, outcome_of, outcome_of_failure
from alerts.notify.destination import checked_url, open_session
from alerts.notify.notifier import Outcome, Retry

ANSWER_LIMIT = 4096
DRAIN_S = 0.5
JSON = "application/json"

# From status, Retry-After and the beginning of the answer.
Meaning = Callable[[int, str | None, bytes], Outcome]


class Poster:
    """Posts to the URLs of one receiver."""

    def __init__(self, *, allow_private: bool, resolver: AbstractResolver | None = None) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    def checked(self, url: str) -> URL:
        """A URL that may be posted to; ForbiddenDestination."""
        return checked_url(url, allow_private=self._allow_private)

    async def post(
        self, url: URL, body: bytes, headers: Mapping[str, str], meaning: Meaning | None = None
    ) -> Outcome:
        """One attempt of at most five seconds."""
        sent = {"content-type": JSON, "user-agent": "margind", **headers}
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._post(url, body, sent, meaning or by_status)
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: URL, body: bytes, headers: Mapping[str, str], meaning: Meaning) -> Outcome:
        async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as response:
            beginning = await _beginning(response)
            return meaning(response.status, response.headers.get("retry-after"), beginning)

    def _opened(self) -> aiohttp.ClientSession:
        """One session for all attempts, made inside the loop that uses it."""
        if self._session is None:
            self._session = open_session(allow_private=self._allow_private, resolver=self._resolver)
        return self._session


def by_status(status: int, retry_after: str | None, _: bytes) -> Outcome:
    """What the status alone says."""
    return outcome_of(status, retry_after)


def by_status_and_wish(status: int, retry_after: str | None, answer: bytes, *path: str) -> Outcome:
    """The same, with a delay in seconds that the receiver writes into its JSON."""
    outcome = outcome_of(status, retry_after)
    wish = _number_at(answer, path)
    if isinstance(outcome, Retry) and wish is not None:
        return Retry(outcome.reason, min(max(wish, outcome.after_s or 0.0), LONGEST_WAIT_S))
    return outcome


def _number_at(answer: bytes, path: tuple[str, ...]) -> float | None:
    try:
        found: Any = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and 0 <= found <= LONGEST_WAIT_S * 1000 else None


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """A short answer to its end, so that the connection serves again; a long one loses it."""
    read = bytearray()
    try:
        async with asyncio.timeout(DRAIN_S):
            while len(read) < ANSWER_LIMIT and (
                chunk := await response.content.read(ANSWER_LIMIT - len(read))
            ):
                read += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()
    return bytes(read)
