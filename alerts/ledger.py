"""What was told, to whom, when: SQLite on this machine's disk, fsynced before anything is sent.

A thread of its own writes; what has queued up while it wrote goes into the next commit together. Each row carries a
checksum, and the number of the newest one is mirrored in a file beside: damage and a lost tail are noticed, and a
damaged row is left out, never guessed. When the disk fails, alerts go on from memory and the loss is counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from alerts.alert import AlertKey, Condition, Incident, Level, Notification
from alerts.failpoints import reach
from monitor.domain.identity import PoolId
from monitor.names import Metrics

log = structlog.get_logger()
SCHEMA = 1
FILE = "ledger.sqlite"
HEAD = "ledger.head"
KEEP_NS = 7 * 86_400 * 1_000_000_000  # undelivered messages are kept 72 h at least (FAULTS L4)
UNSETTLED = ("intent", "sent")
TABLES = """
CREATE TABLE IF NOT EXISTS intents (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, created_ns INTEGER, body TEXT, mark TEXT);
CREATE TABLE IF NOT EXISTS deliveries (id TEXT, receiver TEXT, state TEXT, attempts INTEGER, reason TEXT, mark TEXT,
    PRIMARY KEY (id, receiver));
CREATE TABLE IF NOT EXISTS incidents (pool TEXT, condition TEXT, number INTEGER, level INTEGER, occasion INTEGER,
    opened_ns INTEGER, told_ns INTEGER, worst INTEGER, is_open INTEGER, mark TEXT, PRIMARY KEY (pool, condition));
"""


class LedgerTooNew(Exception):
    """Written by a later release: refused, because what it says can't be known."""


class Unsettled(NamedTuple):
    """A notification that some receiver may not have, and how far each one got."""

    notification: Notification
    states: dict[str, str]  # by receiver: intent, sent, confirmed, rejected or superseded


class Restored(NamedTuple):
    """What the last run left behind. `damage` is in words, for a page."""

    incidents: tuple[Incident, ...]
    numbers: dict[AlertKey, int]
    unsettled: tuple[Unsettled, ...]
    damage: tuple[str, ...]


class Intent(NamedTuple):
    """What is written before anything is sent: the notification, its incidents, who is to be told."""

    notification: Notification
    incidents: tuple[Incident, ...]
    receivers: tuple[str, ...]


class _Write(NamedTuple):
    apply: Callable[[sqlite3.Connection], None]
    done: Callable[[bool], None]


class Ledger:
    """`open` first, then `intend` and `settle`, then `close`."""

    def __init__(self, folder: Path, metrics: Metrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._database: sqlite3.Connection | None = None
        self._seq = 0

    def open(self) -> Restored:
        """Reads what is there and starts the writer; raises LedgerTooNew."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        damage: list[str] = []
        try:
            self._database = self._connect()
        except sqlite3.DatabaseError as error:
            damage.append(self._put_aside(error))
            self._database = self._connect()
        restored = self._read(self._database, damage)
        self._thread.start()
        return restored

    async def intend(self, intents: Sequence[Intent]) -> bool:
        """Writes intents and incidents in one commit; answers whether they are on the disk."""
        reach("intent_queued")
        return await self._written(lambda database: self._write_intents(database, intents))

    async def settle(self, id: str, receiver: str, state: str, attempts: int, reason: str = "") -> bool:
        """Writes what became of a notification at a receiver: sent, confirmed, rejected or superseded."""
        reach("outcome_queued")
        row = (id, receiver, state, attempts, reason)
        return await self._written(lambda database: _put(database, "deliveries", row))

    def close(self) -> None:
        """Writes what is queued and stops."""
        if self._thread.is_alive():
            self._writes.put(None)
            self._thread.join(timeout=5)

    async def _written(self, apply: Callable[[sqlite3.Connection], None]) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        def done(is_written: bool) -> None:
            loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(is_written))

        self._writes.put(_Write(apply, done))
        self._metrics.ledger_backlog.set(self._writes.qsize())
        return await future

    def _work(self) -> None:
        while True:
            first = self._writes.get()
            if first is None:
                break
            batch = [first]
            is_last = False
            while not self._writes.empty():
                write = self._writes.get()
                if write is None:
                    is_last = True
                    break
                batch.append(write)
            is_written = self._commit(batch)
            for write in batch:
                write.done(is_written)
            if is_last:
                break
        if self._database is not None:
            self._database.close()

    def _commit(self, batch: Sequence[_Write]) -> bool:
        began_s = time.perf_counter()
        assert self._database is not None
        try:
            with self._database:
                for write in batch:
                    write.apply(self._database)
                reach("intent_written")
            reach("intent_committed")
            self._write_head()
            reach("head_written")
        except (sqlite3.Error, OSError) as error:
            self._metrics.ledger_errors.inc(len(batch))
            log.error("ledger_write_failed", error=str(error))
            return False
        self._metrics.ledger_commit_seconds.observe(time.perf_counter() - began_s)
        return True

    def _write_intents(self, database: sqlite3.Connection, intents: Sequence[Intent]) -> None:
        for intent in intents:
            notification = intent.notification
            self._seq += 1
            body = msgspec.json.encode(notification).decode()
            _put(database, "intents", (self._seq, notification.id, notification.created_ns, body))
            for incident in intent.incidents:
                _put(database, "incidents", _incident_row(incident))
            for receiver in intent.receivers:
                _put(database, "deliveries", (notification.id, receiver, "intent", 0, ""))

    def _connect(self) -> sqlite3.Connection:
        path = self._folder / FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        (verdict,) = database.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA:
            raise LedgerTooNew(
                f"{path} has schema {version}, this release knows {SCHEMA}: run a later release"
            )
        database.executescript(TABLES)
        database.execute(f"PRAGMA user_version={SCHEMA}")
        return database

    def _put_aside(self, error: sqlite3.DatabaseError) -> str:
        """Keeps a file that can't be read, for whoever wants to look; a new one is begun."""
        aside = self._folder / f"{FILE}.damaged-{time.time_ns()}"
        for suffix in ("", "-wal", "-shm"):
            path = self._folder / f"{FILE}{suffix}"
            if path.exists():
                path.rename(f"{aside}{suffix}")
        return (
            f"the ledger could not be read ({error}) and was kept as {aside.name}; what was open is not known"
        )

    def _read(self, database: sqlite3.Connection, damage: list[str]) -> Restored:
        incidents = [_incident(row[:-1]) for row in _rows(database, "incidents", damage)]
        self._seq = self._check_tail(database, damage)
        self._prune(database)
        states: dict[str, dict[str, str]] = {}
        for id_, receiver, state, *_ in _rows(database, "deliveries", damage):
            states.setdefault(str(id_), {})[str(receiver)] = str(state)
        unsettled = [
            Unsettled(msgspec.json.decode(str(body), type=Notification), states[str(id_)])
            for _, id_, _, body, _ in _rows(database, "intents", damage)
            if any(state in UNSETTLED for state in states.get(str(id_), {}).values())
        ]
        return Restored(
            tuple(incident for incident, is_open in incidents if is_open),
            {incident.key: incident.number for incident, _ in incidents},
            tuple(unsettled),
            tuple(damage),
        )

    def _check_tail(self, database: sqlite3.Connection, damage: list[str]) -> int:
        (newest,) = database.execute("SELECT COALESCE(MAX(seq), 0) FROM intents").fetchone()
        head = self._read_head(damage)
        if newest < head:
            damage.append(f"the ledger ends at record {newest}, {head - newest} later ones are missing")
        return max(int(newest), head)

    def _prune(self, database: sqlite3.Connection) -> None:
        with database:
            database.execute("DELETE FROM intents WHERE created_ns < ?", (time.time_ns() - KEEP_NS,))
            database.execute("DELETE FROM deliveries WHERE id NOT IN (SELECT id FROM intents)")

    def _read_head(self, damage: list[str]) -> int:
        path = self._folder / HEAD
        try:
            number, mark = path.read_text().split()
            if mark == _mark((number,)):
                return int(number)
        except FileNotFoundError:
            return 0
        except (ValueError, OSError):
            pass
        damage.append(f"{HEAD} is damaged: whether the ledger lost its tail can't be told")
        return 0

    def _write_head(self) -> None:
        path, fresh = self._folder / HEAD, self._folder / f"{HEAD}.new"
        with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
            file.write(f"{self._seq} {_mark((str(self._seq),))}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def _put(database: sqlite3.Connection, table: str, row: tuple[object, ...]) -> None:
    marks = ",".join("?" * (len(row) + 1))
    database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (*row, _mark(row)))  # noqa: S608


def _rows(database: sqlite3.Connection, table: str, damage: list[str]) -> Iterable[tuple[object, ...]]:
    """The rows whose checksum holds; the others are named in `damage`."""
    for row in database.execute(f"SELECT * FROM {table} ORDER BY rowid"):  # noqa: S608
        if row[-1] == _mark(row[:-1]):
            yield row
        else:
            damage.append(f"a record of the ledger's {table} is damaged and was left out: {row[0]!r}")


def _mark(row: Sequence[object]) -> str:
    return hashlib.blake2b(repr(tuple(row)).encode(), digest_size=12).hexdigest()


def _incident_row(incident: Incident) -> tuple[object, ...]:
    key = incident.key
    return (
        key.pool,
        key.condition.value,
        incident.number,
        int(incident.level),
        incident.occasion,
        incident.opened_ns,
        incident.told_ns,
        int(incident.worst),
        int(incident.level > Level.CLEAR),
    )


def _incident(row: Sequence[object]) -> tuple[Incident, bool]:
    pool, condition = str(row[0]), Condition(str(row[1]))
    number, level, occasion, opened_ns, told_ns, worst, is_open = (int(str(value)) for value in row[2:])
    key = AlertKey(PoolId(pool), condition)
    return Incident(key, number, Level(level), occasion, opened_ns, told_ns, Level(worst)), bool(is_open)
