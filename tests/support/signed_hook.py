"""A webhook receiver that believes only what is signed, answers by a script, and remembers what came when."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.support.receivers import SIGNING_SECRET, HttpServer


class Told(NamedTuple):
    """One delivered message, in short."""

    id: str
    at_s: float  # monotonic, when it was read
    pools: frozenset[str]
    condition: str
    incident: int
    level: str
    kind: str

    @property
    def words(self) -> str:
        """`margin raised critical`."""
        return f"{self.condition} {self.kind} {self.level}"

    @property
    def says(self) -> tuple[object, ...]:
        """What makes two messages the same one, whatever their ids."""
        return (self.pools, self.condition, self.incident, self.level, self.kind)


class SignedHook:
    """`answers` are the statuses of the next attempts; then it takes everything with 204."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int] = []
        self.retry_after_s = 0.2
        self.told: list[Told] = []
        self._news = asyncio.Condition()

    @property
    def delivered(self) -> Counter[str]:
        """How often each id was taken."""
        return Counter(told.id for told in self.told)

    def words(self) -> list[str]:
        """All that was taken, in short and in order."""
        return [told.words for told in self.told]

    def of(self, words: str | tuple[str, ...], pool: str = "") -> list[Told]:
        """What was taken of one kind, or of some, and of one pool if it is named."""
        wanted = (words,) if isinstance(words, str) else words
        return [t for t in self.told if t.words in wanted and (not pool or pool in t.pools)]

    async def until(self, is_so: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        """Waits for an attempt that makes something true."""
        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: bool(is_so()))
        except TimeoutError:
            raise AssertionError(f"waited {timeout_s} s for {what}; told so far: {self.words()}") from None

    async def heard(self, words: str | tuple[str, ...], pool: str, timeout_s: float = 30.0) -> Told:
        """The newest message of a kind about a pool, once there is one."""
        await self.until(lambda: self.of(words, pool), f"{words!r} of {pool}", timeout_s)
        return self.of(words, pool)[-1]

    async def handle(self, request: web.Request) -> web.Response:
        """Verified first; a wrong signature fails the test that caused it."""
        at_s = time.monotonic()
        body = await request.read()
        content = Webhook(SIGNING_SECRET).verify(body, dict(request.headers))
        async with self._news:
            self._news.notify_all()
            if self.answers:
                pause = {"retry-after": f"{self.retry_after_s:g}"}
                return web.Response(status=self.answers.pop(0), headers=pause)
            pools = frozenset((content["pool"]["id"], *content["others"]))
            facts = (content[name] for name in ("condition", "incident", "level", "kind"))
            self.told.append(Told(request.headers["webhook-id"], at_s, pools, *facts))
        return web.Response(status=204)


@asynccontextmanager
async def signed_hook() -> AsyncIterator[SignedHook]:
    """A receiver on a port of its own."""
    hook = SignedHook()
    async with HttpServer(hook.handle) as server:
        hook.url = f"http://127.0.0.1:{server.port}/"
        yield hook
