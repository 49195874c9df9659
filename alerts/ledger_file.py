"""The files of the ledger: opened, checked, mended. Damage at any byte is noticed and never invents a record.

What is damaged is kept aside for whoever wants to look, and what is whole in it goes into a new file. The
number of the newest intent is mirrored beside the database, because without its tail a file looks whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from alerts.ledger_rows import (
    ADDED,
    CREATE,
    SCHEMA,
    TABLES,
    UNREADABLE,
    Contents,
    mark_of,
    newest_of,
    put,
    read,
    salvage,
)

FILE = "ledger.sqlite"
HEAD = "ledger.head"
LOCK = "ledger.lock"
LOCK_S = 2.0  # a killed daemon needs some milliseconds to die
POLL_S = 0.02
KEEP_NS = 7 * 86_400 * 1_000_000_000  # undelivered messages are kept 72 h at least (FAULTS L4)
REMEMBER_NS = 30 * 86_400 * 1_000_000_000  # what receivers remember
DISK_TROUBLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class LedgerRefused(Exception):
    """The ledger can't be used, and going on without it would be wrong; the text says what to do."""


class LedgerTooNew(LedgerRefused):
    """Written by a later release: what it says can't be known."""


class LedgerInUse(LedgerRefused):
    """Another daemon writes it."""


class _Damaged(Exception):
    """The database can be opened and is not what we wrote."""


class Opened(NamedTuple):
    """`database` is None when the disk does not let us: then nothing is kept."""

    database: sqlite3.Connection | None
    contents: Contents
    newest: int  # the number of the newest intent that was ever written
    lost: int  # intents that are missing at the end
    damage: tuple[str, ...]  # in words, for a page


def lock(folder: Path) -> int:
    """Takes the folder for this process; answers the descriptor that holds it, or raises LedgerInUse."""
    holder = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    deadline_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                os.close(holder)
                raise LedgerInUse(f"another margind writes {folder}: stop it first") from None
            time.sleep(POLL_S)
        else:
            return holder


def open_ledger(folder: Path) -> Opened:
    """Everything that is whole in the folder, ready for more; raises LedgerRefused."""
    damage: list[str] = []
    database: sqlite3.Connection | None
    try:
        database, contents = _open_or_mend(folder, damage)
    except (*UNREADABLE, OSError) as error:
        database, contents = None, _look_only(folder)
        damage.append(f"the disk does not take the ledger ({error}): what is told from now on is not kept")
    damage += [
        f"{count} damaged records of the ledger's {table} were left out"
        for table, count in contents.refused.items()
        if count
    ]
    newest, head = newest_of(contents), _read_head(folder, damage)
    lost = max(0, head - newest)
    if lost:
        damage.append(f"the ledger ends at record {newest}: {lost} later ones are missing")
        _close_gap(database, head)
    return Opened(database, contents, max(newest, head), lost, tuple(damage))


def write_head(folder: Path, newest: int) -> None:
    """Mirrors the number of the newest intent: written aside, fsynced, put in place."""
    path, fresh = folder / HEAD, folder / f"{HEAD}.new"
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        file.write(f"{newest} {mark_of(HEAD, (newest,))}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _open_or_mend(folder: Path, damage: list[str]) -> tuple[sqlite3.Connection, Contents]:
    try:
        return _open(folder)
    except sqlite3.DatabaseError as error:
        if _is_disk_trouble(error):
            raise
        return _mend(folder, str(error), damage)
    except (_Damaged, UnicodeDecodeError) as error:
        return _mend(folder, str(error), damage)


def _is_disk_trouble(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in DISK_TROUBLE


def _open(folder: Path) -> tuple[sqlite3.Connection, Contents]:
    path = folder / FILE
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = _connect(str(path))
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        _check(database, path)
        contents = read(database)
        _prune(database, contents)
    except BaseException:
        database.close()
        raise
    return database, contents


def _connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE", uri=uri)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a flipped byte is a wrong checksum
    return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Raises unless the file is sound and laid out as this release does; an empty one is laid out."""
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise _Damaged(str(verdict))
    held = 0
    if _layout(database):
        held = _schema_of(database, path)
        with contextlib.closing(_connect(":memory:")) as model:
            model.executescript("".join(_statements(0, held)))
            if _layout(database) != _layout(model):
                raise _Damaged("the layout is not ours")
    if held < SCHEMA:
        with database:
            database.execute("BEGIN IMMEDIATE")  # Python begins none for a CREATE: a kill would leave a part
            for statement in _statements(held, SCHEMA):
                database.execute(statement)
            put(database, "about", ("ledger", SCHEMA))


def _statements(after: int, upto: int) -> list[str]:
    """What lays out a ledger of schema `upto` where one of schema `after` is; 0 where none is."""
    steps = {1: CREATE} | ADDED
    written = "".join(text for schema, text in steps.items() if after < schema <= upto)
    return [f"{statement};" for statement in written.split(";") if statement.strip()]


def _layout(database: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = database.execute("SELECT name, COALESCE(sql, '') FROM sqlite_master ORDER BY name")
    return [(name, " ".join(sql.split())) for name, sql in rows]


def _schema_of(database: sqlite3.Connection, path: Path) -> int:
    """The schema counts only with its checksum: one flipped bit must not keep the daemon from starting."""
    try:
        row = database.execute("SELECT name, schema, mark FROM about").fetchone()
    except sqlite3.OperationalError as error:
        raise _Damaged(str(error)) from error
    if row is None or row[2] != mark_of("about", row[:2]):
        raise _Damaged("what it says of itself is damaged")
    if row[1] > SCHEMA:
        raise LedgerTooNew(f"{path} has schema {row[1]}, this release knows {SCHEMA}: run a later release")
    return int(row[1])


def _mend(folder: Path, why: str, damage: list[str]) -> tuple[sqlite3.Connection, Contents]:
    """Keeps the damaged file aside and writes what is whole in it into a new one."""
    saved = _salvaged(folder)
    aside = folder / f"{FILE}.damaged-{time.time_ns()}"
    for suffix in ("", "-wal", "-shm"):
        path = folder / f"{FILE}{suffix}"
        if path.exists():
            path.rename(f"{aside}{suffix}")
    database, _ = _open(folder)
    with database:
        for table in TABLES:
            for row in saved.rows[table]:
                put(database, table, row)
    count = sum(map(len, saved.rows.values()))
    damage.append(
        f"the ledger is damaged ({why[:200]}): {count} records were saved, the file is kept as {aside.name}"
    )
    return database, saved


def _salvaged(folder: Path) -> Contents:
    try:
        with contextlib.closing(_connect(str(folder / FILE))) as database:
            return salvage(database)
    except UNREADABLE:
        return Contents({table: [] for table in TABLES}, dict.fromkeys(TABLES, 0))


def _look_only(folder: Path) -> Contents:
    """What can be read from a disk that can't be written; what only the write-ahead log holds is not seen."""
    try:
        with contextlib.closing(_connect(f"file:{folder / FILE}?immutable=1", uri=True)) as database:
            return salvage(database)
    except UNREADABLE:
        return Contents({table: [] for table in TABLES}, dict.fromkeys(TABLES, 0))


def _prune(database: sqlite3.Connection, contents: Contents) -> None:
    """Removes what is old, and what was refused: it is told of once."""
    with database:
        database.execute(
            "DELETE FROM intents WHERE created_ns < ? AND seq < (SELECT MAX(seq) FROM intents)",
            (time.time_ns() - KEEP_NS,),  # the newest stays: it says that no later one is missing
        )
        database.execute("DELETE FROM deliveries WHERE id NOT IN (SELECT id FROM intents)")
        database.execute("DELETE FROM silences WHERE ends_ns < ?", (time.time_ns() - KEEP_NS,))
        database.execute("DELETE FROM remembered WHERE at_ns < ?", (time.time_ns() - REMEMBER_NS,))
        for table, count in contents.refused.items():
            if count:
                _rewrite(database, table, contents)


def _rewrite(database: sqlite3.Connection, table: str, contents: Contents) -> None:
    database.execute(f"DELETE FROM {table}")  # noqa: S608  a name of ours
    for row in contents.rows[table]:
        put(database, table, row)


def _close_gap(database: sqlite3.Connection | None, head: int) -> None:
    """An empty record at the lost end, so that the next start does not miss it again."""
    if database is not None:
        with database:
            put(database, "intents", (head, f"lost-{head}", time.time_ns(), "[]", ""))


def _read_head(folder: Path, damage: list[str]) -> int:
    try:
        number, mark = (folder / HEAD).read_text(encoding="ascii").split()
        if mark == mark_of(HEAD, (int(number),)):
            return int(number)
    except FileNotFoundError:
        return 0
    except (ValueError, OSError):
        pass
    damage.append(f"{HEAD} is damaged: whether the ledger lost its tail can't be told")
    return 0
