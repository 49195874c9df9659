"""What a venue file provides, and how its bytes become events. The daemon knows venues through this page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from adapters.gate import ConnectLimit, VenueGate
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Event, Instruments
from monitor.domain.identity import InstrumentId
from monitor.names import Metrics

SHUTDOWN_NOTICE = (
    "shutdown notice"  # Ignored of this kind: the venue will cut soon, so the session moves over now
)


class Ignored(msgspec.Struct, frozen=True):
    """A frame that we know and do not need; `kind` is a small set of words, for counting."""

    kind: str


class BadFrame(msgspec.Struct, frozen=True):
    """A frame that the venue's documented shapes do not allow; `reason` is of a small set, for counting."""

    reason: str


Decoded = Sequence[Event] | Ignored | BadFrame


class Codec(Protocol):
    """Bytes to events. Reads no clock, keeps no state that a reconnect would make wrong.

    Events count as data, Ignored (acks, heartbeats) does not. A `StreamGap` among the events says that this
    connection is of no more use: the session posts it and opens a new one.
    """

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events, or why there are none."""


class Stream(msgspec.Struct, frozen=True):
    """One websocket connection, as the venue wants it. Its times are what a test makes short."""

    name: str  # "public" or "private", with a number where there are several
    url: str  # never logged when it holds a listen key: log `name`
    codec: Codec
    subscribe: tuple[str, ...] = ()  # frames to send after connecting; a new one may be sent later
    sends_per_s: float = 5.0  # how fast they may follow each other
    heartbeat: str | None = None  # text frame that the venue wants from us
    heartbeat_every_s: float = 20.0
    data_deadline_s: float | None = 4.5  # silence since *subscribe* that breaks it; None: pings only
    ping_every_s: float = 2.0  # websocket ping of our own, so that a half-open socket shows ...
    pong_timeout_s: float = 2.4  # ... when no pong comes: both together stay under 5 s
    open_timeout_s: float = 5.0
    rotate_after_s: float = 23 * 3600.0  # before the venue cuts at 24 h; staggered by the session
    max_frame_bytes: int = 8 * 2**20
    carries_marks: bool = True  # public: a break makes all of the venue's marks unknown, not just old


class VenueUnavailable(Exception):
    """The venue can't answer now: time-out, 5xx, no route. Try again with back-off."""


class RateLimited(VenueUnavailable):
    """429 or 418: nothing may be sent to this venue before `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class KeyRefused(Exception):
    """The venue refuses the key, or we do, for it may do more than read. Names the scope, never the key."""


class UnsupportedMode(Exception):
    """The account is in a mode that no model covers; names the mode and the page that describes it."""


class SnapshotSource(Protocol):
    """The REST side of one venue for one account. Raises the four exceptions above, and no other."""

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can read and can neither trade nor withdraw."""

    async def instruments(self) -> Instruments:
        """Contracts with tiers, and collateral assets."""

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """The whole account at one moment; raises rather than answer a part.

        With `confirm` a second endpoint is asked too, and `confirmed` is set only when both agree.
        """

    async def private_stream(self) -> Stream:
        """The account's stream; makes what it needs first (a listen key, a signature)."""

    async def keep_alive(self) -> None:
        """Renews what expires (a listen key), every `keep_alive_every_s`; or StreamExpired."""

    async def close(self) -> None:
        """Lets go of connections."""


class StreamExpired(VenueUnavailable):
    """What the private stream stood on is gone (listen key): a new stream is needed."""


Post = Callable[[Event], None]  # the one door: monitor.inbox


class VenueSpec(Protocol):
    """One line of VENUES."""

    name: str
    models: tuple[str, ...]  # margin models that its accounts may need
    needs_key: bool
    keep_alive_every_s: float
    connects: ConnectLimit  # what the venue allows; the gate uses 60 % of it

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> SnapshotSource:
        """The REST side of an account. Each call looks at `gate.rest` first: a ban holds for all accounts."""

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """The streams that bring marks of these instruments (all-market streams may ignore the list).

        Asked again when the list grows: `subscribe` frames that a stream of the same name did not have
        yet are sent on the open connection, so one frame per instrument (or batch) is best.
        """
