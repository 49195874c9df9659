"""What stands before every REST answer: counting, delays, errors, bans, answers that break off."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from adapters.loopback.faults import Faults, VenueFaults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BLACK_HOLE_STEP_S = 0.05


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
        self.requests: Counter[str] = Counter()  # by "METHOD /path"
        self.requests_while_blocked = 0

    def middleware(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        """For web.Application(middlewares=...)."""

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return gate

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        while self._state().black_hole:
            await asyncio.sleep(BLACK_HOLE_STEP_S)
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
        state, now_ms = self._state(), self._now_ms()
        if state.rate_limited and now_ms >= state.blocked_until_ms and self.requests_while_blocked:
            state.rate_limited = state.banned = False
            self.requests_while_blocked = 0
        if state.rate_limited:
            return self._blocked(state, now_ms)
        if state.failing_status is not None:
            return self._refusals.server_error(state.failing_status)
        return None

    def _blocked(self, state: VenueFaults, now_ms: int) -> web.Response:
        self.requests_while_blocked += 1
        if self.requests_while_blocked > 1:
            left_ms = max(1000, state.blocked_until_ms - now_ms)
            state.blocked_until_ms = state.blocked_until_ms if state.banned else now_ms + 2 * left_ms
            state.banned = True
        retry_after_s = max(1.0, (state.blocked_until_ms - now_ms) / 1000)
        return self._refusals.too_many_requests(
            banned=state.banned, retry_after_s=retry_after_s, until_ms=state.blocked_until_ms
        )


async def cut_short(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Promises the whole body, sends half of it, and resets the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()  # type: ignore[attr-defined]  # a TCP transport has it
    return half
