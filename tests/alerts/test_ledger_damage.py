"""Damage at any byte is noticed, never invents a record, and never keeps the daemon from starting."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from alerts import ledger_file
from alerts.alert import Incident, Notification
from alerts.ledger import Intent, Ledger, Restored
from monitor.names import Metrics
from tests.support.ledgers import an_intent, copied, many_intents, reopened, told_of, written
from tests.support.waiting import eventually

FILES = ("ledger.sqlite", "ledger.sqlite-wal")
INTENTS = 12
CONFIRMED = 4


def _killed(folder: Path, intents: list[Intent]) -> Path:
    """A copy of the files while they are open: what a killed daemon leaves, most of it in the log."""
    source = folder / "source"

    async def head_is_there() -> bool:
        head = source / "ledger.head"
        return head.exists() and head.read_text().startswith(f"{len(intents)} ")

    async def write() -> None:
        ledger = Ledger(source, Metrics())
        ledger.open()
        for number, intent in enumerate(intents):
            await ledger.intend([intent])
            if number < CONFIRMED:
                await ledger.settle(intent.notification.id, 0, "first", "confirmed", 1)
        await eventually(head_is_there, "the head counter to follow")
        copied(source, folder / "killed")
        ledger.close()

    asyncio.run(write())
    return folder / "killed"


def _closed(folder: Path, intents: list[Intent]) -> Path:
    written(folder / "closed", intents, CONFIRMED)
    return folder / "closed"


LEFT_BEHIND: dict[str, Callable[[Path, list[Intent]], Path]] = {"closed": _closed, "killed": _killed}


def _check(restored: Restored, intents: list[Intent], *, may_lose_confirmations: bool) -> None:
    """Nothing invented; whoever is missing is missed by the ledger itself."""
    told = told_of(intents)
    found: dict[str, Notification] = {
        unsettled.notification.id: unsettled.notification for unsettled in restored.unsettled
    }
    assert all(told.get(id_) == notification for id_, notification in found.items())
    incidents: set[Incident] = {incident for intent in intents for incident in intent.incidents}
    assert {_as_told(incident) for incident in restored.incidents} <= {_as_told(i) for i in incidents}
    expected = {intent.notification.id for intent in intents[CONFIRMED:]}
    missing = expected - set(found)
    resent = set(found) - expected
    assert not missing or restored.damage, f"{missing} lost in silence"
    assert not resent or restored.damage or may_lose_confirmations, f"{resent} told again in silence"
    open_ = {intent.incidents[0].key for intent in intents}
    assert {incident.key for incident in restored.incidents} == open_ or restored.damage


def _as_told(incident: Incident) -> tuple[object, ...]:
    return (
        incident.key,
        incident.number,
        incident.level,
        incident.opened_ns,
        incident.told_ns,
        incident.desk,
    )


def _spoil(path: Path, offset: int, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1 << bit
    path.write_bytes(raw)


def _flips(size: int, count: int, rng: random.Random) -> Iterable[tuple[int, int]]:
    """Every byte of the first header, and others at random."""
    offsets = sorted({*range(min(size, 120)), *(rng.randrange(size) for _ in range(count))})
    return [(offset, rng.randrange(8)) for offset in offsets]


def _run_flips(folder: Path, how: str, count: int) -> int:
    intents = many_intents(INTENTS)
    left = LEFT_BEHIND[how](folder, intents)
    rng = random.Random(20)
    tried = 0
    for name in FILES:
        path = left / name
        if not path.exists():
            continue
        for offset, bit in _flips(path.stat().st_size, count, rng):
            work = copied(left, folder / "work")
            _spoil(work / name, offset, bit)
            _check(reopened(work), intents, may_lose_confirmations=how == "killed")
            tried += 1
    return tried


@pytest.mark.slow
@pytest.mark.parametrize("how", list(LEFT_BEHIND))
def test_a_flipped_bit_never_invents_and_is_never_silent(tmp_path: Path, how: str) -> None:
    """Any one bit: no crash, every record found is one that was told, and what is missing is told of.

    Lost confirmations at the end of the log may pass in silence: they cost a duplicate with the same id.
    """
    assert _run_flips(tmp_path, how, 60) >= 150


def _run_truncations(folder: Path, how: str, step: int) -> int:
    intents = many_intents(INTENTS)
    left = LEFT_BEHIND[how](folder, intents)
    tried = 0
    for name in FILES:
        path = left / name
        if not path.exists():
            continue
        for size in range(0, path.stat().st_size, step):
            work = copied(left, folder / "work")
            with (work / name).open("r+b") as file:
                file.truncate(size)
            _check(reopened(work), intents, may_lose_confirmations=how == "killed")
            tried += 1
    return tried


@pytest.mark.slow
@pytest.mark.parametrize("how", list(LEFT_BEHIND))
def test_a_file_cut_anywhere_is_noticed(tmp_path: Path, how: str) -> None:
    """At any length: no crash, nothing invented, and a lost tail is told of."""
    assert _run_truncations(tmp_path, how, 1999) >= 15


@pytest.mark.soak
@pytest.mark.parametrize("how", list(LEFT_BEHIND))
def test_every_byte_flipped_and_every_length(tmp_path: Path, how: str) -> None:
    """As above at every length, and with a bit of every byte flipped."""
    assert _run_truncations(tmp_path, how, 1) > 10_000
    assert _run_flips(tmp_path, how, 10**6) > 10_000


def test_a_name_that_is_no_text_any_more_is_damage(tmp_path: Path) -> None:
    """SQLite quotes a spoiled name in its complaint, which is then no text: damage like any other."""
    intents = many_intents(INTENTS)
    left = LEFT_BEHIND["closed"](tmp_path, intents)
    raw = (left / FILES[0]).read_bytes()[:4096]
    spots = [match.start() for match in re.finditer(rb"CREATE|about|intents|outcomes|incidents", raw)]
    assert spots
    for spot in spots:
        work = copied(left, tmp_path / "work")
        _spoil(work / FILES[0], spot, 7)
        _check(reopened(work), intents, may_lose_confirmations=False)


def test_a_database_of_noise_is_kept_aside(tmp_path: Path) -> None:
    """A new one is begun, the desk hears of it, and the old file is there for who wants to look."""
    written(tmp_path, [an_intent()])
    noise = random.Random(1).randbytes(20_000)
    (tmp_path / "ledger.sqlite").write_bytes(noise)
    restored = reopened(tmp_path)
    assert restored.unsettled == ()
    assert any("kept as ledger.sqlite.damaged-" in words for words in restored.damage)
    assert [path.read_bytes() for path in tmp_path.glob("ledger.sqlite.damaged-*")] == [noise]
    assert "1 later ones are missing" in restored.damage[1]
    assert reopened(tmp_path).damage == ()


def test_numbers_go_on_past_what_was_lost(tmp_path: Path) -> None:
    """After a lost tail the next incident, of any key, has a number that none can have had."""
    written(tmp_path, [an_intent(1)])
    before = copied(tmp_path, tmp_path.parent / "before")
    written(tmp_path, [an_intent(2), an_intent(3)])
    shutil.copy(before / "ledger.sqlite", tmp_path / "ledger.sqlite")
    restored = reopened(tmp_path)
    assert "2 later ones are missing" in restored.damage[0]
    assert list(restored.numbers.values()) == [3]
    assert restored.first_number > 1_600_000_000
    assert restored.incidents[0].occasion == 3


def test_a_missing_database_is_noticed(tmp_path: Path) -> None:
    """The head beside it remembers that there was one."""
    written(tmp_path, many_intents(3))
    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    assert "3 later ones are missing" in reopened(tmp_path).damage[0]


def test_a_damaged_head_is_told_of(tmp_path: Path) -> None:
    """Whether the tail is whole can't be said then, and that is said."""
    written(tmp_path, many_intents(3))
    (tmp_path / "ledger.head").write_text("2 no-such-mark\n")
    restored = reopened(tmp_path)
    assert len(restored.unsettled) == 3
    assert "ledger.head is damaged" in restored.damage[0]


def test_damage_is_told_once(tmp_path: Path) -> None:
    """A refused record is gone after the start that told of it."""
    written(tmp_path, many_intents(3))
    path = tmp_path / "ledger.sqlite"
    raw = path.read_bytes()
    assert raw.count(b"as it is") >= 3
    path.write_bytes(raw.replace(b"as it is", b"as IT is", 1))
    first, second = reopened(tmp_path), reopened(tmp_path)
    assert first.damage == ("1 damaged records of the ledger's intents were left out",)
    assert len(first.unsettled) == len(second.unsettled) == 2
    assert second.damage == ()


class _KilledError(BaseException):
    """The process ends here."""


def test_a_ledger_whose_making_was_cut_short_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its tables and what it says of itself: nothing was told yet, so nothing is damaged."""

    def killed(*_: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patched:
        patched.setattr(ledger_file, "put", killed)
        with pytest.raises(_KilledError):
            ledger_file.open_ledger(tmp_path)
    opened = ledger_file.open_ledger(tmp_path)
    assert opened.database is not None
    opened.database.close()
    assert opened.damage == ()
