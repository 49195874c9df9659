"""A venue's REST side for tests: answers by path (or question) that a test writes, on a loopback socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from adapters.gate import LOOPBACK_LIMIT, VenueGate
from monitor.clock import ManualClock, SystemClock
from monitor.config import Account, Credentials, Secret
from monitor.names import Metrics

Asked = dict[str, Any]
Reply = Any  # JSON, a web.Response, or a function of what was asked that returns one of them
KEY, SECRET_TEXT = "key-for-tests-00000001", "secret-for-tests-CANARY"


class VenueServer:
    """`replies` by path (Bybit) or question type (Hyperliquid); `asked` is what came, in order."""

    def __init__(self, route: Callable[[web.Request, Asked], str]) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[tuple[str, Asked]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._route = route

    def count(self, name: str) -> int:
        """How often something was asked."""
        return sum(1 for asked, _ in self.asked if asked == name)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Finds the reply to a request."""
        asked: Asked = await request.json() if request.method == "POST" else dict(request.query)
        name = self._route(request, asked)
        self.asked.append((name, asked))
        self.headers.append(dict(request.headers))
        reply = self.replies.get(name, web.Response(status=404, text="not here"))
        if callable(reply):
            reply = reply(asked)
        return reply if isinstance(reply, web.StreamResponse) else web.json_response(reply)


@asynccontextmanager
async def serving(server: VenueServer) -> AsyncIterator[VenueServer]:
    """Runs the server on a port of its own."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        server.url = f"http://127.0.0.1:{port}"
        yield server
    finally:
        await runner.cleanup()


def account_at(venue: str, url: str, address: str | None = None) -> Account:
    """An account whose venue is the server."""
    key = None if address else Credentials(Secret(KEY, "test"), Secret(SECRET_TEXT, "test"))
    return Account(
        name="desk",
        venue=venue,
        desk="desk",
        environment="loopback",
        credentials=key,
        address=address,
        endpoints={"rest": url, "ws": url.replace("http", "ws")},
    )


class Given:
    """What the daemon gives a source: a clock that may be moved, metrics, the venue's gate."""

    def __init__(self, manual: bool = False) -> None:
        self.clock = ManualClock() if manual else SystemClock()
        self.metrics = Metrics()
        self.gate = VenueGate(LOOPBACK_LIMIT, self.clock)
