"""The words of alerting: what may be wrong with a pool, how bad it is, and what is told of it."""

from __future__ import annotations

import hashlib
from enum import Enum, IntEnum

import msgspec

from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId

SCHEMA = 1


class Condition(Enum):
    """What is watched, each with incidents of its own."""

    MARGIN = "margin"  # the band of our model
    UNKNOWN = "unknown"  # nothing can be said of the pool
    DEFICIT = "deficit"  # negative equity with nothing left to liquidate
    MARGIN_ERROR = "margin_error"  # our figure and the venue's differ too much to trust either
    VENUE = "venue"  # most pools of a desk on one venue are unknown at once
    VENUE_WORSE = "venue_worse"  # the venue's own figure stands in a worse band than ours
    RULE_CHANGE = "rule_change"  # the venue changed the margin tiers or haircuts that the pool is under
    LEDGER = "ledger"  # of the daemon itself: what it told is damaged, or is not kept
    RECEIVER = "receiver"  # of the daemon itself: a receiver does not take its test
    CANARY = "canary"  # such a test: never an incident
    HEARTBEAT = "heartbeat"  # of the daemon itself: the watcher outside does not take its signs of life
    DELEVERAGE = "deleverage"  # a request to cut positions: refused, waiting, asked for, or of unknown end


OF_THE_DAEMON = frozenset(
    {Condition.LEDGER, Condition.HEARTBEAT, Condition.RECEIVER, Condition.CANARY}
)  # about no pool


class Level(IntEnum):
    """How bad it is; the names of the bands, and 0 for nothing wrong."""

    CLEAR = 0
    WARNING = 1
    MARGIN_CALL = 2
    CRITICAL = 3
    LIQUIDATION = 4

    @property
    def label(self) -> str:
        """The word in schemas, routes and messages."""
        return self.name.lower()


class Kind(Enum):
    """Why something is told."""

    RAISED = "raised"
    ESCALATED = "escalated"
    EASED = "eased"  # better than before, and still not clear
    REPEATED = "repeated"
    UNACKNOWLEDGED = "unacknowledged"  # for the next receivers: those before have not answered
    RESOLVED = "resolved"


class AlertKey(msgspec.Struct, frozen=True, order=True):
    """What an incident is about. Its numbers, from 1, persist."""

    pool: PoolId
    condition: Condition


def own_key(shard: str, condition: Condition) -> AlertKey:
    """The key of a matter of the daemon itself, which is of no pool."""
    return AlertKey(PoolId(f"margind/{shard}/{condition.value}"), condition)


class Incident(msgspec.Struct, frozen=True):
    """One open incident: what was told of it last, and when."""

    key: AlertKey
    number: int
    level: Level
    occasion: int  # counts what was told of this incident: raises, repeats, the resolution
    opened_ns: int  # wall clock
    told_ns: int  # wall clock of the newest notice
    worst: Level = Level.CLEAR  # the worst that was told of it: who heard of the trouble hears of its end
    desk: str = ""
    since_ns: int = 0  # wall clock: when the wait for an acknowledgement began
    reached_s: float = 0.0  # the longest wait after which further receivers were told


class Ack(msgspec.Struct, frozen=True):
    """Somebody has it: the incident is not repeated while it is no worse than this level."""

    key: AlertKey
    number: int  # of the incident
    level: Level
    author: str
    at_ns: int  # wall clock


class Notice(msgspec.Struct, frozen=True):
    """A decision that something is to be told; a Notification is a notice with the picture of the pool."""

    incident: Incident
    kind: Kind
    desk: str
    detail: str
    received_ns: int | None = None  # monotonic: when the frame behind it arrived
    others: tuple[PoolId, ...] = ()  # of a venue: the pools that it is told of

    @property
    def key(self) -> AlertKey:
        """What it is about."""
        return self.incident.key


class Notification(msgspec.Struct, frozen=True):
    """What goes to receivers. The id is the same on every attempt and after every restart."""

    id: str
    schema: int
    key: AlertKey
    incident: int
    level: Level
    occasion: int
    kind: Kind
    desk: str
    created_ns: int  # wall clock
    detail: str
    assessment: MarginAssessment | None
    worst: Level = Level.CLEAR  # of the incident so far
    others: tuple[PoolId, ...] = ()  # further pools that the same message tells of: one venue, one fault
    reached_s: float = 0.0  # how far it is escalated
    thread: str = ""  # what opens and closes as one where a receiver keeps incidents of its own
    left: int = 0  # of a resolution: what else of its thread is still open


def thread_of(incident: Incident, shard: str) -> str:
    """One incident; for what is unknown all of a desk at a venue, because one fault is one incident."""
    key = incident.key
    if key.condition is Condition.UNKNOWN:
        text = f"{shard}|{key.pool.split('/', 1)[0]}|{incident.desk}|{key.condition.value}"
    else:
        text = f"{key.pool}|{key.condition.value}|{incident.number}"
    return f"margind-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:32]}"


def notification_id(incident: Incident) -> str:
    """hash(pool, condition, incident, level, occasion): who decides the same thing derives the same id."""
    key = incident.key
    text = f"{key.pool}|{key.condition.value}|{incident.number}|{int(incident.level)}|{incident.occasion}"
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def notification_of(
    notice: Notice,
    assessment: MarginAssessment | None,
    now_ns: int,
    others: tuple[PoolId, ...] = (),
    thread: str = "",
    left: int = 0,
) -> Notification:
    """The notice with the picture of its pool."""
    incident = notice.incident
    return Notification(
        id=notification_id(incident),
        schema=SCHEMA,
        key=incident.key,
        incident=incident.number,
        level=incident.level,
        occasion=incident.occasion,
        kind=notice.kind,
        desk=notice.desk,
        created_ns=now_ns,
        detail=notice.detail,
        assessment=assessment,
        worst=incident.worst,
        others=others,
        reached_s=incident.reached_s,
        thread=thread or notification_id(incident),
        left=left,
    )
