"""What receivers want to know again after a restart: which message of a service is about which incident.

In memory, and in the ledger as soon as the disk has time: nobody waits for it. What a kill forgets costs a
receiver a message that is posted anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerts.ledger import Ledger, Remembered
from monitor.clock import Clock

MOST = 2_000  # lines of one receiver; the one that was written longest ago is forgotten


class Memory:
    """Lines by receiver and name, bounded."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lines: dict[str, dict[str, str]] = {}

    def restore(self, lines: Iterable[Remembered]) -> None:
        """Takes in what the last run remembered, the oldest first."""
        for line in lines:
            self._lines.setdefault(line.receiver, {})[line.name] = line.body

    def recall(self, receiver: str, name: str) -> str | None:
        """What was kept last of this name."""
        return self._lines.get(receiver, {}).get(name)

    def all_of(self, receiver: str) -> Iterator[tuple[str, str]]:
        """Each name and what was kept of it."""
        yield from tuple(self._lines.get(receiver, {}).items())

    def keep(self, receiver: str, name: str, body: str) -> None:
        """Keeps it in place of what was there."""
        lines = self._lines.setdefault(receiver, {})
        lines.pop(name, None)
        lines[name] = body
        self._ledger.remember(Remembered(receiver, name, self._clock.wall_ns(), body))
        while len(lines) > MOST:
            self.forget(receiver, next(iter(lines)))

    def forget(self, receiver: str, name: str) -> None:
        """Keeps it no longer."""
        if self._lines.get(receiver, {}).pop(name, None) is not None:
            self._ledger.forget(receiver, name)
