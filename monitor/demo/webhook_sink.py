"""A receiver of webhooks on this machine that checks every signature, as a customer's would."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Self

import msgspec
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.config import Secret

Told = Callable[[str, dict[str, Any]], None]  # webhook-id, body


class WebhookSink:
    """Serves on a free port of 127.0.0.1 while it is open; tells each message whose signature holds."""

    def __init__(self, secret: Secret, told: Told) -> None:
        self._webhook = Webhook(secret.reveal())
        self._told = told
        application = web.Application()
        application.router.add_post("/", self._receive)
        self._runner = web.AppRunner(application, access_log=None)
        self._port = 0

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._webhook.verify(body, dict(request.headers))
        except WebhookVerificationError:
            return web.Response(status=401)
        self._told(request.headers["webhook-id"], msgspec.json.decode(body))
        return web.Response(status=204)
