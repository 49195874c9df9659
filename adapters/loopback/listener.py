"""One listening port that can refuse connections for a while and come back as the same port."""

from __future__ import annotations

import socket

from aiohttp import web

HOST = "127.0.0.1"
BACKLOG = 256


class Listener:
    """Serves an application on 127.0.0.1, on a port that the system chooses unless one is given.

    A second socket, bound and never listening, holds the port while we refuse, so that nobody else gets it.
    """

    def __init__(self, application: web.Application, port: int = 0) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        self._holder: socket.socket | None = None
        self._site: web.SockSite | None = None
        self.port = port

    async def start(self) -> None:
        """Takes a port and listens."""
        await self._runner.setup()
        self._holder = _bound(self.port)
        self.port = self._holder.getsockname()[1]
        await self.accept()

    async def accept(self) -> None:
        """Listens, if it does not."""
        if self._site is None:
            self._site = web.SockSite(self._runner, _bound(self.port), backlog=BACKLOG)
            await self._site.start()

    async def refuse(self) -> None:
        """Stops listening; what is connected stays connected."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()

    async def stop(self) -> None:
        """Ends everything and lets the port go."""
        await self._runner.cleanup()
        self._site = None
        if self._holder is not None:
            self._holder.close()


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((HOST, port))
    sock.setblocking(False)
    return sock
