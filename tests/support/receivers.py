"""Receivers on this machine, one of each kind, that answer as they are told, for the tests of channels.

What they say in an error holds the channel's own secret, so that a test sees whether a reason repeats it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import trustme
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from standardwebhooks.webhooks import Webhook

from alerts.notify.notifier import Notifier
from alerts.notify.table import notifier_for
from monitor.config import Receiver, Secret

CANARY = "canary"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"canary-signing-secret-32-bytes!!").decode()
SLACK_TOKEN = "xoxb-canary-token"
PASSWORD = "canary-password"
USER, SENDER, TO = "margind", "margind@desk.example", ("alice@desk.example", "bob@desk.example")
CHANNEL = "C0123456789"
DELAY_S = 7.0


class Answer(Enum):
    """What a receiver does with the next attempt."""

    ACCEPT = "accept"
    BUSY = "busy"  # for now, with its own delay where the protocol has one
    BROKEN = "broken"
    REFUSE = "refuse"
    HANG = "hang"


class Desk(Protocol):
    """A receiver that is running."""

    answers: list[Answer]  # for the next attempts; then it accepts
    seen: list[str]  # the id of each attempt that it could read
    texts: list[str]  # what a person sees of each message that it took

    def receiver(self) -> Receiver:
        """The config of the channel that leads here."""


class Scripted:
    """What all of them remember."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.seen: list[str] = []
        self.texts: list[str] = []
        self.released = asyncio.Event()  # ends every HANG

    def next_answer(self) -> Answer:
        """What to do with this attempt."""
        return self.answers.pop(0) if self.answers else Answer.ACCEPT


class HttpServer:
    """One handler for every path, on a free port of 127.0.0.1."""

    def __init__(self, handler: Any, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", "/{path:.*}", handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.port = 0

    async def __aenter__(self) -> HttpServer:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


class HttpDesk(Desk, Protocol):
    """One that speaks HTTP."""

    port: int
    released: asyncio.Event

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request."""


class WebhookDesk(Scripted):
    """Takes what Standard Webhooks' own library finds to be signed."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.requests: list[dict[str, str]] = []  # headers of each attempt
        self.bodies: list[bytes] = []

    def receiver(self) -> Receiver:
        """Signed, over plain HTTP to this machine; the query is a secret too."""
        url = f"http://127.0.0.1:{self.port}/hook?key={CANARY}"
        secret = Secret(SIGNING_SECRET, "the test")
        return Receiver("hook", "webhook", url=url, secret=secret, allow_private_destinations=True)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Verified first, then answered as told."""
        body = await request.read()
        content = Webhook(SIGNING_SECRET).verify(body, dict(request.headers))
        assert content["id"] == request.headers["webhook-id"]
        self.requests.append(dict(request.headers))
        self.bodies.append(body)
        self.seen.append(request.headers["webhook-id"])
        answer = self.next_answer()
        if answer is Answer.ACCEPT:
            self.texts.append("\n".join((content["headline"], *content["lines"])))
            return web.Response(status=204)
        if answer is Answer.HANG:
            await self.released.wait()
        status = {Answer.BUSY: 429, Answer.BROKEN: 500}.get(answer, 404)
        headers = {"retry-after": f"{DELAY_S:g}"} if answer is Answer.BUSY else {}
        return web.Response(status=status, text=f"{CANARY} {request.url}", headers=headers)


class SlackDesk(Scripted):
    """Answers chat.postMessage as the Web API does."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.payloads: list[dict[str, Any]] = []

    def receiver(self) -> Receiver:
        """A bot token and another API base."""
        url = f"http://127.0.0.1:{self.port}/api/"
        token = Secret(SLACK_TOKEN, "the test")
        return Receiver(
            "chat", "slack", url=url, secret=token, channel=CHANNEL, allow_private_destinations=True
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Checked as Slack would, then answered as told; edits are taken and not counted."""
        if request.path == "/api/chat.update":
            return web.json_response({"ok": True})
        assert request.path == "/api/chat.postMessage"
        assert request.headers["authorization"] == f"Bearer {SLACK_TOKEN}"
        payload = await request.json()
        assert payload["channel"] == CHANNEL
        self.payloads.append(payload)
        self.seen.append(payload["metadata"]["event_payload"]["id"])
        answer = self.next_answer()
        if answer is Answer.ACCEPT:
            self.texts.append(payload["text"])
            return web.json_response({"ok": True, "channel": CHANNEL, "ts": "1503435956.000247"})
        if answer is Answer.HANG:
            await self.released.wait()
        if answer is Answer.BUSY:
            error = {"ok": False, "error": "ratelimited"}
            return web.json_response(error, status=429, headers={"retry-after": f"{DELAY_S:g}"})
        error = {"ok": False, "error": "internal_error" if answer is Answer.BROKEN else "channel_not_found"}
        return web.json_response({**error, "detail": SLACK_TOKEN})


class MailDesk(Scripted):
    """A submission server: STARTTLS, then a login, then mail."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.refused_recipients: dict[str, str] = {}
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))

    def receiver(self, **changes: Any) -> Receiver:
        """With a login, and our own authority as the only one."""
        usual: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "secret": Secret(PASSWORD, "the test"),
            "sender": SENDER,
            "to": TO,
            "ca_file": str(self.ca_file),
        }
        return Receiver("mail", "email", **{**usual, **changes})

    def protocol(self, **changes: Any) -> SMTP:
        """One connection of aiosmtpd's."""
        usual: dict[str, Any] = {
            "hostname": "localhost",
            "ident": "desk",
            "tls_context": self._tls(),
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _authenticate,
            "loop": asyncio.get_running_loop(),
        }
        return SMTP(self, **{**usual, **changes})

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes every recipient but those that a test refuses."""
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Read first, then answered as told: a greylist may come as late as this."""
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content, policy=SMTP_POLICY)
        assert isinstance(parsed, EmailMessage)
        self.seen.append(str(parsed["Message-ID"]).strip("<>").partition("@")[0])
        answer = self.next_answer()
        if answer is Answer.HANG:
            await self.released.wait()
        if answer is not Answer.ACCEPT:
            code = {Answer.BUSY: 451, Answer.BROKEN: 421}.get(answer, 550)
            return f"{code} {PASSWORD}"
        self.mails.append(parsed)
        self.raw.append(content)
        self.recipients.append(envelope.rcpt_tos)
        self.texts.append(plain_of(parsed))
        return "250 OK"


def plain_of(mail: EmailMessage) -> str:
    """What a mail program without HTML shows."""
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def _authenticate(server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A port where each connection is answered byte by byte; all of them are closed before it ends."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.get_running_loop().create_task(talk(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        async with asyncio.timeout(20):
            await asyncio.gather(*talks, return_exceptions=True)


@contextlib.asynccontextmanager
async def http_desk(desk: HttpDesk) -> AsyncIterator[None]:
    """The desk on a port of its own."""
    async with HttpServer(desk.handle) as server:
        desk.port = server.port
        yield
        desk.released.set()


@contextlib.asynccontextmanager
async def mail_desk(desk: MailDesk, **changes: Any) -> AsyncIterator[None]:
    """The desk on a port of its own; `changes` are of its protocol."""
    made: list[SMTP] = []

    def connection() -> SMTP:
        made.append(desk.protocol(**changes))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    desk.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        desk.released.set()
        server.close()
        talking = [one._handler_coroutine for one in made if one._handler_coroutine is not None]
        for one in made:
            # Python 3.11.2 can't abort a TLS transport that is closed already.
            if isinstance(one.transport, asyncio.WriteTransport) and not one.transport.is_closing():
                one.transport.abort()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


@contextlib.asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[tuple[Desk, Notifier]]:
    """A running receiver of a kind, and the channel that leads to it."""
    from tests.support.chat_desks import SERVICES

    desk: Desk
    if kind == "email":
        desk = mail = MailDesk(folder)
        running = mail_desk(mail)
    else:
        http: dict[str, Any] = {"webhook": WebhookDesk, "slack": SlackDesk, **SERVICES}
        desk = spoken = http[kind]()
        running = http_desk(spoken)
    async with running:
        notifier = notifier_for(desk.receiver())
        try:
            yield desk, notifier
        finally:
            await notifier.close()
