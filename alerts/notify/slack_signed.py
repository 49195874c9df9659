"""A port on this machine for Slack's signed requests, behind the desk's own proxy.

Signature over the raw bytes, five minutes, each signature once ("Verifying requests from Slack",
docs.slack.dev, 2026-11). What was signed before this start is refused, so that a restart forgets no replay.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from alerts.notify.slack_pressed import read_json
from monitor.clock import Clock
from monitor.config import Secret
from monitor.config_slack import address_of

PATH = "/slack/actions"
LARGEST = 64 * 1024
REMEMBERED = 10_000  # signatures; in five minutes a desk presses fewer
LEEWAY_S = 1  # Slack's clock and ours, at the start


class _Wall(SlackClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.wall_ns() / 1e9


class SignedDoor:
    """`opened` while it listens; `offer` answers whether there was room."""

    def __init__(self, secret: Secret, listen: str, clock: Clock, offer: Callable[[object], bool]) -> None:
        self._verifier = SignatureVerifier(secret.reveal(), _Wall(clock))
        self._host, self._port = address_of(listen)
        self._offer = offer
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._since_s = clock.wall_ns() // 10**9 - LEEWAY_S
        self.on_refusal: Callable[[], None] = lambda: None
        self.port = 0

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Serves meanwhile; a server that is there stays there, so what is handed out checks nothing."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(PATH, self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            self.port = runner.addresses[0][1]
            yield _fine
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_slacks(body, request.headers.getall("x-slack-request-timestamp", []), request):
            self.on_refusal()
            return web.Response(status=401)
        payload = payload_of(body)
        if payload is None:
            return web.Response(status=400)
        return web.Response(status=200 if self._offer(payload) else 503)

    def _is_slacks(self, body: bytes, stamps: list[str], request: web.Request) -> bool:
        signatures = request.headers.getall("x-slack-signature", [])
        if len(stamps) != 1 or len(signatures) != 1 or not _is_stamp(stamps[0]):
            return False
        stamp, signature = stamps[0], signatures[0]
        if int(stamp) < self._since_s or not signature.isascii() or not _is_text(body):
            return False
        if not self._verifier.is_valid(body, stamp, signature) or signature in self._seen:
            return False
        self._seen[signature] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True


async def _fine() -> None:
    """Nothing to check."""


def _is_stamp(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def payload_of(body: bytes) -> object:
    """What the form field holds as JSON; None where it is none."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=4)
    except ValueError:
        return None
    held = fields.get("payload", [])
    return read_json(held[0]) if len(held) == 1 else None
