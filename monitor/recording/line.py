"""One line of a recording: a raw frame, or a fact that no frame alone explains. Documented in README.md.

Foreign recordings have the first three keys; `dir` and `enc` are known, every other key is skipped. Ours say
besides whose frame it is, and hold what the daemon knew from elsewhere (snapshots, definitions, breaks) as
lines of direction `event`, so that the book can be led through the same hour again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.config import Threshold
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    AccountSnapshot,
    AssetPrice,
    Event,
    Instruments,
    LeverageChanged,
    MarkPrice,
    PriceRejected,
    StreamAlive,
    StreamGap,
    StreamReady,
    VenueWarning,
)

SCHEMA = 1
BEGIN = "begin"  # the first line of a file of ours: a Header
EVENT = "event"  # a Fact
OUTBOUND = frozenset({"send", "connect"})  # of foreign recordings: nothing that we heard
KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        AccountDelta,
        AccountRefused,
        AccountSnapshot,
        AssetPrice,
        Instruments,
        LeverageChanged,
        MarkPrice,
        PriceRejected,
        StreamAlive,
        StreamGap,
        StreamReady,
        VenueWarning,
    )
}


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """`t` is the receive time in seconds since 1970 (UTC), null where the source kept none."""

    t: float | None
    url_or_channel: str
    frame: str
    dir: str = ""
    enc: str = ""  # how the venue had packed the frame, which stands here unpacked
    venue: str = ""
    stream: str = ""
    account: str = ""  # whose private frame it is


class RecordedAccount(msgspec.Struct, frozen=True):
    """An account that the recording daemon watched."""

    id: str
    desk: str


class Header(msgspec.Struct, frozen=True):
    """What the recording daemon ran with, so that a replay judges alike. No secrets."""

    schema: int
    offset_ns: int  # turns the monotonic times of the file's events into the wall times of its lines
    accounts: tuple[RecordedAccount, ...]
    models: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    margin_error_limit: float
    implausible_index_gap: float


class Fact(msgspec.Struct, frozen=True):
    """An event as it came to the book's door."""

    kind: str  # a name in KINDS
    event: msgspec.Raw


class BadRecording(ValueError):
    """A line that is none of a recording; says what would be right."""


def fact_text(event: Event) -> str:
    """The frame of an event line."""
    raw = msgspec.Raw(msgspec.json.encode(event))
    return msgspec.json.encode(Fact(type(event).__name__, raw)).decode()


def event_of(frame: str) -> Event:
    """The event of an event line; raises BadRecording."""
    try:
        fact = msgspec.json.decode(frame, type=Fact)
        kind = KINDS.get(fact.kind)
        if kind is None:
            raise BadRecording(f"an event of the unknown kind {fact.kind!r}: recorded by a newer margind?")
        event: Event = msgspec.json.decode(fact.event, type=kind)
    except msgspec.DecodeError as fault:
        raise BadRecording(f"an event that can't be read: {fault}") from None
    return event


def header_of(frame: str) -> Header:
    """The header of a file of ours; raises BadRecording."""
    try:
        header = msgspec.json.decode(frame, type=Header)
    except msgspec.DecodeError as fault:
        raise BadRecording(f"a first line that can't be read: {fault}") from None
    if header.schema != SCHEMA:
        raise BadRecording(f"schema {header.schema}; this release reads schema {SCHEMA}")
    return header
