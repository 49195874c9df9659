"""Damage to the history is noticed, and never invents a record."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.domain.assessment import RiskBand
from monitor.history.file import FILE, FOLDER, HistoryTooNew
from monitor.history.reading import Kept as Found
from monitor.history.reading import read
from monitor.history.records import mark_of
from tests.support.alerting import a_state
from tests.support.histories import ALPHA, Kept, a_label


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Five batches of two pools, closed."""
    kept = Kept(tmp_path / "kept", [a_label(ALPHA), a_label("bybit/mike/unified")])
    for step in range(5):
        kept.saw(a_state(ALPHA, RiskBand(step % 5)), band=step % 5, equity=1000.0 - step)
    kept.keeper.close()
    kept.keeper._file.close()
    return kept


def records(found: Found) -> set[str]:
    """Every record, as text."""
    return {repr(each) for pool in found.pools.values() for each in found.of_pool(pool.id)}


def test_any_byte_of_a_batch_that_changes_costs_that_batch_and_is_told(kept: Kept) -> None:
    """Its times, its number and its content are all under the checksum."""
    whole = read(kept.folder)
    path = kept.folder / FOLDER / FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        seq, body = database.execute("SELECT seq, body FROM batches ORDER BY seq LIMIT 1 OFFSET 2").fetchone()
        for place in range(len(body)):
            spoiled = bytearray(body)
            spoiled[place] ^= 0x55
            database.execute("UPDATE batches SET body = ? WHERE seq = ?", (bytes(spoiled), seq))
            found = read(kept.folder)
            assert len(found.batches) == 4
            assert "1 batches are damaged or missing" in found.damage[0]
            assert records(found) < records(whole)


def test_a_time_that_changes_is_damage(kept: Kept) -> None:
    """A batch is not moved to another hour."""
    with closing(sqlite3.connect(kept.folder / FOLDER / FILE, isolation_level=None)) as database:
        database.execute("UPDATE batches SET from_ns = from_ns + 1 WHERE seq = 3")
    assert read(kept.folder).damage


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_a_batch_that_is_missing_is_told(kept: Kept, lost: int) -> None:
    """In between and at the end; at the beginning it may have been trimmed."""
    with closing(sqlite3.connect(kept.folder / FOLDER / FILE, isolation_level=None)) as database:
        database.execute("DELETE FROM batches WHERE seq = ?", (lost,))
    assert bool(read(kept.folder).damage) == (lost > 1)


def spoiled(original: bytes) -> Iterator[bytes]:
    """Bytes flipped anywhere, and the end cut off anywhere."""
    rng = random.Random(7)
    for _ in range(200):
        changed = bytearray(original)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        yield bytes(changed)
    for _ in range(60):
        yield original[: rng.randrange(len(original))]


@pytest.mark.timeout(300)
def test_no_damage_to_the_file_invents_a_record_or_stops_the_writer(kept: Kept, tmp_path: Path) -> None:
    """What is read is some of what was written; where some is missing, that is told. And the next daemon
    keeps its history, in this file or beside it."""
    whole = records(read(kept.folder))
    original = (kept.folder / FOLDER / FILE).read_bytes()
    for number, content in enumerate(spoiled(original)):
        folder = tmp_path / f"spoiled-{number}"
        (folder / FOLDER).mkdir(parents=True)
        (folder / FOLDER / FILE).write_bytes(content)
        found = read(folder)
        assert records(found) <= whole
        assert records(found) == whole or found.damage
        again = Kept(folder)
        again.clock.advance_s(1e6)
        again.saw(equity=7.0)
        again.saw(equity=8.0)  # the first may be what finds the damage
        again.keeper._file.close()
        assert 8.0 in [each.equity for each in read(folder).of_pool(ALPHA)]
        shutil.rmtree(folder)


def test_a_file_that_is_no_database_is_put_aside_and_a_history_begins(tmp_path: Path) -> None:
    """No alert waits for it, and what was there can still be looked at."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILE).write_bytes(b"not a database at all" * 100)
    kept = Kept(tmp_path)
    kept.saw()
    assert len(read(tmp_path).of_pool(ALPHA)) == 1
    assert len(list((tmp_path / FOLDER).glob("*.damaged-*"))) == 1


def test_a_history_of_a_later_release_is_refused_by_who_reads_it(kept: Kept) -> None:
    """What it says can't be known."""
    path = kept.folder / FOLDER / FILE

    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "UPDATE about SET value = 99, mark = ? WHERE name = 'schema'", (mark_of("about", "schema", 99),)
        )
    with pytest.raises(HistoryTooNew):
        read(kept.folder)


def test_without_a_history_that_is_said(tmp_path: Path) -> None:
    """Not an empty one."""
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
