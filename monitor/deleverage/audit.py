"""The audit log: what was asked, refused, answered and commanded, one JSON record a line, on the disk before
it counts. Each line's mark is made of the line before, so that none is changed, moved or left out unseen; the
head beside it, and in the metrics, tells when the last ones are missing.

A line is `{"record":{...},"mark":"<64 hex>"}`. The mark is HMAC-SHA256 with the config's `audit_key`, or
SHA-256 without one, over the mark before and the record's bytes. Without a key whoever can write the files
can make a new chain; the head that was scraped is then the witness.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from alerts.failpoints import reach
from monitor.secret import Secret

NAME, HEAD_NAME = "audit.jsonl", "audit.head"
START = "0" * 64
LARGEST_LINE = 1024 * 1024
LINE = re.compile(rb'\{"record":(\{.*\}),"mark":"([0-9a-f]{64})"\}\n', re.DOTALL)


class AuditDamaged(Exception):
    """The log is not what was written; the text names the line."""


class AuditRecord(msgspec.Struct, frozen=True):
    """One record as it stands in the log."""

    n: int  # from 1, without a gap
    at_ns: int  # wall clock
    kind: str
    by: str  # who: a person's name, or "margind"
    content: dict[str, Any]


class Head(NamedTuple):
    """The newest line: its number and its mark."""

    lines: int
    mark: str


class Read(NamedTuple):
    """What a log holds: its records, its head, and how many bytes stand behind as a line that was never
    finished."""

    records: list[AuditRecord]
    marks: list[str]
    head: Head
    torn: int


class AuditLog:
    """One writer. `open`, `append`, `close`; blocking, so that the loop calls it in a thread."""

    def __init__(self, folder: Path, key: Secret | None) -> None:
        self._folder = folder
        self._key = b"" if key is None else key.reveal().encode()
        self._file: BinaryIO | None = None
        self.head = Head(0, START)

    def open(self) -> list[AuditRecord]:
        """All records, checked; a line that a crash left unfinished is taken off and told of. Raises
        AuditDamaged."""
        path = self._folder / NAME
        with contextlib.suppress(FileNotFoundError):
            path.chmod(0o600)
        self._file = open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = read(self._folder, self._key)
        except BlockingIOError:
            self.close()
            raise AuditDamaged("another process writes it") from None
        except AuditDamaged:
            self.close()
            raise
        self.head = found.head
        _sync_folder(self._folder)
        if found.torn:
            os.ftruncate(self._file.fileno(), path.stat().st_size - found.torn)
            os.fsync(self._file.fileno())
        return found.records

    def append(self, kind: str, by: str, at_ns: int, content: dict[str, Any]) -> AuditRecord:
        """Writes a record; it is on the disk when this returns. Raises OSError, and then it does not count:
        what may stand of it is taken off."""
        assert self._file is not None
        record = AuditRecord(self.head.lines + 1, at_ns, kind, by, content)
        body = msgspec.json.encode(record)
        mark = mark_of(self.head.mark, body, self._key)
        before = os.fstat(self._file.fileno()).st_size
        reach("audit_begun")
        try:
            _write_all(self._file.fileno(), b'{"record":' + body + b',"mark":"' + mark.encode() + b'"}\n')
            reach("audit_written")
            os.fsync(self._file.fileno())
            reach("audit_synced")
            _write_head(self._folder, Head(record.n, mark), self._key)
            reach("audit_head_written")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), before)
            raise
        self.head = Head(record.n, mark)
        return record

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self._file is not None


def read(folder: Path, key: bytes) -> Read:
    """The whole log of a folder, every line checked; raises AuditDamaged naming the line."""
    records: list[AuditRecord] = []
    marks, mark, torn = list[str](), START, 0
    kept = _read_head(folder, key)
    with contextlib.suppress(FileNotFoundError), (folder / NAME).open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if not line.endswith(b"\n"):
                torn = len(line)
                break
            record, mark = _checked(number, line, mark, key)
            records.append(record)
            marks.append(mark)
            if kept is not None and number == kept.lines and mark != kept.mark:
                raise AuditDamaged(f"line {number}: is not the one that {HEAD_NAME} tells of")
    if kept is not None and len(records) < kept.lines:
        raise AuditDamaged(f"line {len(records) + 1}: is missing; {kept.lines} were written")
    if kept is None and len(records) > 1:  # a crash leaves it one behind, and never leaves it out
        raise AuditDamaged(f"{HEAD_NAME} is missing, so nothing tells whether lines behind the last one are")
    if kept is not None and len(records) > kept.lines + 1:
        raise AuditDamaged(f"line {kept.lines + 2}: stands behind the head; {kept.lines} were written")
    return Read(records, marks, Head(len(records), mark), torn)


def mark_of(before: str, body: bytes, key: bytes) -> str:
    """The mark of a record after the one whose mark is `before`."""
    text = before.encode() + body
    return hmac.new(key, text, "sha256").hexdigest() if key else hashlib.sha256(text).hexdigest()


def _checked(number: int, line: bytes, before: str, key: bytes) -> tuple[AuditRecord, str]:
    found = LINE.fullmatch(line)
    if found is None:
        raise AuditDamaged(f"line {number}: is no record")
    body, mark = found[1], found[2].decode()
    if not hmac.compare_digest(mark, mark_of(before, body, key)):
        raise AuditDamaged(f"line {number}: was changed, or what stood before it was, or the key is another")
    try:
        record = msgspec.json.decode(body, type=AuditRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise AuditDamaged(f"line {number}: can't be read") from None
    if record.n != number:
        raise AuditDamaged(f"line {number}: calls itself {record.n}")
    return record, mark


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LARGEST_LINE):
        yield line


def _write_all(number: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(number, content[written:])


def _write_head(folder: Path, head: Head, key: bytes) -> None:
    """Beside the log, whole or not at all. Marked too: one of its own would let a log be cut short."""
    text = f"{head.lines} {head.mark}"
    fresh = folder / f"{HEAD_NAME}.new"
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(f"{text} {mark_of('head', text.encode(), key)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / HEAD_NAME)
    _sync_folder(folder)


def _read_head(folder: Path, key: bytes) -> Head | None:
    try:
        content = (folder / HEAD_NAME).read_bytes()
    except FileNotFoundError:
        return None
    found = re.fullmatch(rb"(\d{1,15}) ([0-9a-f]{64}) ([0-9a-f]{64})\n", content)
    if found is None:
        raise AuditDamaged(f"{HEAD_NAME} can't be read")
    text = found[1] + b" " + found[2]
    if not hmac.compare_digest(found[3].decode(), mark_of("head", text, key)):
        raise AuditDamaged(f"{HEAD_NAME} was changed, or the key is another")
    return Head(int(found[1]), found[2].decode())


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
