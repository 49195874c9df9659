"""What a venue file provides, and how its bytes become events. The daemon knows venues only through this page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Event, Instruments
from monitor.domain.identity import InstrumentId
from monitor.names import Metrics


class Ignored(msgspec.Struct, frozen=True):
    """A frame that we know and do not need; `kind` is a small set of words, for counting."""

    kind: str


class BadFrame(msgspec.Struct, frozen=True):
    """A frame that the venue's documented shapes do not allow; `reason` is a small set of words, for counting."""

    reason: str


Decoded = Sequence[Event] | Ignored | BadFrame


class Codec(Protocol):
    """Bytes to events. Reads no clock, keeps no state that a reconnect would make wrong."""

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events, or why there are none."""


class Stream(msgspec.Struct, frozen=True):
    """One websocket connection, as the venue wants it."""

    name: str  # "public" or "private", with a number where there are several
    url: str  # never logged when it holds a listen key: log `name`
    codec: Codec
    subscribe: tuple[str, ...] = ()  # frames to send after connecting
    heartbeat: str | None = None  # text frame that the venue wants from us
    heartbeat_every_s: float = 20.0
    data_deadline_s: float | None = (
        5.0  # silence after *subscribe* that breaks the stream; None: transport pings only
    )
    ping_every_s: float = 2.0  # websocket ping of our own, so that a half-open socket shows
    rotate_after_s: float = 23 * 3600.0  # before the venue cuts at 24 h; staggered by the session


class VenueUnavailable(Exception):
    """The venue can't answer now: time-out, 5xx, no route. Try again with back-off."""


class RateLimited(VenueUnavailable):
    """429 or 418: nothing may be sent to this venue before `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class KeyRefused(Exception):
    """The venue refuses the key, or we refuse it because it may do more than read. The text names the scope, never the key."""


class UnsupportedMode(Exception):
    """The account is in a mode that no model covers; names the mode and the page that describes it."""


class SnapshotSource(Protocol):
    """The REST side of one venue for one account."""

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can read and can neither trade nor withdraw."""

    async def instruments(self) -> Instruments:
        """Contracts with tiers, and collateral assets."""

    async def snapshot(self) -> AccountSnapshot:
        """The whole account at one moment; raises rather than answer a part."""

    async def private_stream(self) -> Stream:
        """The account's stream; makes what it needs first (a listen key, a signature)."""

    async def keep_alive(self) -> None:
        """Called every `keep_alive_every_s`; renews what expires (a listen key). Raises when a new stream is needed."""

    async def close(self) -> None:
        """Lets go of connections."""


Post = Callable[[Event], None]  # the one door: monitor.inbox


class VenueSpec(Protocol):
    """One line of VENUES."""

    name: str
    models: tuple[str, ...]  # margin models that its accounts may need
    needs_key: bool
    keep_alive_every_s: float

    def source(self, account: Account, clock: Clock, metrics: Metrics) -> SnapshotSource:
        """The REST side of an account."""

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """The streams that bring marks of these instruments (all-market streams may ignore the list)."""
