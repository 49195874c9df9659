"""What was told, to whom, when: SQLite on this machine's disk, fsynced before anything is sent.

A thread of its own writes; what has queued up while it wrote goes into the next commit together. When the
disk fails, alerts go on from memory, the loss is counted, and what is owed to the disk is written when it
takes it again. A crash of the thread is raised to whoever waits for it: the daemon ends, loudly.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from alerts.alert import Ack, Incident, Notification
from alerts.failpoints import reach
from alerts.ledger_file import LedgerInUse, LedgerRefused, LedgerTooNew, lock, open_ledger, write_head
from alerts.ledger_restored import Restored, restored_from
from alerts.ledger_rows import (
    OpenRoute,
    Remembered,
    Unsettled,
    ack_row,
    body_of,
    put,
    put_incident,
    silence_row,
)
from alerts.silences import Silence
from monitor.names import Metrics

__all__ = [
    "Intent",
    "Ledger",
    "LedgerCrashed",
    "LedgerInUse",
    "LedgerRefused",
    "LedgerTooNew",
    "OpenRoute",
    "Remembered",
    "Restored",
    "Unsettled",
]
log = structlog.get_logger()
RETRY_S = 1.0  # how often a failing disk is tried when nobody writes
MOST_OWED = 10_000  # writes kept in memory for a failing disk; later ones are lost to it
MIRROR_S = 0.02  # the head counter follows the commits within this time
CLOSE_S = 5.0


class LedgerCrashed(Exception):
    """The thread that writes has died of a fault of ours: nothing can be promised any more."""


class Intent(NamedTuple):
    """What is written before anything is sent: the notification, its incidents, who is to be told."""

    notification: Notification
    incidents: tuple[Incident, ...]
    routes: tuple[tuple[str, ...], ...]


class _Write(NamedTuple):
    apply: Callable[[sqlite3.Connection], object]
    done: Callable[[bool | BaseException], None]


class Ledger:
    """`open` first, then `intend` and `settle`, then `close`."""

    def __init__(self, folder: Path, metrics: Metrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._database: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._newest = 0
        self._mirrored = 0
        self._mirrored_s = 0.0
        self._owed: list[_Write] = []
        self._crash: BaseException | None = None
        self.is_failing = False  # the last commit did not reach the disk

    def open(self) -> Restored:
        """Reads what is there and starts the writer; raises LedgerRefused."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            self._lock = lock(self._folder)
        except OSError as error:
            log.error("ledger_folder_unusable", error=str(error))
        opened = open_ledger(self._folder)
        self._database = opened.database
        self._newest = self._mirrored = opened.newest
        self.is_failing = opened.database is None
        self._thread.start()
        return restored_from(opened.contents, opened.lost, opened.damage)

    async def intend(self, intents: Sequence[Intent]) -> bool:
        """Writes intents and incidents in one commit; answers whether they are on the disk."""
        reach("intent_queued")
        bodies = [body_of(intent.notification) for intent in intents]
        return await self._written(lambda database: self._write_intents(database, intents, bodies))

    async def settle(
        self, id_: str, route: int, receiver: str, state: str, attempts: int, reason: str = ""
    ) -> bool:
        """Writes what became of a notification at a receiver: sent, confirmed, rejected or superseded."""
        reach("outcome_queued")
        row = (id_, route, receiver, state, attempts, reason)
        return await self._written(lambda database: put(database, "deliveries", row))

    async def keep_ack(self, ack: Ack) -> bool:
        """Writes who has an incident; answers whether it is on the disk."""
        reach("ack_queued")
        is_kept = await self._written(lambda database: put(database, "acks", ack_row(ack)))
        reach("ack_committed")
        return is_kept

    def remember(self, line: Remembered) -> None:
        """Writes what a receiver wants to know again, after what is queued and before what comes: nobody
        waits for it."""
        reach("remembered_queued")
        self._put(lambda database: _remembered(database, line))

    def forget(self, receiver: str, name: str) -> None:
        """Takes such a line away, in the same manner."""
        statement = "DELETE FROM remembered WHERE receiver = ? AND name = ?"
        self._put(lambda database: database.execute(statement, (receiver, name)))

    async def keep_silence(self, silence: Silence) -> bool:
        """Writes a silence, in place of the one of its id; answers whether it is on the disk."""
        reach("silence_queued")
        is_kept = await self._written(lambda database: put(database, "silences", silence_row(silence)))
        reach("silence_committed")
        return is_kept

    def close(self) -> None:
        """Writes what is queued and stops."""
        if self._thread.is_alive():
            self._writes.put(None)
            self._thread.join(timeout=CLOSE_S)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _put(self, apply: Callable[[sqlite3.Connection], object]) -> None:
        self._writes.put(_Write(apply, lambda _: None))

    async def _written(self, apply: Callable[[sqlite3.Connection], None]) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        def finish(result: bool | BaseException) -> None:
            if future.done():
                return
            if isinstance(result, bool):
                future.set_result(result)
            else:
                future.set_exception(LedgerCrashed("the ledger's thread has died"))

        def done(result: bool | BaseException) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, result)

        self._writes.put(_Write(apply, done))
        if self._crash is not None:  # it may have died before it saw this one
            raise LedgerCrashed("the ledger's thread has died") from self._crash
        self._metrics.ledger_backlog.set(self._writes.qsize() + len(self._owed))
        return await future

    def _work(self) -> None:
        batch: list[_Write] = []
        try:
            is_last = False
            while not is_last:
                batch, is_last = self._take()
                is_written = self._commit(batch)
                for write in batch:
                    write.done(is_written)
                if not batch or is_last or time.monotonic() - self._mirrored_s >= MIRROR_S:
                    self._mirror()
        except BaseException as error:
            self._crash = error
            left, _ = self._take(wait_s=0.0)
            for write in (*batch, *left):
                write.done(error)
            raise
        finally:
            if self._database is not None:
                self._database.close()

    def _take(self, wait_s: float | None = None) -> tuple[list[_Write], bool]:
        """All that is queued, after waiting for the first; empty when it is time for something else."""
        if wait_s is None:
            wait_s = self._patience_s()
        batch: list[_Write] = []
        try:
            write = self._writes.get(timeout=wait_s) if wait_s != 0 else self._writes.get_nowait()
            while write is not None:
                batch.append(write)
                write = self._writes.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _patience_s(self) -> float | None:
        if self._newest != self._mirrored and self._database is not None:
            return MIRROR_S
        return RETRY_S if self._owed else None

    def _commit(self, batch: Sequence[_Write]) -> bool:
        if self._database is None:
            self._metrics.ledger_errors.inc(len(batch))
            return not batch
        if not batch and not self._owed:
            return True
        began_s = time.perf_counter()
        before = self._newest
        try:
            with self._database:
                for write in (*self._owed, *batch):
                    write.apply(self._database)
                reach("commit_begun")
            reach("committed")
            self._owed.clear()
        except sqlite3.Error as error:
            self._fail(batch, before, error)
            return False
        self.is_failing = False
        self._metrics.ledger_commit_seconds.observe(time.perf_counter() - began_s)
        return True

    def _fail(self, batch: Sequence[_Write], before: int, error: Exception) -> None:
        """Keeps what the disk did not take; written twice is the same as written once."""
        self._newest = before
        self._owed += batch[: MOST_OWED - len(self._owed)]
        self.is_failing = True
        self._metrics.ledger_errors.inc(max(1, len(batch)))
        log.error("ledger_write_failed", error=str(error))

    def _mirror(self) -> None:
        """A while after the commits: a head that is behind is no damage, and a page is in a hurry.

        What it costs: a disk that loses the very commits of a daemon's last moment does so unnoticed, and a
        page is told again.
        """
        self._mirrored_s = time.monotonic()
        if self._newest == self._mirrored or self._database is None:
            return
        try:
            write_head(self._folder, self._newest)
        except OSError as error:
            self.is_failing = True
            self._metrics.ledger_errors.inc()
            log.error("ledger_head_not_written", error=str(error))
        else:
            self._mirrored = self._newest
            reach("head_written")

    def _write_intents(
        self, database: sqlite3.Connection, intents: Sequence[Intent], bodies: Sequence[str]
    ) -> None:
        for intent, body in zip(intents, bodies, strict=True):
            notification = intent.notification
            self._newest += 1
            routes = msgspec.json.encode(intent.routes).decode()
            row = (self._newest, notification.id, notification.created_ns, routes, body)
            put(database, "intents", row)
            for incident in intent.incidents:
                put_incident(database, incident)
            for number, receivers in enumerate(intent.routes):
                for receiver in receivers:
                    put(database, "deliveries", (notification.id, number, receiver, "intent", 0, ""))


def _remembered(database: sqlite3.Connection, line: Remembered) -> None:
    put(database, "remembered", line)
    reach("remembered_put")
