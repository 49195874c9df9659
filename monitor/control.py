"""The control socket: what a running daemon answers to the commands of its own machine.

HTTP over a unix socket in the data directory, mode 0600, so that `curl --unix-socket` can ask as well:

    GET /pools/{venue}/{account}/{pool}/explain    why the number is what it is (schema: Explanation)
    GET /pools/{venue}/{account}/{pool}/book       the pool and all that it reads, as a book file
    GET /pools                                     the names of all pools

Alerts, acknowledgements and silences: see control_alerts; cutting positions: control_deleverage.

It answers from the book on the loop, between two turns: what is told belongs together.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from alerts.duty import Duty
from monitor.book.live_book import LiveBook
from monitor.bookfile.export import exported
from monitor.clock import Clock
from monitor.control_alerts import AlertRoutes, Note, answer, unwritten
from monitor.control_client import NAME
from monitor.control_deleverage import ActionRoutes
from monitor.deleverage.controls import Controls
from monitor.domain.identity import PoolId
from monitor.explain.explanation import explain

POOL = "/pools/{venue}/{account}/{pool}"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LIVE = "the account's stream and snapshots"


class ControlSocket:
    """Serves while the daemon runs."""

    def __init__(
        self,
        data_dir: Path,
        book: LiveBook,
        clock: Clock,
        duty: Duty,
        controls: Controls | None = None,
        note: Note = unwritten,
    ) -> None:
        self._path = data_dir / NAME
        self._book = book
        self._clock = clock
        application = web.Application()
        application.router.add_get("/pools", self._pools)
        application.router.add_get(f"{POOL}/explain", self._answer(self._explain))
        application.router.add_get(f"{POOL}/book", self._answer(self._export))
        AlertRoutes(duty, note).add_to(application.router)
        if controls is not None:
            ActionRoutes(controls).add_to(application.router)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> None:
        """Listens; what another run left behind is replaced, for the data directory is ours alone."""
        self._path.unlink(missing_ok=True)
        await self._runner.setup()
        mask = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, str(self._path)).start()
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Closes and removes the socket."""
        await self._runner.cleanup()
        self._path.unlink(missing_ok=True)

    async def _pools(self, _: web.Request) -> web.Response:
        return answer(sorted(self._book.placing.pools))

    def _answer(self, ask: Callable[[PoolId], object]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            parts = request.match_info
            pool = PoolId(f"{parts['venue']}/{parts['account']}/{parts['pool']}")
            found = ask(pool)
            return web.Response(status=404) if found is None else answer(found)

        return handle

    def _explain(self, pool: PoolId) -> object:
        return explain(self._book, pool, self._clock.monotonic_ns(), self._clock.wall_ns(), LIVE)

    def _export(self, pool: PoolId) -> object:
        return exported(self._book, pool, self._clock.wall_ns())
