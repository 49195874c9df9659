"""What readers of Redis get for each pool: the public schema, written here and read back by `status`.

Documented for readers in deploy/STATE.md. A field may be added within a schema; anything else raises SCHEMA.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.turn import BookView, PoolLabel

SCHEMA = 1
NANOSECONDS = 1e9
EVERY_ROW = slice(None)
BAND_LABELS = {int(band): band.label for band in RiskBand}

Rows = npt.NDArray[np.intp] | slice
Columns = list[Iterable[Any]]  # in the order of StateRecord's fields


class StateRecord(msgspec.Struct, frozen=True):
    """One pool at one moment. UNKNOWN has no figures: never the last good number."""

    schema: int
    pool: str  # venue/account/pool
    account: str  # venue/account
    venue: str
    desk: str
    model: str
    unit: str  # of equity, margins and headroom
    band: str
    reasons: tuple[str, ...]  # why it is UNKNOWN
    ratio: float | None  # maintenance / equity; 1 is liquidation; null: UNKNOWN, or nothing left to divide by
    equity: float | None
    initial_margin: float | None
    maintenance_margin: float | None
    headroom: float | None
    distance_percent: float | None  # nearest liquidating move; null: none, or not solved yet
    deficit: bool | None
    margin_error: float | None  # ours against the venue's, relative; null: not known yet
    price_age_s: float | None
    account_age_s: float | None
    positions: int
    as_of: str  # RFC 3339, UTC


class StateMeta(msgspec.Struct, frozen=True):
    """Who writes this shard and when it last did. Holds no figure of a pool."""

    schema: int
    as_of: str
    as_of_ns: int
    started: str
    pid: int
    source: str  # the config file
    pools: int


class Keys:
    """The public names. The braces are a literal cluster tag: all keys of a shard live in one slot."""

    def __init__(self, shard: str) -> None:
        prefix = f"margind:{{{shard}}}"
        self.state = f"{prefix}:state"
        self.changes = f"{prefix}:changes"
        self.meta = f"{prefix}:meta"
        self.next_state = f"{prefix}:state.next"
        self.commands = f"{prefix}:commands"
        self.answers = f"{prefix}:answers"


_encoder = msgspec.json.Encoder()


def margin_ratios(view: BookView, rows: Rows = EVERY_ROW) -> npt.NDArray[np.float64]:
    """Ratio of rows; nan where UNKNOWN or equity <= 0 < maintenance, 0 where nothing is required."""
    equity, maintenance_margin = view.equity[rows], view.maintenance_margin[rows]
    solvent = equity > 0
    with np.errstate(over="ignore", invalid="ignore"):
        ratio: npt.NDArray[np.float64] = np.divide(
            maintenance_margin, equity, out=np.full(len(equity), np.nan), where=solvent
        )
    ratio[~solvent & (maintenance_margin <= 0)] = 0.0
    ratio[view.band[rows] == RiskBand.UNKNOWN] = np.nan
    return ratio


def ages_s(seen_ns: npt.NDArray[np.int64], now_ns: int, never: float = np.nan) -> npt.NDArray[np.float64]:
    """Seconds since each monotonic time, `never` where it is 0."""
    return np.where(seen_ns == 0, never, (now_ns - seen_ns) / NANOSECONDS)


def utc(wall_ns: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(wall_ns // 1_000_000 / 1e3, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_rows(view: BookView, rows: npt.NDArray[np.intp]) -> list[bytes]:
    """The JSON of each of these rows. msgspec writes nan and inf as null."""
    labels = [view.pools[row] for row in rows.tolist()]
    records = map(
        StateRecord, repeat(SCHEMA), *_words(labels), *_figures(view, rows), repeat(utc(view.as_of_ns))
    )
    return [_encoder.encode(record) for record in records]


def _words(labels: list[PoolLabel]) -> Columns:
    return [
        [label.id for label in labels],
        [label.account for label in labels],
        [label.venue for label in labels],
        [label.desk for label in labels],
        [label.model for label in labels],
        [label.unit for label in labels],
    ]


def _figures(view: BookView, rows: npt.NDArray[np.intp]) -> Columns:
    band = view.band[rows]
    unknown = band == RiskBand.UNKNOWN
    reasons = {bits: Reason(bits).labels for bits in np.unique(view.reasons[rows]).tolist()}

    def known(column: npt.NDArray[np.float64]) -> list[float]:
        figures: list[float] = np.where(unknown, np.nan, column).tolist()
        return figures

    return [
        [BAND_LABELS[value] for value in band.tolist()],
        [reasons[bits] for bits in view.reasons[rows].tolist()],
        margin_ratios(view, rows).tolist(),
        known(view.equity[rows]),
        known(view.initial_margin[rows]),
        known(view.maintenance_margin[rows]),
        known(view.equity[rows] - view.maintenance_margin[rows]),
        known(view.distance[rows] * 100.0),
        [None if hidden else bool(flag) for hidden, flag in zip(unknown, view.deficit[rows], strict=True)],
        known(view.margin_error[rows]),
        np.round(ages_s(view.price_seen_ns[rows], view.now_ns), 3).tolist(),
        np.round(ages_s(view.account_seen_ns[rows], view.now_ns), 3).tolist(),
        view.positions[rows].tolist(),
    ]
