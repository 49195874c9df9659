"""The only clocks. Durations use the monotonic one, people and venues the wall; both are injected."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a time comes from."""

    def monotonic_ns(self) -> int:
        """For ages and deadlines; never jumps."""

    def wall_ns(self) -> int:
        """UTC since 1970, for people, venues and records."""


class SystemClock:
    """The machine's clocks."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of the monotonic clock."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()


class ManualClock:
    """A clock that moves when it is told to, for tests and replay."""

    def __init__(
        self, wall_ns: int = 1_700_000_000_000_000_000, monotonic_ns: int = 1_000_000_000_000
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns

    def advance_s(self, seconds: float) -> None:
        """Moves both clocks forward."""
        self._wall_ns += round(seconds * 1e9)
        self._monotonic_ns += round(seconds * 1e9)

    def monotonic_ns(self) -> int:
        """The monotonic clock as set."""
        return self._monotonic_ns

    def wall_ns(self) -> int:
        """The wall clock as set."""
        return self._wall_ns
