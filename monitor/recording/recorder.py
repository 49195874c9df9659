"""`run --record DIR`: every frame as it was received, redacted, on a thread of its own.

It must never cost the desk anything: the queue is bounded by bytes, what does not fit is dropped and counted,
and a full disk ends the recording, not the daemon.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import structlog

from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.event import AssetPrice, Event, Instruments, MarkPrice, PriceRejected
from monitor.domain.identity import AccountId, account_id
from monitor.names import Metrics
from monitor.recording.line import BEGIN, EVENT, SCHEMA, Header, Line, RecordedAccount, fact_text
from monitor.recording.redaction import Redactor

log = structlog.get_logger()
WAITING_BYTES = 64 * 2**20
FILE_BYTES = 512 * 2**20  # unpacked; the next file begins where this one ends
EVENT_BYTES = 500  # what an event is taken to weigh while it waits
FLUSH_S = 1.0  # what a SIGKILL may cost
LEVEL = 3  # of gzip: the thread shares the processor with the desk's loop
Post = Callable[[Event], None]
PRICES = MarkPrice | AssetPrice | PriceRejected


class Heard(NamedTuple):
    """A frame as the session heard it."""

    venue: str
    account: AccountId | None
    stream: str
    url: str
    frame: bytes
    received_ns: int


class Recorder:
    """Writes `DIR/margind-<start>-<number>.jsonl.gz`. Made before the feeds start, closed after them."""

    def __init__(
        self, folder: Path, config: Config, models: tuple[str, ...], clock: Clock, metrics: Metrics
    ) -> None:
        self._folder = folder
        self._config = config
        self._models = models
        self._clock = clock
        self._metrics = metrics
        self._redactor = Redactor(config.accounts)
        self._queue: queue.SimpleQueue[Heard | tuple[int, Event] | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._ended = False
        self._began = datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._definitions: dict[str, Instruments] = {}
        self._number = 0
        self._offset_ns = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Opens the first file; raises OSError when the folder takes none."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._writer = self._next_file()
        self._thread.start()

    def close(self) -> None:
        """Writes what is waiting, and ends."""
        self._queue.put(None)
        self._thread.join()

    def frame(
        self,
        venue: str,
        account: AccountId | None,
        stream: str,
        url: str,
        frame: bytes,
        received_ns: int,
    ) -> None:
        """Takes a frame; never waits."""
        if self._has_room(len(frame)):
            self._queue.put(Heard(venue, account, stream, url, frame, received_ns))

    def account_door(self, post: Post) -> Post:
        """`post` that also records: of an account every event, for what a frame becomes depends on more."""

        def posted(event: Event) -> None:
            self._take(event)
            post(event)

        return posted

    def public_door(self, post: Post) -> Post:
        """`post` that also records: of a venue all but prices, which come of the frames again."""

        def posted(event: Event) -> None:
            if not isinstance(event, PRICES):
                self._take(event)
            post(event)

        return posted

    def _take(self, event: Event) -> None:
        if self._has_room(EVENT_BYTES):
            self._queue.put((self._clock.monotonic_ns(), event))

    def _has_room(self, size: int) -> bool:
        """Whether as much may wait; both counters have one writer each, the loop and the thread."""
        if self._ended or self._waiting_bytes - self._taken_bytes + size > WAITING_BYTES:
            self._metrics.record_dropped.inc()
            return False
        self._waiting_bytes += size
        return True

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._write(item)
                if self._writer.is_full:
                    self._writer.close()
                    self._writer = self._next_file()
            self._writer.close()
        except OSError as failed:
            self._ended = True
            self._writer.abandon()
            log.error("recording_ended", folder=str(self._folder), error=type(failed).__name__)

    def _next(self) -> Heard | tuple[int, Event] | None:
        while True:
            try:
                return self._queue.get(timeout=FLUSH_S)
            except queue.Empty:
                self._writer.flush()

    def _write(self, item: Heard | tuple[int, Event]) -> None:
        if isinstance(item, Heard):
            self._taken_bytes += len(item.frame)
            line = self._frame_line(item)
        else:
            self._taken_bytes += EVENT_BYTES
            line = self._event_line(*item)
        self._writer.write(line, self._clock.monotonic_ns())
        self._metrics.recorded.inc()

    def _frame_line(self, heard: Heard) -> Line:
        text = heard.frame.decode("utf-8", errors="backslashreplace")
        return Line(
            self._t(heard.received_ns),
            self._redactor.url(heard.url, is_private=heard.account is not None),
            self._redactor.text(text),
            venue=heard.venue,
            stream=heard.stream,
            account=heard.account or "",
        )

    def _event_line(self, posted_ns: int, event: Event) -> Line:
        if isinstance(event, Instruments):
            self._definitions[event.venue] = event
        return Line(self._t(posted_ns), "", self._redactor.text(fact_text(event)), dir=EVENT)

    def _t(self, monotonic_ns: int) -> float:
        return round((monotonic_ns + self._offset_ns) / 1e9, 6)

    def _next_file(self) -> Writer:
        """Begins with what the daemon ran with, and with the definitions, which come seldom."""
        self._number += 1
        now_ns = self._clock.monotonic_ns()
        self._offset_ns = self._clock.wall_ns() - now_ns
        writer = Writer(self._folder / f"margind-{self._began}-{self._number:04d}.jsonl.gz", now_ns)
        header = msgspec.json.encode(self._header()).decode()
        writer.write(Line(self._t(now_ns), "", header, dir=BEGIN), now_ns)
        for event in self._definitions.values():
            writer.write(Line(self._t(now_ns), "", fact_text(event), dir=EVENT), now_ns)
        return writer

    def _header(self) -> Header:
        config = self._config
        return Header(
            schema=SCHEMA,
            offset_ns=self._offset_ns,
            accounts=tuple(RecordedAccount(account_id(a.venue, a.name), a.desk) for a in config.accounts),
            models=self._models,
            thresholds=config.thresholds,
            margin_error_limit=config.daemon.margin_error_limit,
            implausible_index_gap=config.daemon.implausible_index_gap,
        )


class Writer:
    """One file, readable by its owner only; flushed at least once in FLUSH_S while something is written."""

    def __init__(self, path: Path, now_ns: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._raw: BinaryIO = os.fdopen(descriptor, "wb")
        self._packed = gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=self._raw, mtime=0)
        self._size = 0
        self._flushed_ns = now_ns

    @property
    def is_full(self) -> bool:
        """Whether the next line should begin another file."""
        return self._size > FILE_BYTES

    def write(self, line: Line, now_ns: int) -> None:
        """Adds a line; raises OSError."""
        text = msgspec.json.encode(line) + b"\n"
        self._packed.write(text)
        self._size += len(text)
        if now_ns - self._flushed_ns > FLUSH_S * 1e9:
            self._flushed_ns = now_ns
            self.flush()

    def flush(self) -> None:
        """Hands what was written to the system, so that a reader finds it; raises OSError."""
        self._packed.flush()

    def close(self) -> None:
        """Ends the file; raises OSError."""
        try:
            self._packed.close()
        finally:
            self._raw.close()

    def abandon(self) -> None:
        """Lets go of a file that takes no more."""
        with contextlib.suppress(OSError):
            self.close()
