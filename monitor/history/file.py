"""The file of the history: SQLite, one row a batch, each with its checksum. Written by one thread.

Losing the last second of it in a power cut is accepted, and so the disk is not waited for. What can't be
opened is kept aside: a history begins anew, and no alert waits for it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from monitor.config_history import History
from monitor.history.records import SCHEMA, Batch, Pool, Settings, encoded, mark_of

log = structlog.get_logger()
FOLDER, FILE = "history", "history.sqlite"
DAY_NS = 86_400 * 1_000_000_000
TRIM_SHARE = 20  # one part in so many goes when there is no room
CREATE = """
PRAGMA auto_vacuum=INCREMENTAL;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value INTEGER, mark BLOB);
CREATE TABLE IF NOT EXISTS pools (number INTEGER PRIMARY KEY, body BLOB, mark BLOB);
CREATE TABLE IF NOT EXISTS settings (since_ns INTEGER PRIMARY KEY, body BLOB, mark BLOB);
CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY, from_ns INTEGER, to_ns INTEGER, body BLOB,
    mark BLOB);
"""
_pools = msgspec.msgpack.Decoder(Pool)
UNREADABLE = (sqlite3.Error, UnicodeDecodeError, msgspec.MsgspecError)


class HistoryTooNew(Exception):
    """Written by a later release; the text says what to do."""


class HistoryFile:
    """`open`, then `add` and `trim`, then `close`. Raises sqlite3.Error and OSError where the disk does."""

    def __init__(self, data_dir: Path, limits: History) -> None:
        self._folder = data_dir / FOLDER
        self._limits = limits
        self._database: sqlite3.Connection | None = None
        self._seq = 0
        self.numbers: dict[Pool, int] = {}
        self.is_begun_anew = False  # what was there could not be read

    def open(self) -> None:
        """Finds what is there, or begins; a file that is damaged is put aside."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._open()
        except HistoryTooNew as newer:
            self.put_aside(str(newer))
        except UNREADABLE as error:
            if not is_damage(error):
                raise
            self.put_aside(str(error))

    def add(self, batch: Batch, span: tuple[int, int], pools: Sequence[tuple[int, Pool]]) -> None:
        """Writes a batch and the pools that are new in it, all or nothing."""
        body, seq = encoded(batch), self._seq + 1
        with self._connected() as database:
            for number, pool in pools:
                self._put("pools", number, encoded(pool))
            row = (seq, *span, body)
            database.execute("INSERT INTO batches VALUES (?,?,?,?,?)", (*row, mark_of("batches", *row)))
            self._put_newest(seq)
        self._seq = seq

    def settle(self, settings: Settings) -> None:
        """Writes what is judged by from now on."""
        with self._connected():
            self._put("settings", settings.since_ns, encoded(settings))

    def trim(self, wall_ns: int) -> int:
        """Removes what is too old, and the oldest of what is too much; answers the bytes that are left."""
        database, oldest_ns = self._connected(), wall_ns - round(self._limits.keep_days * DAY_NS)
        with database:
            database.execute("DELETE FROM batches WHERE to_ns < ? AND seq < ?", (oldest_ns, self._seq))
        while self.bytes > self._limits.most_mb * 1_000_000 and self._drop_oldest():
            pass
        database.execute("PRAGMA incremental_vacuum").fetchall()
        return self.bytes

    def put_aside(self, why: str) -> None:
        """Keeps the file under another name, and begins anew."""
        log.error("history_begun_anew", reason=why[:200])
        self.close()
        self.is_begun_anew = True
        aside = f"{FILE}.damaged-{time.time_ns()}"
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{FILE}{suffix}").rename(self._folder / f"{aside}{suffix}")
        self._open()

    @property
    def bytes(self) -> int:
        """In use on the disk."""
        pages, free, size = (
            self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def close(self) -> None:
        """Lets go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> None:
        path = self._folder / FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
        database.text_factory = forgiving  # a flipped byte is a wrong checksum
        try:
            database.executescript(CREATE)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("PRAGMA journal_size_limit=16000000")
            schema = about(database, "schema")
            if schema is not None and schema > SCHEMA:
                raise HistoryTooNew(f"{path} has schema {schema}, this release knows {SCHEMA}")
            self._database = database
            if schema is None:
                with database:
                    self._put("about", "schema", SCHEMA)
            self.numbers = {pool: number for number, pool in pools_of(database)[0].items()}
            newest = database.execute("SELECT MAX(seq) FROM batches").fetchone()[0]
            self._seq = max(newest or 0, about(database, "newest") or 0)
        except BaseException:
            database.close()
            self._database = None
            raise

    def _put(self, table: str, key: object, value: object) -> None:
        row = (key, value)
        self._connected().execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?,?,?)",  # noqa: S608  names of ours
            (*row, mark_of(table, *row)),
        )

    def _put_newest(self, seq: int) -> None:
        self._put("about", "newest", seq)

    def _drop_oldest(self) -> bool:
        count = self._number("SELECT COUNT(*) FROM batches")
        with self._connected() as database:
            database.execute(
                "DELETE FROM batches WHERE seq IN (SELECT seq FROM batches ORDER BY seq LIMIT ?)",
                (min(count - 1, 1 + count // TRIM_SHARE),),  # the newest stays
            )
        return count > 1

    def _number(self, query: str) -> int:
        return int(self._connected().execute(query).fetchone()[0])

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.OperationalError("the history is not open")
        return self._database


def is_damage(error: Exception) -> bool:
    """Whether it is what is on the disk, and not the disk."""
    return not isinstance(error, (sqlite3.OperationalError, OSError))


def forgiving(raw: bytes) -> str:
    """Text of a row, whatever bytes are in it."""
    return raw.decode("utf-8", "replace")


def about(database: sqlite3.Connection, name: str) -> int | None:
    """What the file says of itself, None where it says nothing that holds."""
    row = database.execute("SELECT * FROM about WHERE name = ?", (name,)).fetchone()
    return int(row[1]) if row is not None and row[2] == mark_of("about", *row[:2]) else None


def pools_of(database: sqlite3.Connection) -> tuple[dict[int, Pool], int]:
    """The pools by their numbers, and how many are damaged."""
    found, damaged = {}, 0
    for number, body, mark in database.execute("SELECT * FROM pools"):
        if mark == mark_of("pools", number, body):
            found[number] = _pools.decode(body)
        else:
            damaged += 1
    return found, damaged
