"""What is asked of whoever cuts positions, and what comes back: the contract with the executor, a stream's
readers, webhooks and local programs (`margind schema deleverage`).

How it travels. On Redis a record has the fields `id`, `body` (the JSON) and `signature`:

    margind:{shard}:deleverage           requests, for the desk's own readers
    margind:{shard}:executor             requests, for the built-in executor; its consumer group is `executor`
    margind:{shard}:deleverage:results   results, from whoever took a request (both of the above)
    margind:{shard}:deleverage:fence     the epoch in force, a number; a request of another is void
    margind:{shard}:deleverage:kill      exists while the kill switch is thrown

There is no action without Redis, so there is no second way to the executor. A reader checks the signature
over the bytes as they came before it reads them (`opened`), then the expiry, the fence, `dry_run` (nothing
is ever placed for one) and the kill switch, last of all before each order. A program gets the body on stdin.

What is not told is not done: a reader that does not know how an order ended answers `unknown` and asks the
venue by the client order id; it never sends that order again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import Enum
from typing import Literal, TypeVar

import msgspec

from monitor.domain.identity import AccountId, InstrumentId, PoolId

SCHEMA = 1
LARGEST_BYTES = 256 * 1024  # of a body; a plan has at most MOST_STEPS
MOST_STEPS = 32
EXECUTOR_GROUP = "executor"
CLIENT_ID_CHARACTERS = 28  # the shortest that a venue takes (Gate: 28 after its own prefix; OKX: 32)

Record = TypeVar("Record", "DeleverageRequest", "DeleverageResult")


class BadSeal(Exception):
    """A record that nobody who holds the key has written, or that can't be read; the text says which."""


class Purpose(Enum):
    """What a request is for."""

    REDUCE = "reduce"
    TOP_UP = "top_up"


class Outcome(Enum):
    """How a step ended."""

    DONE = "done"  # all of it
    PARTLY = "partly"  # some of it, and nothing of it is still open
    REFUSED = "refused"  # nothing of it; `why` names the guard, or tells the venue's words
    UNKNOWN = "unknown"  # the venue did not say: ask it by the client order id, send nothing again


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One reduce-only order; the steps are worked in their order. Amounts are decimals as the venue writes
    them."""

    number: int  # from 1
    instrument: InstrumentId
    symbol: str  # as the venue spells it
    side: Literal["buy", "sell"]
    position_side: Literal["", "long", "short"] = ""  # "" in one-way mode
    reduce_only: Literal[True] = True
    quantity: str
    expected_position: str  # signed, before this step; a venue that shows less than the step is no match
    mark_price: str  # that the plan was made at
    limit_price: str  # the worst that may be taken: the mark and the slippage cap
    max_slippage: float  # a fraction of the mark
    notional: float  # in US dollars, at the mark
    ratio_after: float | None  # of the pool as the model assesses it; None: equity gone


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Collateral from another account of the same desk. Reserved: no such plan is made yet."""

    number: int  # from 1
    source: AccountId
    target: AccountId
    asset: str
    amount: str
    notional: float  # in US dollars
    ratio_after: float | None


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The caps that applied, and what of them was used before; notional in US dollars. None: none is set,
    which only a dry run may have."""

    action: float | None
    hour: float | None
    day: float | None
    used_hour: float
    used_day: float


class DeleverageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A plan for one pool, void after `expires_ns`. The id is on the disk before it is sent, and is never
    sent to the same taker for a second action."""

    id: str
    schema: int = SCHEMA
    kind: Purpose
    shard: str
    pool: PoolId
    account: AccountId
    venue: str
    desk: str
    incident: int  # number of the pool's margin incident; 0 where none is open
    attempt: int  # from 1, within the incident
    created_ns: int  # wall clock
    expires_ns: int  # wall clock
    fence: int  # epoch of who asks; 0 in a dry run that holds none
    dry_run: bool
    reason: str
    unit: str  # of the pool
    ratio_before: float | None
    target_ratio: float
    target_distance: float = 0.0  # liquidating moves are to be farther away, a fraction; 0: any
    steps: tuple[Step, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    caps: Caps


class DeleverageResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one step ended, from whoever took the request. A later result of a step replaces an earlier one
    that was `unknown`."""

    request: str
    schema: int = SCHEMA
    step: int  # 0: the whole request, where nothing of it was begun
    state: Outcome
    filled: str = "0"  # decimal
    average_price: str | None = None
    client_order_id: str = ""
    venue_order_id: str = ""
    guard: str = ""  # the name of the guard that refused
    why: str = ""
    taker: str = ""  # "executor", or the name that a reader gives itself
    at_ns: int = 0  # wall clock


class Schemas(msgspec.Struct, frozen=True):
    """Both records, for the published schema."""

    request: DeleverageRequest
    result: DeleverageResult


class Sealed(msgspec.Struct, frozen=True):
    """A record as it travels."""

    id: str
    body: bytes
    signature: str


def request_id(shard: str, pool: PoolId, kind: Purpose, incident: int, attempt: int) -> str:
    """Who decides the same thing derives the same id."""
    return f"dlv_{_hash(shard, pool, kind.value, incident, attempt)[:32]}"


def client_order_id(request: str, step: int) -> str:
    """Of a step's order: letters and digits, the same on every attempt, so that a venue knows it again."""
    return f"m{_hash('order', request, step)[: CLIENT_ID_CHARACTERS - 1]}"


def as_hex128(client_id: str) -> str:
    """The same for a venue that takes 128 bits in hexadecimal only (Hyperliquid)."""
    return f"0x{client_id[1:]:0>32}"


def seal(record: DeleverageRequest | DeleverageResult, key: bytes) -> Sealed:
    """The record in bytes, signed as the kind of record that it is."""
    body = msgspec.json.encode(record)
    id_ = record.id if isinstance(record, DeleverageRequest) else f"{record.request}/{record.step}"
    return Sealed(id_, body, _signature(type(record).__name__, body, key))


def opened(kind: type[Record], body: bytes, signature: str, keys: Sequence[bytes]) -> Record:
    """The record, if one of the keys signed these very bytes as this kind; raises BadSeal."""
    if len(body) > LARGEST_BYTES:
        raise BadSeal(f"a record of {len(body)} bytes")
    wanted = [_signature(kind.__name__, body, key) for key in keys if key]
    if not any(hmac.compare_digest(each.encode(), signature.encode()) for each in wanted):
        raise BadSeal("the signature does not fit")
    try:
        record = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSeal(f"can't be read: {error}") from None
    if record.schema != SCHEMA:
        raise BadSeal(f"schema {record.schema}; this margind reads {SCHEMA}")
    return record


def _signature(kind: str, body: bytes, key: bytes) -> str:
    """HMAC-SHA256 over the kind, a zero byte and the body: a result is no request."""
    return hmac.new(key, kind.encode() + b"\0" + body, hashlib.sha256).hexdigest()


def _hash(*parts: str | int) -> str:
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()
