"""Times in a book file: with a zone, to the second."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_NS = 1_000_000_000
RECEIVED_NS = 3_600 * SECOND_NS  # any moment of our own clock; nothing in a file grows old


def moment_ns(moment: datetime | None) -> int | None:
    """Wall clock in ns since 1970."""
    return None if moment is None else round(moment.timestamp()) * SECOND_NS


def moment_of(wall_ns: int | None) -> datetime | None:
    """The same as a time in UTC."""
    return None if wall_ns is None else datetime.fromtimestamp(wall_ns / SECOND_NS, UTC)
