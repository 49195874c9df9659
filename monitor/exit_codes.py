"""How a command ends, for scripts and service managers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The numbers that `margind --help` documents; stable across releases."""

    DONE = 0
    FAILED = 1
    REFUSED = 2
    NOT_RUNNING = 3
    IN_USE = 4


MEANINGS = {
    ExitCode.DONE: "done, or stopped as asked",
    ExitCode.FAILED: "something went wrong while running",
    ExitCode.REFUSED: "the command line or the config is refused; nothing was started",
    ExitCode.NOT_RUNNING: "no running margind to ask, or what it last wrote is too old",
    ExitCode.IN_USE: "another margind holds the data directory",
}


class CommandFailed(Exception):
    """A command ends here, with one line for the operator and an exit code."""

    def __init__(self, line: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(line)
        self.code = code
