"""How a command ends, for scripts and service managers. Stable across releases, listed by --help."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
NOT_RUNNING: Final = 3
IN_USE: Final = 4

MEANINGS: Final = {
    OK: "done, or stopped as asked",
    FAILED: "something went wrong while running",
    REFUSED: "the command line or the config is refused; nothing was started",
    NOT_RUNNING: "no running margind to ask, or what it last wrote is too old",
    IN_USE: "another margind holds the data directory",
}


class CommandFailed(Exception):
    """A command ends here, with one line for the operator and an exit code."""

    def __init__(self, line: str, code: int = FAILED) -> None:
        super().__init__(line)
        self.code = code
