"""Hyperliquid on the loopback exchange: /info and /ws over one world."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from adapters.loopback.faults import Faults
from adapters.loopback.gate import Refusals
from adapters.loopback.holdings import Change
from adapters.loopback.hyperliquid.catalog import VENUE
from adapters.loopback.hyperliquid.info import Oracle, Question, Unanswerable
from adapters.loopback.hyperliquid.streams import StreamFace
from adapters.loopback.sockets import Hub
from adapters.loopback.world import World


class HyperliquidRefusals:
    """The venue's words for refusals that concern everybody."""

    def too_many_requests(self, *, banned: bool, retry_after_s: float, until_ms: int) -> web.Response:
        """429 and no word of when: the budget is one of weight a minute."""
        return web.Response(status=429, text="null")

    def server_error(self, status: int) -> web.Response:
        """A broken backend."""
        return web.Response(status=status, text="null")


class HyperliquidFace:
    """The face that `server` serves."""

    venue = VENUE
    cadence_s = 1.0
    ping_every_s = 3600.0  # the venue never pings: it answers ours

    def __init__(self, world: World, faults: Faults, hub: Hub) -> None:
        self._oracle = Oracle(world, faults)
        self._streams = StreamFace(hub, world, faults, self._oracle)
        self.refusals: Refusals = HyperliquidRefusals()

    def add_routes(self, application: web.Application) -> None:
        """POST /info and the websocket."""
        application.router.add_post("/info", self._info)
        self._streams.add_routes(application)

    def endpoints(self, port: int) -> dict[str, str]:
        """What stands for api.hyperliquid.xyz, REST and websocket."""
        return {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}"}

    def publish(self, symbols: Sequence[str] | None = None) -> None:
        """Sends contexts and states of now."""
        self._streams.publish(symbols)

    def on_change(self, change: Change) -> None:
        """Pushes the account's whole state, at once: this venue has no deltas."""
        self._streams.tell(change.account.id, change.account.address)

    def expire_stream_key(self, account: str) -> None:
        """The venue has none."""

    async def _info(self, request: web.Request) -> web.Response:
        try:
            question = msgspec.json.decode(await request.read(), type=Question)
            body = msgspec.json.encode(self._oracle.answer(question))
        except (msgspec.DecodeError, Unanswerable):
            return web.Response(status=422, text="Failed to deserialize the JSON body into the target type")
        return web.Response(body=body, content_type="application/json")
