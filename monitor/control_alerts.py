"""The part of the control socket that is about alerts:

    GET    /alerts               what is open, what is silenced, and the silences (schema: Listing)
    POST   /alerts/acknowledge   {"pool", "condition" or none, "author"}: somebody has it
    POST   /silences             {"matchers", "author", "reason", "seconds"}
    DELETE /silences/{id}        ends one now
    POST   /canary               a test through every receiver; answers how each took it

What was asked wrongly is answered with 400 and what would be right; what is not there with 404.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from alerts.alert import Condition
from alerts.duty import Duty
from alerts.listing import SilenceAnswer
from alerts.silences import BadSilence
from monitor.domain.identity import PoolId

LONGEST_NAME = 200
Ask = TypeVar("Ask")


class AcknowledgeAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has what of which pool; all that is open of it where no condition is named."""

    pool: str
    author: str
    condition: Condition | None = None


class SilenceAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A silence from now on."""

    matchers: tuple[str, ...]
    author: str
    reason: str
    seconds: float


Note = Callable[[str, str, object], Awaitable[None]]  # kind, by whom, what: into the audit log


async def unwritten(_: str, __: str, ___: object) -> None:
    """Where no audit log is kept."""


class AlertRoutes:
    """The handlers, over the running alerts."""

    def __init__(self, duty: Duty, note: Note = unwritten) -> None:
        self._duty, self._note = duty, note

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Adds every route."""
        router.add_get("/alerts", self._list)
        router.add_post("/alerts/acknowledge", self._acknowledge)
        router.add_post("/silences", self._silence)
        router.add_post("/canary", self._canary)
        router.add_delete("/silences/{id}", self._unsilence)

    async def _list(self, _: web.Request) -> web.Response:
        return answer(self._duty.listing())

    async def _canary(self, _: web.Request) -> web.Response:
        return answer(await self._duty.canary())

    async def _acknowledge(self, request: web.Request) -> web.Response:
        ask = await read_ask(request, AcknowledgeAsk)
        author = ask.author.strip()
        if not author or len(author) > LONGEST_NAME:
            raise web.HTTPBadRequest(text=f"author: who has it, in at most {LONGEST_NAME} characters")
        acks = await self._duty.acknowledge(PoolId(ask.pool), ask.condition, author)
        if not acks:
            raise web.HTTPNotFound(text=f"nothing is open of {ask.pool[:LONGEST_NAME]}")
        await self._note("ack", author, {"acks": acks})
        return answer(acks)

    async def _silence(self, request: web.Request) -> web.Response:
        ask = await read_ask(request, SilenceAsk)
        try:
            begun = await self._duty.silence(ask.matchers, ask.author, ask.reason, ask.seconds)
        except BadSilence as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        await self._note("silence", begun.author, {"silence": begun})
        return answer(SilenceAnswer(begun, self._duty.hides_critical))

    async def _unsilence(self, request: web.Request) -> web.Response:
        ended = await self._duty.unsilence(request.match_info["id"])
        if ended is None:
            raise web.HTTPNotFound(text="no silence of that id lasts")
        await self._note("unsilence", "?", {"silence": ended})
        return answer(ended)


def answer(content: object) -> web.Response:
    """As JSON."""
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")


async def read_ask(request: web.Request, kind: type[Ask]) -> Ask:
    """What was asked, or 400 and what is wrong with it."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=str(error)) from None
