"""A venue without sockets, for virtual time: Binance's wire format on connections that are two queues.

It stands at the edge of `adapters.link`, where the websocket library begins, and at SnapshotSource, where
REST does. Frames are bytes that the real codec decodes; pings, silences and refusals are told by nothing but
what arrives and what does not.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosedError

from adapters.binance_usdm import SPEC
from adapters.binance_usdm.codec import BinanceCodec
from adapters.gate import ConnectLimit, VenueGate
from adapters.rest import TIMEOUT_MS
from adapters.venue import SnapshotSource, Stream, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Instruments, PoolFact
from monitor.domain.identity import InstrumentId, account_id
from monitor.names import Metrics
from tests.support.facts import CROSS, instruments, leg, wallet

VENUE = SPEC.name
ENDPOINTS = {"rest": "http://127.0.0.1:9", "ws": "ws://127.0.0.1:9"}
BITCOIN, ETHER = "BTCUSDT", "ETHUSDT"
STARTS = {BITCOIN: 95_000.0, ETHER: 3_200.0}
HOLDINGS = {"bitcoin": ((BITCOIN, "1"),), "ether": ((ETHER, "10"),), "nothing": ()}
WALLET = "5000"
CADENCE_S = 1.0
WANDERS = 1e-4  # how far a mark moves in a second: a live one is never twice the same
INDEX_RUNS = 1e-3  # ... and an index while its mark is frozen
LONGEST_LATENCY_S = 0.08


class SimulatedVenue:
    """Prices that wander, and what is wrong with them. Every switch is off to begin with."""

    def __init__(self, rng: random.Random, clock: Clock) -> None:
        self.marks = dict(STARTS)
        self.indexes = dict(STARTS)
        self.is_mute = False  # streams stay open, pongs come, no data
        self.says_other_things = False  # frames that are no data, in place of data
        self.is_dead = False  # nothing comes and nothing is answered, on any connection
        self.loses_calls = False  # ... and what waits for an answer when it ends waits for ever
        self.is_private_dead = False  # as dead, the private connections only
        self.is_refusing = False  # new connections and calls fail at once
        self.is_frozen = False  # the marks of before again and again, while the indexes run
        self.is_replaying = False  # the frame of before again and again, byte for byte
        self.says_nonsense = False  # prices that no venue can mean
        self.missing: set[str] = set()  # symbols that are not told of
        self._rng = rng
        self._clock = clock
        self._sockets: dict[SimulatedSocket, None] = {}  # in order, so that a seed fixes everything
        self._waiting: list[asyncio.Event] = []
        self._last_frame = b""
        self._phase_s = rng.uniform(0, CADENCE_S)
        self.heard_s = 0.0  # when a price was last received

    async def run(self) -> None:
        """Publishes at its cadence, for ever."""
        await asyncio.sleep(self._phase_s)
        while True:
            self._wander()
            self.publish()
            await asyncio.sleep(CADENCE_S)

    def publish(self) -> None:
        """Says what it says now, on every connection that wants it."""
        if self.is_mute:
            return
        if self.says_other_things:
            self._send(b'{"e":"kline"}', b'{"e":"kline"}')
            return
        if not self.is_replaying or not self._last_frame:
            self._last_frame = msgspec.json.encode(self._marks())
        self._send(self._last_frame, msgspec.json.encode(self._asset_prices()))

    def cut(self) -> None:
        """Resets every connection."""
        for socket in list(self._sockets):
            socket.abort()

    def heal(self) -> None:
        """Everything works again; connections that were dead stay dead, as in life."""
        if self.is_dead or self.is_private_dead:
            for socket in self._sockets:
                socket.is_lost = socket.is_lost or self.is_dead or socket.is_private
        self.is_mute = self.says_other_things = self.is_dead = self.is_private_dead = False
        self.is_refusing = self.is_frozen = self.is_replaying = self.says_nonsense = False
        self.missing.clear()
        if not self.loses_calls:
            for healed in self._waiting:
                healed.set()
        self.loses_calls = False
        self._waiting.clear()

    def is_silent_to(self, is_private: bool) -> bool:
        """Whether a connection of this kind is cut off."""
        return self.is_dead or (self.is_private_dead and is_private)

    async def connect(self, url: str, **_: Any) -> SimulatedSocket:
        """Stands for websockets.connect."""
        is_private = "/private/" in url
        await self._answers(is_private)
        socket = SimulatedSocket(self, is_private, self._latency_s())
        self._sockets[socket] = None
        return socket

    async def call(self) -> None:
        """One REST call, as far as it takes time or fails."""
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                await self._answers(is_private=False)
        except (ConnectionRefusedError, TimeoutError) as failed:
            raise VenueUnavailable(type(failed).__name__) from None

    def forget(self, socket: SimulatedSocket) -> None:
        """The connection is closed."""
        self._sockets.pop(socket, None)

    async def _answers(self, is_private: bool) -> None:
        await asyncio.sleep(self._latency_s())
        if self.is_refusing:
            raise ConnectionRefusedError
        if self.is_silent_to(is_private):
            healed = asyncio.Event()  # an open connection is lost, but what waits for an answer is sent again
            self._waiting.append(healed)
            await healed.wait()
            await asyncio.sleep(self._latency_s())

    def _latency_s(self) -> float:
        return self._rng.uniform(0.001, LONGEST_LATENCY_S)

    def _wander(self) -> None:
        for symbol, index in self.indexes.items():
            if self.is_frozen:
                self.indexes[symbol] = index * (1 + INDEX_RUNS)
                continue
            self.marks[symbol] *= 1 + self._rng.choice((-1, 1)) * self._rng.uniform(WANDERS / 2, WANDERS)
            self.indexes[symbol] = self.marks[symbol]

    def _send(self, marks: bytes, assets: bytes) -> None:
        for socket in self._sockets:
            if not socket.is_private:
                socket.deliver(assets if socket.wants_assets else marks)

    def _marks(self) -> list[dict[str, Any]]:
        at_ms = self._clock.wall_ns() // 1_000_000
        return [
            {
                "e": "markPriceUpdate",
                "E": at_ms,
                "s": symbol,
                "p": "NaN" if self.says_nonsense else f"{mark:.8f}",
                "i": f"{self.indexes[symbol]:.8f}",
                "r": "0.0001",
                "T": at_ms + 3_600_000,
            }
            for symbol, mark in self.marks.items()
            if symbol not in self.missing
        ]

    def _asset_prices(self) -> list[dict[str, Any]]:
        at_ms = self._clock.wall_ns() // 1_000_000
        return [{"e": "assetIndexUpdate", "E": at_ms, "s": "USDTUSD", "i": "1", "b": "0.01", "a": "0.005"}]


class SimulatedSocket:
    """What a link uses of websockets' ClientConnection."""

    def __init__(self, venue: SimulatedVenue, is_private: bool, latency_s: float) -> None:
        self.is_private = is_private
        self.is_lost = False  # dead for ever
        self.wants_assets = False
        self.transport = self  # a link aborts that one
        self._venue = venue
        self._latency_s = latency_s
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, frame: str) -> None:
        """A subscription, which is acknowledged."""
        self.wants_assets = self.wants_assets or "assetIndex" in frame
        self._later(lambda: self._frames.put_nowait(b'{"result":null,"id":1}'))

    async def recv(self, decode: bool | None = None) -> bytes:
        """The next frame; raises when the connection is closed."""
        frame = await self._frames.get()
        if frame is None:
            raise ConnectionClosedError(None, None)
        return frame

    async def ping(self) -> asyncio.Future[float]:
        """A future that the pong fulfils."""
        pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def answer() -> None:
            if not pong.done():
                pong.set_result(0.0)

        self._later(answer)
        return pong

    def abort(self) -> None:
        """Closes without a word."""
        self._venue.forget(self)
        self._frames.put_nowait(None)

    def deliver(self, frame: bytes) -> None:
        """Prices, which arrive after a while, if anything arrives at all."""

        def arrive() -> None:
            self._frames.put_nowait(frame)
            if not self.wants_assets:
                self._venue.heard_s = asyncio.get_running_loop().time()

        self._later(arrive)

    def _later(self, then: Callable[[], object]) -> None:
        def arrive() -> None:
            if not self.is_lost and not self._venue.is_silent_to(self.is_private):
                then()

        asyncio.get_running_loop().call_later(self._latency_s, arrive)


class SimulatedSource:
    """The REST side of one account: what it holds never changes."""

    def __init__(self, venue: SimulatedVenue, account: Account, clock: Clock) -> None:
        self._venue = venue
        self._account = account
        self._id = account_id(account.venue, account.name)
        self._clock = clock

    async def check_key(self) -> None:
        """It may read, and nothing else."""
        await self._venue.call()

    async def instruments(self) -> Instruments:
        """Two contracts, each with one tier of 1 %."""
        await self._venue.call()
        return instruments(*STARTS, received_ns=self._clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """One cross pool."""
        await self._venue.call()
        return AccountSnapshot(
            account=self._id,
            pools=(PoolFact(CROSS, "tiered", "USDT"),),
            balances=(wallet(WALLET),),
            positions=tuple(
                leg(symbol, quantity, str(Decimal(STARTS[symbol])))
                for symbol, quantity in HOLDINGS[self._account.name]
            ),
            marks={},
            venue_ns=self._clock.wall_ns(),
            received_ns=self._clock.monotonic_ns(),
            confirmed=confirm,
        )

    async def private_stream(self) -> Stream:
        """As the real source says it."""
        await self._venue.call()
        url = f"{ENDPOINTS['ws']}/private/ws?listenKey={self._account.name}"
        return Stream(name="private", url=url, codec=BinanceCodec(self._id), data_deadline_s=None)

    async def keep_alive(self) -> None:
        """Renewed."""
        await self._venue.call()

    async def close(self) -> None:
        """Holds nothing."""


class SimulatedSpec:
    """The line of VENUES: Binance's own streams, and sources that ask the simulated venue."""

    name, needs_key = VENUE, True
    models: tuple[str, ...] = ("tiered",)
    keep_alive_every_s = SPEC.keep_alive_every_s
    connects: ConnectLimit = SPEC.connects

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> SnapshotSource:
        """The account's."""
        return SimulatedSource(self._venue, account, clock)

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """The real ones."""
        return SPEC.public_streams(account, instruments)
