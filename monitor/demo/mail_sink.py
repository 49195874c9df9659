"""A mail server on this machine that shows what a desk would find in its mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY
from typing import NamedTuple, Self
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

OURSELVES = "localhost"  # looking up our own name can take longer than the mail


class Mail(NamedTuple):
    """One mail as its readers get it."""

    message_id: str
    subject: str
    to: tuple[str, ...]
    text: str


class MailSink:
    """Serves on a free port of 127.0.0.1 while it is open; takes every mail, in the clear, and tells it."""

    def __init__(self, told: Callable[[Mail], None]) -> None:
        self._told = told
        self._talks: WeakSet[SMTP] = WeakSet()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for talk in list(self._talks):
            if isinstance(talk.transport, asyncio.WriteTransport):  # None once it is over
                talk.transport.abort()
        await self._server.wait_closed()

    def _talk(self) -> SMTP:
        talk = SMTP(self, hostname=OURSELVES, loop=asyncio.get_running_loop())
        self._talks.add(talk)
        return talk

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd when a mail is complete."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=SMTP_POLICY)
        body = message.get_body(("plain",))
        text = "" if body is None else "\n".join(body.get_content().splitlines())
        subject = message["Subject"].strip()  # the header may be folded before its first word
        self._told(Mail(str(message["Message-ID"]), subject, tuple(envelope.rcpt_tos), text))
        return "250 OK"
