"""What one turn of the engine publishes: read by every sink, changed by none."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import AccountId, PoolId


class PoolLabel(msgspec.Struct, frozen=True):
    """The words that belong to a row of the view."""

    id: PoolId
    account: AccountId
    venue: str
    desk: str
    model: str
    unit: str


class PoolState(msgspec.Struct, frozen=True):
    """What the alerts need to know of a pool. Published when any field but `now_ns` changed."""

    pool: PoolId
    desk: str
    band: RiskBand
    last_band: RiskBand  # the last band that was known; equals `band` unless UNKNOWN
    reasons: Reason
    deficit: bool
    margin_error_open: bool  # our figure and the venue's differ by more than the limit
    venue_band: RiskBand  # where the venue's own figure would stand; CLEAR when it reports none
    unknown_since_ns: int | None  # monotonic: when the fault began (last good datum), not when it was noticed
    unknown_seen_ns: int | None  # monotonic: when it was noticed
    detail: str  # the reason in words: "BTCUSDT mark silent", "key refused: ..."
    rule_change: str = ""  # what the venue changed within the hour of the rules that the pool is margined by


class BookView(msgspec.Struct, frozen=True):
    """An immutable copy of the columns, one row a pool. Arrays are read-only."""

    generation: int  # rises when the list of pools changes
    as_of_ns: int  # wall clock
    now_ns: int  # monotonic clock
    pools: tuple[PoolLabel, ...]
    equity: npt.NDArray[np.float64]
    initial_margin: npt.NDArray[np.float64]
    maintenance_margin: npt.NDArray[np.float64]
    band: npt.NDArray[np.int64]  # RiskBand
    reasons: npt.NDArray[np.int64]  # Reason
    deficit: npt.NDArray[np.bool_]
    margin_error: npt.NDArray[np.float64]  # nan: not known yet
    distance: npt.NDArray[
        np.float64
    ]  # nearest liquidating move as a fraction, inf: none, nan: not solved yet
    price_seen_ns: npt.NDArray[
        np.int64
    ]  # oldest mark that the pool reads, monotonic; 0: none read or never seen
    account_seen_ns: npt.NDArray[np.int64]  # last full reconcile, monotonic; 0: never
    positions: npt.NDArray[np.int64]  # number of legs


class Reconcile(msgspec.Struct, frozen=True):
    """An account that wants a snapshot at once."""

    account: AccountId
    why: str
    confirm: bool  # ask a second endpoint too: what the first one said is hard to believe


class Turn(msgspec.Struct, frozen=True):
    """One turn: what changed, and the view behind it."""

    as_of_ns: int
    now_ns: int
    oldest_received_ns: int | None  # monotonic: the earliest event of this turn, for frame-to-assessment
    changed: tuple[PoolState, ...]
    removed: tuple[PoolId, ...]
    reconcile: tuple[Reconcile, ...]
    assessed: int
    view: BookView
