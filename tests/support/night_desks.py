"""The receivers of a night, on this machine: each remembers when it was told of which pool."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from monitor.config import Receiver
from tests.support.receivers import HttpServer, MailDesk, WebhookDesk, mail_desk
from tests.support.service_desks import AlertmanagerDesk, PagerDutyDesk
from tests.support.slack_server import SlackWorkspace

POOL = re.compile(r"[a-z_]+/[a-z0-9]+/[A-Za-z0-9-]+")
BURST = 5  # messages that Slack lets ahead of its one a second


class Heard:
    """When each pool was named here for the first time since `begin`, and each message's id."""

    def __init__(self) -> None:
        self.first_s: dict[str, float] = {}
        self.ids: Counter[str] = Counter()
        self.count = 0

    def begin(self) -> None:
        """From now on."""
        self.first_s.clear()
        self.count = 0

    def take(self, text: str, id_: str) -> None:
        """A message that was taken."""
        self.count += 1
        self.ids[id_] += 1
        for pool in POOL.findall(text):
            self.first_s.setdefault(pool, time.monotonic())


class SlowSlack(SlackWorkspace):
    """One message a second to a channel, some ahead; more is answered with 429 and a second's patience."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = Heard()
        self.refusals = 0
        self._allowed, self._asked_s = float(BURST), time.monotonic()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Counted first."""
        if not request.path.endswith("/chat.postMessage"):
            return await super().handle(request)
        now_s = time.monotonic()
        self._allowed = min(BURST, self._allowed + now_s - self._asked_s)
        self._asked_s = now_s
        if self._allowed < 1:
            self.refusals += 1
            error = {"ok": False, "error": "ratelimited"}
            return web.json_response(error, status=429, headers={"retry-after": "1"})
        self._allowed -= 1
        payload: dict[str, Any] = await request.json()
        answer = await super().handle(request)
        self.heard.take(payload["text"], payload["metadata"]["event_payload"]["id"])
        return answer


class Mailbox(MailDesk):
    """Remembers each mail by its Message-ID."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heard = Heard()

    def catch_up(self) -> None:
        """Reads what has come; the server tells no one."""
        for mail in self.mails[sum(self.heard.ids.values()) :]:
            body = mail.get_body(("plain",))
            self.heard.take(body.get_content() if body else "", str(mail["Message-ID"]))


class Hook(WebhookDesk):
    """A signed webhook under a name of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.heard = Heard()

    def receiver(self) -> Receiver:
        """As any webhook."""
        return _named(super().receiver(), self.name)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Verified, then remembered."""
        answer = await super().handle(request)
        self.heard.take(self.texts[-1], self.seen[-1])
        return answer


def _named(receiver: Receiver, name: str) -> Receiver:
    import msgspec

    return msgspec.structs.replace(receiver, name=name)


class Desks:
    """All of them; `async with`."""

    def __init__(self, folder: Path) -> None:
        self.slack, self.mail = SlowSlack(), Mailbox(folder)
        self.hook, self.phone = Hook("hook"), Hook("phone")
        self.pager, self.alertmanager = PagerDutyDesk(), AlertmanagerDesk()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Desks:
        served: Iterable[Any] = (self.slack, self.hook, self.phone, self.pager, self.alertmanager)
        for desk in served:
            server = await self._stack.enter_async_context(HttpServer(desk.handle))
            desk.port = server.port
        await self._stack.enter_async_context(mail_desk(self.mail))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def receivers(self) -> tuple[Receiver, ...]:
        """The config of all."""
        desks = (self.slack, self.mail, self.hook, self.phone, self.pager, self.alertmanager)
        return tuple(desk.receiver() for desk in desks)
