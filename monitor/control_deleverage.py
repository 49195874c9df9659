"""The part of the control socket that is about cutting positions:

    GET    /actions            how it stands (schema: Standing)
    POST   /actions/arm        {"seconds", "author"}
    POST   /actions/disarm     {"author"}
    POST   /actions/kill       {"author", "reason"}
    POST   /actions/release    {"author"}
    POST   /actions/confirm    {"token", "author"}

What is refused is answered with 400 and what would be right. It works with Redis down.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from aiohttp import web

from monitor.control_alerts import LONGEST_NAME, answer, read_ask
from monitor.deleverage.controls import CommandRefused, Controls

Done = TypeVar("Done")


class Author(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who commands."""

    author: str


class ArmAsk(Author, frozen=True, forbid_unknown_fields=True):
    """For how long."""

    seconds: float


class KillAsk(Author, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: str = ""


class ConfirmAsk(Author, frozen=True, forbid_unknown_fields=True):
    """The word of what waits."""

    token: str


class ActionRoutes:
    """The handlers, over the running service."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Adds every route."""
        router.add_get("/actions", self._standing)
        router.add_post("/actions/arm", self._arm)
        router.add_post("/actions/disarm", self._disarm)
        router.add_post("/actions/kill", self._kill)
        router.add_post("/actions/release", self._release)
        router.add_post("/actions/confirm", self._confirm)

    async def _standing(self, _: web.Request) -> web.Response:
        return answer(self._controls.standing())

    async def _arm(self, request: web.Request) -> web.Response:
        ask = await read_ask(request, ArmAsk)
        return answer(await _done(self._controls.arm(ask.seconds, _author(ask))))

    async def _disarm(self, request: web.Request) -> web.Response:
        return answer(await _done(self._controls.disarm(_author(await read_ask(request, Author)))))

    async def _kill(self, request: web.Request) -> web.Response:
        ask = await read_ask(request, KillAsk)
        return answer(await _done(self._controls.kill(_author(ask), ask.reason[:LONGEST_NAME])))

    async def _release(self, request: web.Request) -> web.Response:
        return answer(await _done(self._controls.release(_author(await read_ask(request, Author)))))

    async def _confirm(self, request: web.Request) -> web.Response:
        ask = await read_ask(request, ConfirmAsk)
        return answer(await _done(self._controls.confirm(ask.token, _author(ask))))


async def _done(command: Awaitable[Done]) -> Done:
    try:
        return await command
    except CommandRefused as refused:
        raise web.HTTPBadRequest(text=str(refused)) from None


def _author(ask: Author) -> str:
    author = ask.author.strip()
    if not author or len(author) > LONGEST_NAME:
        raise web.HTTPBadRequest(text=f"author: who says so, in at most {LONGEST_NAME} characters")
    return author
