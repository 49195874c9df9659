"""What stands before every REST answer: counting, delays, errors, bans, answers that break off."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from adapters.loopback.faults import Faults, VenueFaults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusals(Protocol):
    """How a venue words its refusals."""

    def too_many_requests(self, *, banned: bool, retry_after_s: float, until_ms: int) -> web.Response:
        """The answer to a call while rate limited, or banned."""

    def server_error(self, status: int) -> web.Response:
        """The answer while something is broken there."""


class Gate:
    """The middleware of one venue, and its counters."""

    def __init__(self, venue: str, faults: Faults, refusals: Refusals, now_ms: Callable[[], int]) -> None:
        self._venue = venue
        self._faults = faults
        self._refusals = refusals
        self._now_ms = now_ms
        self.open = asyncio.Event()  # cleared while the venue is a black hole
        self.open.set()
        self.requests: Counter[str] = Counter()  # by "METHOD /path"
        self.requests_while_blocked = 0  # after a refusal, before its Retry-After was over

    def middleware(self) -> Middleware:
        """For web.Application(middlewares=...)."""

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return gate

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self.open.wait()
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)
        self.requests[f"{request.method} {request.path}"] += 1
        if self._state().delay_s:
            await asyncio.sleep(self._state().delay_s)
        refused = self._refusal()
        if refused is not None:
            return refused
        response = await handler(request)
        if self._state().cut_answers and isinstance(response, web.Response):
            self._state().cut_answers -= 1
            return await cut_short(request, response)
        return response

    def _state(self) -> VenueFaults:
        return self._faults.of(self._venue)

    def _refusal(self) -> web.Response | None:
        state = self._state()
        if state.blocked_until_ms is not None and self._now_ms() >= state.blocked_until_ms:
            state.retry_after_s = state.blocked_until_ms = None
            state.banned = False
        if state.retry_after_s is not None:
            return self._blocked(state, state.retry_after_s)
        if state.failing_status is not None:
            return self._refusals.server_error(state.failing_status)
        return None

    def _blocked(self, state: VenueFaults, retry_after_s: float) -> web.Response:
        if state.blocked_until_ms is None:
            state.blocked_until_ms = self._now_ms() + round(retry_after_s * 1000)
        else:
            self.requests_while_blocked += 1
            if not state.banned:
                state.banned = True
                state.blocked_until_ms = self._now_ms() + round(2 * retry_after_s * 1000)
        left_s = max(1.0, (state.blocked_until_ms - self._now_ms()) / 1000)
        return self._refusals.too_many_requests(
            banned=state.banned, retry_after_s=left_s, until_ms=state.blocked_until_ms
        )


async def cut_short(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Promises the whole body, sends half of it, and resets the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return half


async def reset(request: web.Request) -> web.StreamResponse:
    """No answer: the connection is torn down."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
