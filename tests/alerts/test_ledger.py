"""What was told is kept, read again, and the disk's troubles are nobody's but the ledger's."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from alerts.alert import Ack, AlertKey, Condition, Incident, Level, Notification
from alerts.ledger import Intent, Ledger, LedgerCrashed, LedgerInUse, LedgerTooNew, OpenRoute
from alerts.ledger_rows import SCHEMA, body_of, mark_of, notification_from
from alerts.silences import silence_of
from monitor.names import Metrics
from tests.support.alerting import ALPHA, SECOND_NS
from tests.support.ledgers import CREATED_NS, an_intent, ids_of, many_intents, reopened, written
from tests.support.notifications import hostile_notifications
from tests.support.waiting import eventually


def test_an_empty_folder_is_a_new_ledger(tmp_path: Path) -> None:
    """Nothing was told, nothing is damaged, and numbers start at 1."""
    restored = reopened(tmp_path / "deep" / "ledger")
    assert (restored.incidents, restored.unsettled, restored.damage) == ((), (), ())
    assert (restored.numbers, restored.first_number) == ({}, 1)


def test_what_nobody_has_is_found_again_as_it_was(tmp_path: Path) -> None:
    """Notification, routes and incident come back equal, oldest first."""
    intents = many_intents(3)
    written(tmp_path, intents)
    restored = reopened(tmp_path)
    assert [unsettled.notification for unsettled in restored.unsettled] == [i.notification for i in intents]
    assert restored.unsettled[0].routes == (OpenRoute(0, ("first", "second")),)
    assert list(restored.incidents) == [intent.incidents[0] for intent in intents]
    assert set(restored.numbers.values()) == {1}
    assert restored.damage == ()


@pytest.mark.parametrize(
    ("state", "is_settled"),
    [("sent", False), ("rejected", False), ("confirmed", True), ("superseded", True)],
)
async def test_one_receiver_that_has_it_settles_its_route(
    tmp_path: Path, state: str, is_settled: bool
) -> None:
    """Each route by itself: told on one is not told on the other."""
    intent = an_intent(routes=(("a", "b"), ("b", "c")))
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    await ledger.intend([intent])
    await ledger.settle(intent.notification.id, 1, "b", state, 2, "a reason")
    ledger.close()
    (unsettled,) = reopened(tmp_path).unsettled
    left = [route.number for route in unsettled.routes]
    assert left == ([0] if is_settled else [0, 1])


def test_a_resolved_incident_is_not_open_and_keeps_its_number(tmp_path: Path) -> None:
    """The next incident of the key counts on."""
    written(tmp_path, [an_intent(7), an_intent(7, level=Level.CLEAR, occasion=2)])
    restored = reopened(tmp_path)
    assert restored.incidents == ()
    assert list(restored.numbers.values()) == [7]


@pytest.mark.parametrize("late", [an_intent(7, level=Level.WARNING, occasion=1), an_intent(6, occasion=9)])
def test_an_older_occasion_never_overwrites_a_newer_one(tmp_path: Path, late: Intent) -> None:
    """Whatever the order of the writes, the newest occasion of the newest incident is what is open."""
    newest = an_intent(7, occasion=2)
    written(tmp_path, [newest, late])
    assert reopened(tmp_path).incidents == newest.incidents


async def test_what_queues_up_is_committed_together(tmp_path: Path) -> None:
    """A thousand writes at once need a handful of commits."""
    metrics = Metrics()
    ledger = Ledger(tmp_path, metrics)
    ledger.open()
    await asyncio.gather(*(ledger.intend([intent]) for intent in many_intents(1000)))
    ledger.close()
    commits = metrics.registry.get_sample_value("margind_ledger_commit_seconds_count")
    assert commits is not None and commits < 100
    assert len(reopened(tmp_path).unsettled) == 1000


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """The folder is 0700 and every file in it 0600, also when the folder was there with other modes."""
    folder = tmp_path / "ledger"
    folder.mkdir(mode=0o755)
    ledger = Ledger(folder, Metrics())
    ledger.open()
    try:
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        ledger.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"ledger.sqlite", "ledger.sqlite-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_two_daemons_do_not_write_one_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused with a reason, and the first's files are left alone."""
    monkeypatch.setattr("alerts.ledger_file.LOCK_S", 0.05)
    first = Ledger(tmp_path, Metrics())
    first.open()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(LedgerInUse, match="another margind"):
        Ledger(tmp_path, Metrics()).open()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    first.close()
    reopened(tmp_path)


def _change(folder: Path, statement: str, *values: object) -> None:
    database = sqlite3.connect(folder / "ledger.sqlite")
    with database:
        database.execute(statement, values)
    database.close()


def test_a_later_schema_is_refused(tmp_path: Path) -> None:
    """What a later release wrote can't be known; the text says what to do, and the file is left alone."""
    written(tmp_path, [an_intent()])
    later = SCHEMA + 1
    _change(tmp_path, "UPDATE about SET schema = ?, mark = ?", later, mark_of("about", ("ledger", later)))
    with pytest.raises(LedgerTooNew, match=f"schema {later}, this release knows {SCHEMA}: run a later"):
        reopened(tmp_path)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_damaged_schema_number_is_no_later_release(tmp_path: Path) -> None:
    """One flipped bit must not keep the daemon from starting: the number needs its checksum."""
    written(tmp_path, [an_intent()])
    _change(tmp_path, "UPDATE about SET schema = schema + 1")
    restored = reopened(tmp_path)
    assert len(restored.unsettled) == 1
    assert "damaged" in restored.damage[0]


@pytest.mark.parametrize(
    ("schema", "later"),
    [
        (1, ("acks", "silences", "waits", "remembered")),
        (2, ("waits", "remembered")),
        (3, ("remembered",)),
    ],
)
def test_a_ledger_of_an_earlier_release_is_brought_forward(
    tmp_path: Path, schema: int, later: tuple[str, ...]
) -> None:
    """What it holds is there as before, nothing is called damaged, and what is new is kept from now on."""
    intent = an_intent()
    written(tmp_path, [intent])
    for table in later:
        _change(tmp_path, f"DROP TABLE {table}")
    _change(tmp_path, "UPDATE about SET schema = ?, mark = ?", schema, mark_of("about", ("ledger", schema)))
    for _ in range(2):
        restored = reopened(tmp_path)
        assert [unsettled.notification for unsettled in restored.unsettled] == [intent.notification]
        assert restored.damage == ()


async def test_acks_and_silences_are_found_again(tmp_path: Path) -> None:
    """As they were written; a silence that ended a week ago is forgotten."""
    now_ns = time.time_ns()
    ack = Ack(AlertKey(ALPHA, Condition.MARGIN), 3, Level.CRITICAL, "kïm", now_ns)
    lasting, over = (
        silence_of(name, ["venue=bybit"], "kim", "known", 60, longest_s=60, wall_ns=at_ns)
        for name, at_ns in (("a", now_ns), ("b", now_ns - 8 * 86_400 * SECOND_NS))
    )
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    assert await ledger.keep_ack(ack)
    for silence in (lasting, over):
        assert await ledger.keep_silence(silence)
    ledger.close()
    reopened(tmp_path)
    restored = reopened(tmp_path)
    assert (restored.acks, restored.silences, restored.damage) == ((ack,), (lasting,), ())


async def test_a_disk_that_fails_is_counted_and_owed(tmp_path: Path) -> None:
    """Writes that the disk refuses answer no, are kept, and reach the disk when it takes them again."""
    metrics = Metrics()
    ledger = Ledger(tmp_path, metrics)
    ledger.open()
    database = ledger._database
    assert database is not None
    assert await ledger.intend([an_intent(1)])
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")  # full
    lost = many_intents(50)
    assert not await ledger.intend(lost)
    assert ledger.is_failing
    assert metrics.registry.get_sample_value("margind_ledger_errors_total") == 1
    database.execute("PRAGMA max_page_count=1000000")

    async def is_well() -> bool:
        return not ledger.is_failing

    await eventually(is_well, "the disk to be tried again")
    ledger.close()
    restored = reopened(tmp_path)
    assert len(restored.unsettled) == 51
    assert restored.damage == ()


async def test_a_crash_of_the_writer_is_raised_to_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours ends the daemon instead of leaving it waiting for ever."""
    monkeypatch.setattr("threading.excepthook", lambda _: None)  # the thread's own words
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()

    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(ledger, "_write_intents", broken)
    with pytest.raises(LedgerCrashed):
        await ledger.intend([an_intent()])
    with pytest.raises(LedgerCrashed):
        await ledger.settle("id", 0, "first", "sent", 1)
    ledger.close()


def test_what_is_old_goes_and_what_is_open_stays(tmp_path: Path) -> None:
    """Messages are kept a week, the newest longer; incidents and their numbers stay."""
    intent = an_intent()
    old = Intent(
        Notification(**{**_fields(intent.notification), "created_ns": 1}), intent.incidents, intent.routes
    )
    newest = an_intent(pool="binance_usdm/beta/cross-USDT")
    written(tmp_path, [old, newest])
    reopened(tmp_path)
    restored = reopened(tmp_path)
    assert ids_of(restored) == [newest.notification.id]
    assert set(restored.incidents) == {*intent.incidents, *newest.incidents}
    assert restored.damage == ()


def _fields(notification: Notification) -> dict[str, Any]:
    return {name: getattr(notification, name) for name in notification.__struct_fields__}


async def test_half_a_surrogate_does_not_stop_a_page(tmp_path: Path) -> None:
    """A name that no encoding can hold is written as a question mark."""
    intent = an_intent()
    odd = Notification(**{**_fields(intent.notification), "detail": "half \ud800", "desk": "\udfff"})
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    incident = Incident(odd.key, 1, Level.CRITICAL, 1, CREATED_NS, CREATED_NS, Level.CRITICAL, "\udfff")
    assert await ledger.intend([Intent(odd, (incident,), (("first",),))])
    assert await ledger.settle(odd.id, 0, "first", "sent", 1, "half \ud800")
    ledger.close()
    restored = reopened(tmp_path)
    assert restored.unsettled[0].notification.detail == "half ?"
    assert restored.incidents[0].desk == "?"


@settings(max_examples=40)
@given(hostile_notifications)
def test_every_notification_can_be_written_and_read(page: Notification) -> None:
    """Whatever is in its names and figures: the id, the level and the occasion come back."""
    back = notification_from(body_of(page))
    assert (back.id, back.level, back.occasion, back.kind) == (page.id, page.level, page.occasion, page.kind)


async def test_a_page_is_fsynced_before_it_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite waits for the disk at each commit; the head counter follows, once for each commit of intents."""
    seen: list[str] = []
    real = os.fsync

    def watched(fd: int) -> None:
        seen.append("fsync")
        real(fd)

    monkeypatch.setattr("os.fsync", watched)
    ledger = Ledger(tmp_path, Metrics())
    ledger.open()
    mode = ledger._database.execute("PRAGMA synchronous").fetchone() if ledger._database else None
    assert mode == (2,)  # FULL
    assert await ledger.intend([an_intent()])
    await ledger.settle(an_intent().notification.id, 0, "first", "sent", 1)
    ledger.close()
    assert seen == ["fsync"]
    assert (tmp_path / "ledger.head").read_text().split()[0] == "1"
    assert ids_of(reopened(tmp_path)) == [an_intent().notification.id]
