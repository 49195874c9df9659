"""The lines of recordings, in the order of their times, with the file and the number of each."""

from __future__ import annotations

import gzip
import heapq
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor.exit_codes import CommandFailed, ExitCode
from monitor.recording.line import BEGIN, BadRecording, Header, Line, header_of

LONGEST_WORDS = 120


class Place(NamedTuple):
    """A line and where it stands."""

    time_s: float | None  # the last `t` of the file up to here: time stands still where it is null
    file: int  # its place among the files of the command line
    number: int
    line: Line


class Recording:
    """One file. `cut` says after reading why it ended early, if it did."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.cut = ""
        self._file = file
        self._decoder = msgspec.json.Decoder(Line)

    def header(self) -> Header | None:
        """The header, where the file is one of ours; raises CommandFailed."""
        first = next(iter(self), None)
        if first is None or first.line.dir != BEGIN:
            return None
        try:
            return header_of(first.line.frame)
        except BadRecording as fault:
            raise self.refused(first, str(fault)) from None

    def __iter__(self) -> Iterator[Place]:
        """Every line; raises CommandFailed for a file that is no recording."""
        self.cut = ""
        time_s: float | None = None
        for number, raw in enumerate(self._raw_lines(), start=1):
            try:
                line = self._decoder.decode(raw)
            except (msgspec.DecodeError, UnicodeError) as fault:
                if not raw.endswith(b"\n"):
                    self.cut = f"line {number} is not whole"
                    return
                raise self._refused(number, f"{str(fault)[:LONGEST_WORDS]}; {SHAPE}") from None
            time_s = line.t if line.t is not None else time_s
            yield Place(time_s, self._file, number, line)

    def refused(self, place: Place, why: str) -> CommandFailed:
        """What ends the command because of a line."""
        return self._refused(place.number, why)

    def _raw_lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                is_packed = file.read(2) == b"\x1f\x8b"
                file.seek(0)
                yield from gzip.GzipFile(fileobj=file) if is_packed else file
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.cut = "the packed data ends early"
        except OSError as failed:
            reason = failed.strerror or type(failed).__name__
            raise CommandFailed(f"{self.path}: {reason}", ExitCode.REFUSED) from None

    def _refused(self, number: int, why: str) -> CommandFailed:
        return CommandFailed(f"{self.path}: line {number}: {why}", ExitCode.REFUSED)


SHAPE = 'a line is {"t": seconds or null, "url_or_channel": text, "frame": text}'


def merged(recordings: Sequence[Recording]) -> Iterable[Place]:
    """The lines of all files by time; those of one time, or of none, in the order of the files."""
    return heapq.merge(*recordings, key=lambda place: (place.time_s or 0.0, place.file, place.number))
