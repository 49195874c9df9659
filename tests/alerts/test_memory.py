"""What receivers remember: bounded, read again, and never waited for."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alerts.ledger import Ledger, Remembered
from alerts.memory import MOST, Memory
from monitor.clock import ManualClock, SystemClock
from monitor.names import Metrics


def opened(folder: Path) -> tuple[Ledger, Memory]:
    """A memory over the ledger of a folder, with what the last run left."""
    ledger = Ledger(folder, Metrics())
    memory = Memory(ledger, SystemClock())
    memory.restore(ledger.open().remembered)
    return ledger, memory


def test_what_is_kept_outlives_a_restart(tmp_path: Path) -> None:
    """By receiver and name, the newest of each; what was forgotten stays so."""
    ledger, memory = opened(tmp_path)
    memory.keep("chat", "a", "first")
    memory.keep("chat", "a", "second")
    memory.keep("chat", "b", "gone")
    memory.keep("mail", "a", "other")
    memory.forget("chat", "b")
    ledger.close()
    ledger, memory = opened(tmp_path)
    assert dict(memory.all_of("chat")) == {"a": "second"}
    assert memory.recall("mail", "a") == "other"
    assert memory.recall("mail", "b") is None
    ledger.close()


def test_the_oldest_is_forgotten_where_there_are_too_many(tmp_path: Path) -> None:
    """In memory and on the disk; what is kept again is young again."""
    ledger, memory = opened(tmp_path)
    for number in range(MOST):
        memory.keep("chat", str(number), "")
    memory.keep("chat", "0", "again")
    memory.keep("chat", "new", "")
    ledger.close()
    ledger, memory = opened(tmp_path)
    names = {name for name, _ in memory.all_of("chat")}
    assert len(names) == MOST
    assert {"0", "new"} <= names
    assert "1" not in names
    ledger.close()


def test_what_is_a_month_old_is_left_out(tmp_path: Path) -> None:
    """No message of a service is of use for longer."""
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    Memory(ledger, ManualClock(wall_ns=1)).keep("chat", "old", "x")
    ledger.close()
    opened(tmp_path)[0].close()
    ledger, memory = opened(tmp_path)
    assert list(memory.all_of("chat")) == []
    ledger.close()


def test_a_damaged_line_is_told_and_left_out(tmp_path: Path) -> None:
    """A flipped byte on the disk becomes no message of a service."""
    ledger, memory = opened(tmp_path)
    memory.keep("chat", "a", "x")
    memory.keep("chat", "b", "y")
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        database.execute("UPDATE remembered SET body = 'z' WHERE name = 'a'")
    database.close()
    ledger = Ledger(tmp_path, Metrics())
    restored = ledger.open()
    assert [line[:2] for line in restored.remembered] == [("chat", "b")]
    assert restored.damage == ("1 damaged records of the ledger's remembered were left out",)
    ledger.close()


async def test_a_line_is_on_the_disk_before_what_is_written_after_it(tmp_path: Path) -> None:
    """A delivery that is settled means that its message is remembered."""
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    ledger.remember(Remembered("chat", "a", 1, "x"))
    await ledger.settle("msg", 0, "chat", "confirmed", 1)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        assert database.execute("SELECT body FROM remembered").fetchall() == [("x",)]
    database.close()
    ledger.close()
