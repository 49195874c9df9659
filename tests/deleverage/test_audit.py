"""The audit log: nothing in it is changed, moved or left out unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.deleverage.audit import HEAD_NAME, NAME, AuditDamaged, AuditLog, read
from monitor.secret import Secret

KEY = Secret("k" * 32, "the test")


@pytest.fixture(params=[None, KEY], ids=["no key", "key"])
def key(request):
    """A log without a key, and one with."""
    return request.param


def raw(key: Secret | None) -> bytes:
    """The key as the log uses it."""
    return b"" if key is None else key.reveal().encode()


def written(folder: Path, key: Secret | None, count: int = 3) -> list[str]:
    """A log of some records; answers their kinds."""
    log = AuditLog(folder, key)
    log.open()
    for number in range(count):
        log.append("request", "margind", number, {"number": number, "why": 'a "quoted"\nword'})
    log.close()
    return ["request"] * count


def test_what_was_appended_is_read_back(tmp_path, key):
    """Every record comes back in order after a restart, and the next one follows on."""
    written(tmp_path, key)
    log = AuditLog(tmp_path, key)
    assert [record.content["number"] for record in log.open()] == [0, 1, 2]
    assert log.append("kill", "anna", 9, {}).n == 4
    log.close()
    assert len(read(tmp_path, raw(key)).records) == 4
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_change_at_any_byte_is_noticed(tmp_path, key):
    """Each byte of log and head, changed by itself, is damage that is told with its line."""
    written(tmp_path, key)
    for name in (NAME, HEAD_NAME):
        path = tmp_path / name
        whole = path.read_bytes()
        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1
            path.write_bytes(bytes(damaged))
            with pytest.raises(AuditDamaged, match=r"line \d|head"):
                read(tmp_path, raw(key))
        path.write_bytes(whole)
    assert len(read(tmp_path, raw(key)).records) == 3


def test_a_log_that_was_cut_short_is_noticed(tmp_path, key):
    """Of any length but the whole and what a crash can leave, nothing is taken."""
    written(tmp_path, key)
    path = tmp_path / NAME
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(AuditDamaged, match=r"line \d: is missing"):
            read(tmp_path, raw(key))
    path.unlink()
    with pytest.raises(AuditDamaged, match="line 1: is missing"):
        read(tmp_path, raw(key))


def test_a_missing_head_is_noticed(tmp_path, key):
    """Without the head nobody can say that no line is missing."""
    written(tmp_path, key)
    (tmp_path / HEAD_NAME).unlink()
    with pytest.raises(AuditDamaged, match="head"):
        read(tmp_path, raw(key))


def test_lines_that_change_places_or_stand_twice_are_noticed(tmp_path, key):
    """A line is right in its own place only."""
    written(tmp_path, key)
    path = tmp_path / NAME
    one, two, three = path.read_bytes().splitlines(keepends=True)
    for lines in (
        [two, one, three],
        [one, one, two, three],
        [one, three],
        [two, three],
        [one, two, three, three],
    ):
        path.write_bytes(b"".join(lines))
        with pytest.raises(AuditDamaged, match=r"line \d"):
            read(tmp_path, raw(key))


def test_what_a_crash_leaves_unfinished_is_no_record(tmp_path, key):
    """At every byte of an append a crash leaves the records before, and the log goes on behind them."""
    written(tmp_path, key, 2)
    path, head = tmp_path / NAME, tmp_path / HEAD_NAME
    before, head_before = path.read_bytes(), head.read_bytes()
    log = AuditLog(tmp_path, key)
    log.open()
    log.append("request", "margind", 3, {"number": 2})
    log.close()
    whole = path.read_bytes()
    for length in range(len(before), len(whole) + 1):
        path.write_bytes(whole[:length])
        head.write_bytes(head_before)
        log = AuditLog(tmp_path, key)
        kept = 3 if length == len(whole) else 2
        assert len(log.open()) == kept
        log.append("kill", "margind", 4, {})
        log.close()
        assert [record.n for record in read(tmp_path, raw(key)).records] == list(range(1, kept + 2))


def test_another_key_opens_nothing(tmp_path):
    """A chain made anew without the key, or with another, is damage."""
    written(tmp_path, None)
    with pytest.raises(AuditDamaged):
        read(tmp_path, b"k" * 32)


def test_two_writers_are_refused(tmp_path):
    """One log has one writer."""
    first = AuditLog(tmp_path, None)
    first.open()
    with pytest.raises(AuditDamaged, match="another process"):
        AuditLog(tmp_path, None).open()
    first.close()
