"""Arming, and the kill switch.

Armed is what a person says to a running daemon, for a time; a restart disarms. Killed is a file in the data
directory: it outlives everything, and anybody with a shell there can make it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

KILL_FILE = "KILL"


class Armed(NamedTuple):
    """By whom, and until when on the monotonic clock."""

    by: str
    until_ns: int


class KillFile:
    """The file. What can't be looked at counts as thrown."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KILL_FILE

    @property
    def where(self) -> str:
        """The file that is there; "" for none."""
        try:
            os.stat(self._path, follow_symlinks=False)  # noqa: PTH116  exists() takes an error for absence
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self._path}: {error.strerror}"
        return str(self._path)

    def throw(self, why: str) -> None:
        """On the disk when it returns; raises OSError."""
        number = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(number, f"{why}\n".encode())
            os.fsync(number)
        finally:
            os.close(number)

    def release(self) -> None:
        """Takes it back."""
        self._path.unlink(missing_ok=True)
