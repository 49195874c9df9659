"""`margind status`: every pool of a shard as the daemon last wrote it to Redis, the most dangerous first.

Reads only the store, so it works from any machine that reaches it, and says so when nobody has written there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

import msgspec
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from monitor.domain.assessment import RiskBand
from monitor.sinks.danger import danger_key
from monitor.sinks.embedded_store import find_store_url
from monitor.sinks.state_record import SCHEMA, Keys, StateMeta, StateRecord
from monitor.sinks.store_client import client
from monitor.status_table import plain_table, rich_table

ALL_CLEAR, IN_DANGER, UNKNOWN, NO_DAEMON = 0, 1, 2, 3
BANDS = frozenset(band.label for band in RiskBand)
ANSWER_S = 5.0
SILENT_S = 10.0  # the daemon writes several times a second; /healthz has the same limit


class Shown(msgspec.Struct, frozen=True):
    """What was read: the JSON of `status --json`."""

    shard: str
    exit_code: int
    message: str
    meta: StateMeta | None
    age_s: float | None  # since the daemon last wrote
    ignored: int  # values that are not of our schema
    pools: list[StateRecord]


def status(
    data_dir: Path,
    url: str | None = None,
    *,
    password: str | None = None,
    shard: str = "main",
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Prints the table and returns the exit code.

    0: every pool is clear. 1: one is at warning or worse. 2: one is UNKNOWN (others may be in danger). 3: no
    store answers, or no daemon has written to it in the last 10 s, so that nothing can be said.
    `url` None looks for the embedded store of `data_dir`.
    """
    out = out or sys.stdout
    shown = _read(data_dir, url, password, shard)
    if as_json:
        out.write(msgspec.json.encode(shown).decode() + "\n")
        return shown.exit_code
    if shown.pools:
        table = rich_table if out.isatty() else plain_table
        table(shown.pools, out)
    out.write(shown.message + "\n")
    return shown.exit_code


def _read(data_dir: Path, url: str | None, password: str | None, shard: str) -> Shown:
    try:
        url = url or find_store_url(data_dir)
    except OSError as error:
        return _nothing(shard, f"can't look into {data_dir}: {error.strerror}")
    if url is None:
        return _nothing(shard, f"no store in {data_dir}: is the daemon running? (margind run, or --url)")
    try:
        raw_meta, raw_pools = _fetch(url, password, Keys(shard))
    except (RedisError, OSError, ValueError) as error:
        place = url.rsplit("@", 1)[-1]
        return _nothing(shard, f"the store at {place} does not answer ({error}): is the daemon running?")
    return judge(shard, raw_meta, raw_pools, time.time_ns())


def _fetch(url: str, password: str | None, keys: Keys) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    options = {
        "password": password,
        "protocol": 2,
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
    }
    with client(url, options) as reader, reader.pipeline(transaction=True) as pipeline:
        pipeline.hgetall(keys.meta)
        pipeline.hgetall(keys.state)
        meta, pools = pipeline.execute()
    return meta, pools


def judge(shard: str, raw_meta: dict[bytes, bytes], raw_pools: dict[bytes, bytes], now_ns: int) -> Shown:
    """What the two hashes say at this moment; values that are not of our schema are counted and left out."""
    meta = _meta(raw_meta)
    records = [record for record in map(_record, raw_pools.values()) if record is not None]
    ignored = len(raw_pools) - len(records)
    if meta is None:
        return _nothing(shard, f"no daemon has written shard {shard!r} to this store", ignored=ignored)
    age_s = round(max(0, now_ns - meta.as_of_ns) / 1e9, 1)
    if age_s >= SILENT_S:
        silence = f"no daemon has written here for {age_s:.0f} s (pid {meta.pid}, {meta.source or 'no file'})"
        return Shown(shard, NO_DAEMON, silence, meta, age_s, ignored, sorted(records, key=danger_key))
    records.sort(key=danger_key)
    message = f"{len(records)} pools, written {age_s:.1f} s ago by pid {meta.pid}"
    if ignored:
        message += f"; {ignored} values ignored: not of schema {SCHEMA}"
    return Shown(shard, _exit_code(records), message, meta, age_s, ignored, records)


def _exit_code(records: list[StateRecord]) -> int:
    bands = {record.band for record in records}
    if RiskBand.UNKNOWN.label in bands:
        return UNKNOWN
    return ALL_CLEAR if bands <= {RiskBand.CLEAR.label} else IN_DANGER


def _record(raw: bytes) -> StateRecord | None:
    try:
        record = msgspec.json.decode(raw, type=StateRecord)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.schema == SCHEMA and record.band in BANDS else None


def _meta(raw: dict[bytes, bytes]) -> StateMeta | None:
    try:
        words = {name.decode(): value.decode() for name, value in raw.items()}
        meta = msgspec.convert(words, StateMeta, strict=False)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return None
    return meta if meta.schema == SCHEMA else None


def _nothing(shard: str, message: str, ignored: int = 0) -> Shown:
    return Shown(shard, NO_DAEMON, message, None, None, ignored, [])
