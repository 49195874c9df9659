"""Binance USD-M on the loopback exchange: REST, websockets and publication over one world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from adapters.loopback.binance_usdm.auth import BinanceRefusals
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.events import MarginCalls, events_of, listen_key_expired
from adapters.loopback.binance_usdm.listen_keys import ListenKeys
from adapters.loopback.binance_usdm.publication import Publication
from adapters.loopback.binance_usdm.rest import RestFace
from adapters.loopback.binance_usdm.streams import StreamFace
from adapters.loopback.faults import Faults
from adapters.loopback.gate import Refusals
from adapters.loopback.holdings import Change
from adapters.loopback.sockets import Hub
from adapters.loopback.world import World


class BinanceUsdmFace:
    """The face that `server` serves."""

    venue = VENUE
    cadence_s = 1.0
    ping_every_s = 180.0

    def __init__(self, world: World, faults: Faults, hub: Hub) -> None:
        self._world = world
        self._faults = faults
        self._keys = ListenKeys(world.now_ms)
        self._publication = Publication(world, faults)
        self._streams = StreamFace(hub, faults, self._keys, world.now_ms)
        self._rest = RestFace(world, faults, self._keys, self._publication.quote)
        self._margin_calls = MarginCalls(world)
        self.refusals: Refusals = BinanceRefusals()

    def add_routes(self, application: web.Application) -> None:
        """REST and websocket paths."""
        self._rest.add_routes(application)
        self._streams.add_routes(application)

    def endpoints(self, port: int) -> dict[str, str]:
        """What stands for fapi.binance.com, fstream.binance.com and api.binance.com."""
        http = f"http://127.0.0.1:{port}"
        return {"rest": http, "ws": f"ws://127.0.0.1:{port}", "sapi": http}

    def publish(self, symbols: Sequence[str] | None = None) -> None:
        """Sends the market frames of now; a full publication also looks at listen keys and margin calls."""
        self._streams.publish(self._publication.frames(symbols))
        if symbols is not None:
            return
        for account in self._keys.expired():
            self.expire_stream_key(account)
        for account_ in self._world.accounts_of(VENUE):
            for event in self._margin_calls.due(account_):
                self._tell(account_.id, event)

    def on_change(self, change: Change) -> None:
        """Pushes what a change means, at once, and a margin call if it led to one."""
        for event in events_of(self._world, change):
            self._tell(change.account.id, event)
        for event in self._margin_calls.due(change.account):
            self._tell(change.account.id, event)

    def expire_stream_key(self, account: str) -> None:
        """Ends a listen key: one last event, then silence."""
        key = self._keys.drop(account)
        if key is not None:
            self._tell(account, listen_key_expired(key, self._world.now_ms()))
            self._streams.forget(account)

    def _tell(self, account: str, event: dict[str, Any]) -> None:
        state = self._faults.of(VENUE)
        shift_ms = state.clock_ahead_ms - state.event_age_ms
        times: dict[str, Any] = {name: event[name] + shift_ms for name in ("E", "T") if name in event}
        self._streams.tell(account, {**event, **times})
