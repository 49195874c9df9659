"""What the executor has begun: written and synced before an order leaves, and never begun twice.

SQLite with `synchronous=FULL`, one checksum a row. A journal that is damaged, or of somebody else, keeps the
executor from starting: an order that is not remembered could be sent again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.orders import Order
from alerts.ledger_file import lock
from alerts.ledger_rows import mark_of
from monitor.deleverage.request import DeleverageResult

FILE = "executor.sqlite"
SCHEMA = 1
CREATE = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT, mark TEXT);
CREATE TABLE requests (id TEXT PRIMARY KEY, digest TEXT, at_ns INTEGER, result TEXT, mark TEXT);
CREATE TABLE steps (client_id TEXT PRIMARY KEY, request TEXT, step INTEGER, account TEXT, at_ns INTEGER,
    notional REAL, body TEXT, result TEXT, mark TEXT);
"""
TABLES = ("facts", "requests", "steps")
KEEP_NS = 90 * 86_400 * 1_000_000_000
ENDS_KNOWN = ("done", "partly", "refused")


class JournalRefused(Exception):
    """The journal can't be trusted or written; the text says what to do."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A step of which an order was, or may have been, sent. `result` None: how it ended is not known."""

    request: str
    step: int
    account: str
    at_ns: int  # wall clock, before it was sent
    notional: float
    order: Order | None  # None: refused before there was one
    result: DeleverageResult | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its end is known."""
        return self.result is not None and self.result.state.value in ENDS_KNOWN


class Journal:
    """One folder, one process. Every write is on the disk when its method returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = lock(folder)
        try:
            self._database = _opened(folder / FILE)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            os.close(self._lock)
            raise JournalRefused(_advice(folder / FILE, str(error))) from None
        except BaseException:
            os.close(self._lock)
            raise
        self.name = self._named()
        self._prune()

    def close(self) -> None:
        """Lets go of the folder."""
        self._database.close()
        os.close(self._lock)

    # --- facts ------------------------------------------------------------------------------------

    @property
    def fence(self) -> int:
        """The highest epoch that was ever seen."""
        return int(self._fact("fence") or 0)

    def raise_fence(self, epoch: int) -> None:
        """Remembers a higher epoch."""
        if epoch > self.fence:
            self._set_fact("fence", str(epoch))

    def locked(self, account: str) -> str:
        """Why nothing more is done for an account; "" where nothing is in the way."""
        return self._fact(f"lock {account}") or ""

    def lock_account(self, account: str, why: str) -> None:
        """Nothing more is done for it until somebody has looked."""
        self._set_fact(f"lock {account}", why)

    def release_account(self, account: str) -> None:
        """Somebody has looked."""
        self._set_fact(f"lock {account}", "")

    # --- requests and steps -----------------------------------------------------------------------

    def note_request(self, id_: str, body: bytes, at_ns: int) -> bool:
        """Remembers a request; False where another one of the same id was here before."""
        digest = hashlib.sha256(body).hexdigest()
        row = self._one("SELECT digest FROM requests WHERE id = ?", id_)
        if row is None:
            self._put("requests", (id_, digest, at_ns, ""))
            return True
        return bool(row[0] == digest)

    def refuse_request(self, result: DeleverageResult) -> None:
        """What was told to be refused stays so, whoever brings it again."""
        row = self._one("SELECT id, digest, at_ns FROM requests WHERE id = ?", result.request)
        assert row is not None
        self._put("requests", (*row, msgspec.json.encode(result).decode()))

    def refused(self, id_: str) -> DeleverageResult | None:
        """The refusal of a whole request, where it was refused before."""
        row = self._one("SELECT result FROM requests WHERE id = ?", id_)
        return msgspec.json.decode(str(row[0]), type=DeleverageResult) if row and row[0] else None

    def begin(self, client_id: str, begun: Begun) -> None:
        """Written and synced before the order leaves; raises JournalRefused where it was begun before."""
        if self.step(client_id) is not None:
            raise JournalRefused(f"{client_id} was begun before")
        self._write(client_id, begun)

    def settle(self, client_id: str, result: DeleverageResult) -> None:
        """How it ended, or that nobody knows yet."""
        begun = self.step(client_id)
        assert begun is not None
        self._write(client_id, msgspec.structs.replace(begun, result=result))

    def step(self, client_id: str) -> Begun | None:
        """A step that was begun, or refused."""
        row = self._one("SELECT * FROM steps WHERE client_id = ?", client_id)
        return None if row is None else _begun(row)

    def unsettled(self) -> list[tuple[str, Begun]]:
        """The orders of which nobody knows how they ended, oldest first."""
        rows = self._database.execute("SELECT * FROM steps ORDER BY at_ns").fetchall()
        found = [(str(row[0]), _begun(row)) for row in rows]
        return [(client_id, begun) for client_id, begun in found if not begun.is_settled]

    def used(self, account: str, since_ns: int) -> float:
        """Notional of the account's orders since then; one that the venue refused took nothing."""
        rows = self._database.execute(
            "SELECT * FROM steps WHERE account = ? AND at_ns > ?", (account, since_ns)
        ).fetchall()
        return sum(_counts(_begun(row)) for row in rows)

    # --- inside -----------------------------------------------------------------------------------

    def _write(self, client_id: str, begun: Begun) -> None:
        body = "" if begun.order is None else msgspec.json.encode(begun.order).decode()
        result = "" if begun.result is None else msgspec.json.encode(begun.result).decode()
        row = (begun.request, begun.step, begun.account, begun.at_ns, begun.notional, body, result)
        self._put("steps", (client_id, *row))

    def _prune(self) -> None:
        """Forgets what ended long ago: no request lives that long."""
        before_ns = time.time_ns() - KEEP_NS
        old = [
            str(row[0])
            for row in self._database.execute("SELECT * FROM steps WHERE at_ns < ?", (before_ns,)).fetchall()
            if _begun(row).is_settled
        ]
        with self._database:
            self._database.executemany("DELETE FROM steps WHERE client_id = ?", [(id_,) for id_ in old])
            self._database.execute("DELETE FROM requests WHERE at_ns < ?", (before_ns,))

    def _named(self) -> str:
        """The executor's own name in the consumer group, the same after every restart."""
        if self._fact("name") is None:
            self._set_fact("name", f"executor-{uuid.uuid4().hex[:12]}")
        return self._fact("name") or ""

    def _fact(self, name: str) -> str | None:
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        return None if row is None else str(row[0])

    def _set_fact(self, name: str, value: str) -> None:
        self._put("facts", (name, value))

    def _one(self, query: str, *given: object) -> tuple[object, ...] | None:
        row: tuple[object, ...] | None = self._database.execute(query, given).fetchone()
        return row

    def _put(self, table: str, row: tuple[object, ...]) -> None:
        marks = ",".join("?" * (len(row) + 1))
        try:
            with self._database:
                self._database.execute(
                    f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608  names of ours
                    (*row, mark_of(table, row)),
                )
        except sqlite3.Error as error:
            raise JournalRefused(f"the journal can't be written ({error}): nothing is placed") from None


def _counts(begun: Begun) -> float:
    result = begun.result
    if result is None or not begun.is_settled:
        return begun.notional
    if begun.order is None or result.state.value == "refused":
        return 0.0
    return begun.notional * min(1.0, float(Decimal(result.filled) / begun.order.quantity))


def _begun(row: tuple[object, ...]) -> Begun:
    _, request, step, account, at_ns, notional, body, result, _ = row
    return Begun(
        request=str(request),
        step=int(str(step)),
        account=str(account),
        at_ns=int(str(at_ns)),
        notional=float(str(notional)),
        order=msgspec.json.decode(str(body), type=Order) if body else None,
        result=msgspec.json.decode(str(result), type=DeleverageResult) if result else None,
    )


def _opened(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with contextlib.ExitStack() as stack:
        database = sqlite3.connect(path, isolation_level="IMMEDIATE")
        stack.callback(database.close)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        _check(database, path)
        stack.pop_all()
        return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise JournalRefused(_advice(path, str(verdict)))
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0 and not database.execute("SELECT name FROM sqlite_master").fetchall():
        with database:
            database.execute("BEGIN IMMEDIATE")
            for statement in filter(str.strip, CREATE.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {SCHEMA}")
        return
    if schema != SCHEMA:
        raise JournalRefused(f"{path} has schema {schema}, this release knows {SCHEMA}")
    for damage in _damaged(database):
        raise JournalRefused(_advice(path, damage))


def _damaged(database: sqlite3.Connection) -> Iterator[str]:
    for table in TABLES:
        for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608  names of ours
            if row[-1] != mark_of(table, row[:-1]):
                yield f"a damaged row of {table}"


def _advice(path: Path, why: str) -> str:
    advice = "look at the venue which orders were placed, then move it away"
    return f"{path} can't be trusted ({why[:200]}): {advice}"
