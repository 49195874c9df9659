"""The history as it is read, while a daemon writes it or without one. Damage is told, and costs its batch."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from monitor.history.file import FILE, FOLDER, UNREADABLE, HistoryTooNew, about, forgiving, pools_of
from monitor.history.records import (
    SCHEMA,
    Batch,
    Decision,
    Pool,
    Rows,
    Settings,
    batch_from,
    mark_of,
    rows_of,
)

ALWAYS = (0, 2**63 - 1)
_settings = msgspec.msgpack.Decoder(Settings)


class Told(NamedTuple):
    """One evaluation of a pool."""

    at_ns: int
    band: int
    venue_band: int
    reasons: int
    flags: int
    equity: float
    maintenance: float
    distance: float
    margin_error: float
    unknown_since_ns: int
    unknown_seen_ns: int
    detail: str = ""

    @property
    def ratio(self) -> float | None:
        """Maintenance margin over equity; None where there is none."""
        if not self.maintenance > 0:
            return 0.0 if self.maintenance <= 0 else None
        return self.maintenance / self.equity if self.equity > 0 else None


class Kept(NamedTuple):
    """What was asked for; `damage` in words."""

    pools: dict[int, Pool]
    settings: tuple[Settings, ...]  # as they followed each other
    batches: tuple[Batch, ...]
    damage: tuple[str, ...]

    def settings_at(self, wall_ns: int) -> Settings:
        """What was in force at a moment."""
        before = [each for each in self.settings if each.since_ns <= wall_ns]
        return before[-1] if before else (self.settings or (Settings(0),))[0]

    @property
    def decisions(self) -> Iterator[Decision]:
        """What the alerts decided, in order."""
        return (decision for batch in self.batches for decision in batch.decisions)

    def of_pool(self, pool: str) -> list[Told]:
        """The evaluations of one pool, in order."""
        numbers = [number for number, known in self.pools.items() if known.id == pool]
        return [told for batch in self.batches for told in _of(batch, numbers)]


def read(data_dir: Path, span: tuple[int, int] = ALWAYS) -> Kept:
    """Everything between two moments of the wall clock; raises HistoryTooNew, and FileNotFoundError."""
    path = data_dir / FOLDER / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: no daemon has kept a history in {data_dir}")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = forgiving
            return _read(database, path, span)
    except UNREADABLE as error:
        return Kept({}, (), (), (f"{path} can't be read: {error}",))


def _read(database: sqlite3.Connection, path: Path, span: tuple[int, int]) -> Kept:
    schema = about(database, "schema")
    if schema is not None and schema > SCHEMA:
        raise HistoryTooNew(f"{path} has schema {schema}, this release knows {SCHEMA}: run a later release")
    damage = [] if schema == SCHEMA else ["the history does not say how it is laid out"]
    pools, spoiled = pools_of(database)
    if spoiled:
        damage.append(f"{spoiled} names of pools are damaged: what is kept of them is left out")
    settings = tuple(_settings_of(database, damage))
    batches = tuple(_batches_of(database, span, damage))
    _note_unnamed(batches, pools, damage)
    return Kept(pools, settings, batches, tuple(damage))


def _settings_of(database: sqlite3.Connection, damage: list[str]) -> Iterator[Settings]:
    for since_ns, body, mark in _rows(database, "SELECT * FROM settings ORDER BY since_ns", (), damage):
        if mark == mark_of("settings", since_ns, body):
            yield _settings.decode(body)
        else:
            damage.append("a record of the thresholds in force is damaged and left out")


def _batches_of(database: sqlite3.Connection, span: tuple[int, int], damage: list[str]) -> Iterator[Batch]:
    """Those that are whole. What is missing between two, or at the end, is told."""
    query = "SELECT * FROM batches NOT INDEXED WHERE to_ns >= ? AND from_ns <= ? ORDER BY seq"
    last = spoiled = missing = 0
    for *row, mark in _rows(database, query, span, damage):
        if mark != mark_of("batches", *row):
            spoiled += 1
            continue
        missing += row[0] - last - 1 if last else 0
        last = row[0]
        yield batch_from(row[3])
    newest = about(database, "newest")
    if newest is None and last:
        damage.append("which batch is the newest can't be told: some may be missing")
    if newest is not None and span[1] == ALWAYS[1]:
        missing += max(0, newest - last)
    lost = max(missing, spoiled)
    if lost:
        damage.append(f"{lost} batches are damaged or missing, about a second each: they are left out")


def _rows(
    database: sqlite3.Connection, query: str, given: tuple[int, ...], damage: list[str]
) -> Iterator[tuple[Any, ...]]:
    """As far as they can be read."""
    try:
        yield from database.execute(query, given)
    except UNREADABLE as error:
        damage.append(f"the file is damaged: {error}")


def _note_unnamed(batches: tuple[Batch, ...], pools: dict[int, Pool], damage: list[str]) -> None:
    named = set(pools)
    if any(not named.issuperset(rows_of(batch)["pool"].tolist()) for batch in batches):
        damage.append("some evaluations are of pools whose name is not known: they are left out")


def _of(batch: Batch, numbers: list[int]) -> Iterator[Told]:
    rows: Rows = rows_of(batch)
    for place, row in enumerate(rows.tolist()):
        if row[1] in numbers:
            yield Told(*(row[0], *row[2:], batch.details.get(place, "")))
