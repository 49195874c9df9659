"""Golden frames: one JSON object a line with `stream`, `name`, `frame`, and what must come of it.

`events` (each with its type and the fields that matter), `ignored` (the kind) or `bad` (the reason).
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from adapters.venue import BadFrame, Codec, Decoded, Ignored
from monitor.domain.event import Event

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "frames"
RECEIVED_NS = 5_000_000_000


def golden(venue: str) -> list[dict[str, Any]]:
    """The golden frames of a venue."""
    lines = (GOLDEN / venue / "frames.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def named(frame: dict[str, Any]) -> str:
    """A golden frame's name, for pytest."""
    return f"{frame['stream']}: {frame['name']}"


def check_golden(codec: Codec, frame: dict[str, Any]) -> None:
    """Decodes a golden frame as text and as bytes, and compares what comes of it with what is written."""
    decoded = codec.decode(frame["frame"].encode(), RECEIVED_NS)
    assert codec.decode(frame["frame"], RECEIVED_NS) == decoded
    if "ignored" in frame:
        assert decoded == Ignored(frame["ignored"])
    elif "bad" in frame:
        assert decoded == BadFrame(frame["bad"])
    else:
        decoded = events_of(decoded)
        assert len(decoded) == len(frame["events"])
        for event, wanted in zip(decoded, frame["events"], strict=True):
            seen = {"type": type(event).__name__, **msgspec.to_builtins(event)}
            assert is_part(wanted, seen), f"{wanted} is not part of {seen}"


def is_part(wanted: Any, seen: Any) -> bool:
    """Whether everything that is written is seen; fields that are not written may be anything."""
    if isinstance(wanted, dict):
        return isinstance(seen, dict) and all(
            key in seen and is_part(value, seen[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(wanted) == len(seen) and all(map(is_part, wanted, seen))
    return bool(wanted == seen)


def recorded(path: Path) -> Iterator[tuple[str, str]]:
    """The frames that a recording received: channel or URL, and text."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry.get("dir") not in ("send", "connect"):
                yield entry["url_or_channel"], entry["frame"]


def events_of(decoded: Decoded) -> list[Event]:
    """The events of a frame that had to have some."""
    assert not isinstance(decoded, Ignored | BadFrame), decoded
    return list(decoded)


class Tally:
    """Counts what became of frames: events, ignored by kind, bad by reason."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()

    def add(self, decoded: Decoded) -> Decoded:
        """Counts one frame."""
        if isinstance(decoded, Ignored):
            self.ignored[decoded.kind] += 1
        elif isinstance(decoded, BadFrame):
            self.bad[decoded.reason] += 1
        else:
            self.events.update(type(event).__name__ for event in decoded)
        return decoded

    def __str__(self) -> str:
        return f"events {dict(self.events)}, ignored {dict(self.ignored)}, bad {dict(self.bad)}"
