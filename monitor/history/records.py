"""What the history keeps, and its bytes. One batch a flush, with a checksum: a damaged one says nothing.

An evaluation holds what is needed to judge it at other thresholds. It names its pool by a number, so that a
hundred thousand pools do not write their names each second.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.config import Alerts, Route, Threshold
from monitor.config_duty import Escalation, Rota, TimeInterval

SCHEMA = 1
DEFICIT, MARGIN_ERROR_OPEN = 1, 2  # bits of `flags`
ROW = np.dtype(
    [
        ("at_ns", "<i8"),  # wall clock
        ("pool", "<i4"),  # its number
        ("band", "i1"),
        ("venue_band", "i1"),
        ("reasons", "<u2"),
        ("flags", "u1"),
        ("equity", "<f8"),  # nan where UNKNOWN, like the others
        ("maintenance", "<f8"),
        ("distance", "<f8"),  # inf: no move liquidates; nan: not solved
        ("margin_error", "<f8"),
        ("unknown_since_ns", "<i8"),  # wall clock: when the fault began; 0: none
        ("unknown_seen_ns", "<i8"),
    ]
)
Rows = npt.NDArray[Any]


class Pool(msgspec.Struct, frozen=True):
    """What a number stands for. A pool that gets another desk or model gets another number."""

    id: str
    account: str
    desk: str
    model: str
    unit: str


class Decision(msgspec.Struct, frozen=True):
    """One notice of the alerts."""

    at_ns: int  # wall clock
    notification: str  # its id
    pool: str
    condition: str
    incident: int
    level: int
    occasion: int
    kind: str
    desk: str
    detail: str


class Settings(msgspec.Struct, frozen=True):
    """What the evaluations were judged by, from a moment on. No secret is among it."""

    since_ns: int  # wall clock
    thresholds: tuple[Threshold, ...] = ()
    alerts: Alerts = Alerts()
    routes: tuple[Route, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    rotas: tuple[Rota, ...] = ()
    time_intervals: tuple[TimeInterval, ...] = ()
    pace: float = 1.0  # how many times as fast as a clock the market went: the demo's hour fits in a minute


class Batch(msgspec.Struct, frozen=True):
    """All that one flush writes."""

    run_ns: int  # wall clock: when the daemon that wrote it began
    packed: bytes = b""  # of Rows
    details: dict[int, str] = {}  # in words, by the place of an evaluation
    removed: tuple[tuple[int, int], ...] = ()  # when, and the number of a pool that is gone
    decisions: tuple[Decision, ...] = ()
    dropped: int = 0  # evaluations between two others that there was no room for
    is_whole: bool = False  # has every pool, so that a replay can begin here


_encoder = msgspec.msgpack.Encoder()
_batches = msgspec.msgpack.Decoder(Batch)


def packed(rows: Rows) -> bytes:
    """The evaluations as bytes, quickly rather than small."""
    return zlib.compress(rows.tobytes(), 1)


def rows_of(batch: Batch) -> Rows:
    """The evaluations of a batch."""
    raw = zlib.decompress(batch.packed) if batch.packed else b""
    return np.frombuffer(raw, dtype=ROW)


def encoded(content: msgspec.Struct) -> bytes:
    """A record as bytes."""
    return _encoder.encode(content)


def batch_from(body: bytes) -> Batch:
    """The batch of its bytes."""
    return _batches.decode(body)


def mark_of(*parts: object) -> bytes:
    """The checksum of a row of a table."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        text = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.digest()
