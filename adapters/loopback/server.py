"""The loopback exchange: runs the faces of the venues that a world lists, and obeys the faults.

    async with LoopbackExchange(world, faults) as exchange:
        urls = exchange.endpoints("binance_usdm")

Only 127.0.0.1, ports chosen by the system. Every socket is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from aiohttp import web

from adapters.loopback.binance_usdm.catalog import list_all as list_binance_usdm
from adapters.loopback.binance_usdm.face import BinanceUsdmFace
from adapters.loopback.bybit.catalog import list_all as list_bybit
from adapters.loopback.bybit.face import BybitFace
from adapters.loopback.faults import (
    Act,
    CloseSockets,
    ExpireListenKey,
    Faults,
    HalfOpen,
    Reset,
    SendRaw,
    Switched,
    VenueFaults,
)
from adapters.loopback.gate import Gate, Refusals
from adapters.loopback.holdings import Change
from adapters.loopback.hyperliquid.catalog import list_all as list_hyperliquid
from adapters.loopback.hyperliquid.face import HyperliquidFace
from adapters.loopback.listener import Listener
from adapters.loopback.sockets import Hub
from adapters.loopback.world import World
from monitor.clock import Clock

HEARTBEAT_S = 1.0  # of a venue that sends heartbeats only


class Face(Protocol):
    """One venue in its own wire format."""

    venue: str
    cadence_s: float
    ping_every_s: float
    refusals: Refusals

    def add_routes(self, application: web.Application) -> None:
        """REST and websocket paths."""

    def endpoints(self, port: int) -> dict[str, str]:
        """Base URLs by name, as `Account.endpoints` takes them."""

    def publish(self, symbols: Sequence[str] | None = None) -> None:
        """Sends the market frames of now, of some symbols or of all."""

    def on_change(self, change: Change) -> None:
        """Pushes what a change of an account means."""

    def expire_stream_key(self, account: str) -> None:
        """Ends the key of an account's stream, where the venue has one."""


MakeFace = Callable[[World, Faults, Hub], Face]

FACES: dict[str, MakeFace] = {
    "binance_usdm": BinanceUsdmFace,
    "bybit": BybitFace,
    "hyperliquid": HyperliquidFace,
}
CATALOGS: dict[str, Callable[[World], None]] = {
    "binance_usdm": list_binance_usdm,
    "bybit": list_bybit,
    "hyperliquid": list_hyperliquid,
}


def standard_world(*venues: str, clock: Clock | None = None) -> World:
    """The contracts of these venues (none named: all) at their starting marks; no accounts."""
    world = World(clock)
    for venue in venues or tuple(CATALOGS):
        CATALOGS[venue](world)
    return world


class Venue:
    """One running face: its sockets, its port, its publication."""

    def __init__(self, make: MakeFace, world: World, faults: Faults, port: int = 0) -> None:
        self.hub = Hub()
        self.face = make(world, faults, self.hub)
        self._faults = faults
        self.gate = Gate(self.face.venue, faults, self.face.refusals, world.now_ms)
        application = web.Application(middlewares=[self.gate.middleware()])
        self.face.add_routes(application)
        self.listener = Listener(application, port)

    async def publish_forever(self) -> None:
        """Publishes at the venue's cadence, on the beat whatever a publication takes."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self.face.publish()
            due_s = max(due_s + self.face.cadence_s, loop.time())
            await asyncio.sleep(due_s - loop.time())

    async def ping_forever(self) -> None:
        """The venue's own pings: rare, or every second when a fault leaves nothing else."""
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if self._state().heartbeats_only or loop.time() - last_s >= self.face.ping_every_s:
                last_s = loop.time()
                for socket in self.hub:
                    socket.ping()

    async def follow_switches(self, switched: asyncio.Event) -> None:
        """Opens and shuts the port, freezes and thaws the sockets, as the switches say."""
        while True:
            await switched.wait()
            switched.clear()
            await (self.listener.refuse() if self._state().refusing else self.listener.accept())

    def follow_black_hole(self) -> None:
        """Freezes or thaws every socket, and every call that comes."""
        if self._state().black_hole:
            self.gate.open.clear()
            for socket in self.hub:
                socket.freeze()
        else:
            self.gate.open.set()
            for socket in self.hub:
                socket.thaw()

    def _state(self) -> VenueFaults:
        return self._faults.of(self.face.venue)

    async def stop(self) -> None:
        """Cuts every connection and lets the port go."""
        self.gate.open.set()
        for socket in self.hub:
            socket.abort()
        await self.listener.stop()


class LoopbackExchange:
    """All venues of a world on real sockets. `cadence` False publishes only when told to.

    `ports` gives a venue a port of its own; the system chooses the others.
    """

    def __init__(
        self,
        world: World,
        faults: Faults | None = None,
        *,
        cadence: bool = True,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.world = world
        self.faults = faults or Faults()
        self._cadence = cadence
        names = [name for name in FACES if any(venue == name for venue, _ in world.contracts)]
        self._venues = {
            name: Venue(FACES[name], world, self.faults, (ports or {}).get(name, 0)) for name in names
        }
        self._switched = {name: asyncio.Event() for name in names}
        self._running: asyncio.Task[None] | None = None
        world.listen(self._on_change)
        self.faults.listen(self._on_act)

    async def start(self) -> None:
        """Listens, and publishes if it has a cadence."""
        for venue in self._venues.values():
            await venue.listener.start()
        self._running = asyncio.create_task(self._run(), name="loopback exchange")

    async def stop(self) -> None:
        """Ends everything; raises what went wrong while it ran."""
        running, self._running = self._running, None
        try:
            if running is not None:
                running.cancel()
                await asyncio.wait([running])
                if not running.cancelled():
                    running.result()
        finally:
            for venue in self._venues.values():
                await venue.stop()

    async def ended(self) -> None:
        """Returns or raises when the exchange has ended by itself, which only a crash makes it do."""
        if self._running is not None:
            await asyncio.wait([self._running])
            self._running.result()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- for tests and the demo -------------------------------------------------------------------

    def endpoints(self, venue: str) -> dict[str, str]:
        """Base URLs by name, as `Account.endpoints` takes them."""
        running = self._venues[venue]
        return running.face.endpoints(running.listener.port)

    def publish_now(self, venue: str | None = None, symbols: Sequence[str] | None = None) -> None:
        """Sends the market frames of now, without waiting for the cadence."""
        for name, running in self._venues.items():
            if venue in {None, name}:
                running.face.publish(symbols)

    def sockets(self, venue: str) -> Hub:
        """The websocket connections of a venue that are open now."""
        return self._venues[venue].hub

    def gate(self, venue: str) -> Gate:
        """The counters of a venue's REST calls."""
        return self._venues[venue].gate

    async def flood(
        self, venue: str, frames_per_s: float, seconds: float, step: Callable[[int], Sequence[str]]
    ) -> int:
        """Publishes at a rate and tells how often; `step(n)` changes the world and names the symbols."""
        loop = asyncio.get_running_loop()
        started_s, sent = loop.time(), 0
        total = round(frames_per_s * seconds)
        while sent < total:
            owed = min(total, round((loop.time() - started_s) * frames_per_s) + 1)
            for number in range(sent, owed):
                self.publish_now(venue, step(number))
            sent = owed
            await asyncio.sleep(max(0.0, started_s + sent / frames_per_s - loop.time()))
        return sent

    # --- inside -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name, venue in self._venues.items():
                tasks.create_task(venue.follow_switches(self._switched[name]))
                tasks.create_task(venue.ping_forever())
                if self._cadence:
                    tasks.create_task(venue.publish_forever())

    def _on_change(self, change: Change) -> None:
        if change.account.venue in self._venues:
            self._venues[change.account.venue].face.on_change(change)

    def _on_act(self, act: Act) -> None:
        name = act.account.partition("/")[0] if isinstance(act, ExpireListenKey) else act.venue
        venue = self._venues.get(name)
        if venue is None:
            return
        match act:
            case CloseSockets(_, kinds, code):
                for socket in venue.hub.of_kind(kinds):
                    socket.close(code)
            case Reset(_, kinds):
                for socket in venue.hub.of_kind(kinds):
                    socket.abort()
            case HalfOpen(_, kinds):
                for socket in venue.hub.of_kind(kinds):
                    socket.freeze(for_ever=True)
            case SendRaw(_, kinds, frame):
                for socket in venue.hub.of_kind(kinds):
                    socket.send(frame)
            case ExpireListenKey(account):
                venue.face.expire_stream_key(account)
            case Switched():
                venue.follow_black_hole()
                self._switched[name].set()
