"""`margind audit`: whether the audit log is what was written, and what it says. Needs no daemon."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import msgspec

from alerts.wording import plain
from monitor.alerts_command import moment
from monitor.deleverage.audit import NAME, AuditDamaged, AuditRecord, Read, read
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.secret import Secret

SEEN = re.compile(r"(\d{1,15}):([0-9a-f]{4,64})")
SHOWN = 400  # characters of a record


def verify(folder: Path, key: Secret | None, seen: str | None) -> int:
    """0 when it is whole, 1 when it is not, with the line."""
    found = _read(folder, key)
    if seen is not None:
        _check_seen(found, seen)
    head = found.head
    print(f"{folder / NAME}: {head.lines} records, whole; head {head.lines}:{head.mark}")
    if found.torn:
        print(f"{found.torn} bytes behind the last record were never finished: a crash, or a write under way")
    if key is None:
        print("without audit_key: who can write the file can make a new chain; compare a head seen elsewhere")
    return ExitCode.DONE


def show(folder: Path, key: Secret | None) -> int:
    """Every record on a line."""
    for record in _read(folder, key).records:
        sys.stdout.write(f"{_line(record)}\n")
    return ExitCode.DONE


def _line(record: AuditRecord) -> str:
    content = msgspec.json.encode(record.content).decode()
    return (
        f"{record.n} {moment(record.at_ns)} {plain(record.kind)} {plain(record.by)} {plain(content, SHOWN)}"
    )


def _read(folder: Path, key: Secret | None) -> Read:
    if not folder.is_dir():
        raise CommandFailed(f"{folder} is no data directory", ExitCode.REFUSED)
    try:
        return read(folder, b"" if key is None else key.reveal().encode())
    except AuditDamaged as damage:
        raise CommandFailed(f"{folder / NAME} is DAMAGED: {damage}") from None


def _check_seen(found: Read, seen: str) -> None:
    asked = SEEN.fullmatch(seen)
    if asked is None:
        raise CommandFailed("--seen: LINE:HEX, at least four digits, as verify prints it", ExitCode.REFUSED)
    line = int(asked[1])
    if not 1 <= line <= len(found.marks):
        raise CommandFailed(f"{NAME} is DAMAGED: line {line} was seen, and is not there")
    if not found.marks[line - 1].startswith(asked[2]):
        raise CommandFailed(f"{NAME} is DAMAGED: line {line} is another than the one that was seen")
