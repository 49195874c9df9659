"""A receiver that prints: for the demo, for `run` in the foreground, and as the last word of a route."""

from __future__ import annotations

import sys
from typing import TextIO

from alerts.alert import Kind, Level, Notification
from alerts.message import headline, lines
from alerts.notify.notifier import Delivered, Outcome, Rejected

RESET, DIM, GREEN = "\x1b[0m", "\x1b[2m", "\x1b[32m"
COLOURS = {
    Level.CLEAR: GREEN,
    Level.WARNING: "\x1b[33m",
    Level.MARGIN_CALL: "\x1b[35m",
    Level.CRITICAL: "\x1b[1;31m",
    Level.LIQUIDATION: "\x1b[1;37;41m",
}


class TerminalNotifier:
    """Prints headline and lines; in colour only where somebody looks at it."""

    def __init__(self, name: str, stream: TextIO | None = None) -> None:
        self.name = name
        self._stream = sys.stdout if stream is None else stream

    async def notify(self, notification: Notification) -> Outcome:
        """Printed and flushed, or rejected when the terminal is gone."""
        try:
            self._stream.write(self._text(notification))
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: closed
            return Rejected(f"the terminal does not take it: {type(error).__name__}")
        return Delivered()

    async def close(self) -> None:
        """Nothing to let go of: the stream belongs to the process."""

    def _text(self, notification: Notification) -> str:
        head, rest = headline(notification), "".join(f"  {line}\n" for line in lines(notification))
        if not self._stream.isatty():
            return _encodable(f"{head}\n{rest}", self._stream)
        colour = GREEN if notification.kind is Kind.RESOLVED else COLOURS[notification.level]
        return _encodable(f"{colour}{head}{RESET}\n{DIM}{rest}{RESET}", self._stream)


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
