"""A first start compiles on two cores: the searches in a process of their own, which leaves them on the disk
for this one. Compiling holds the interpreter's lock, so a thread would gain nothing.

Where there is no cache, no second core or no such process, this one compiles everything itself, as it does
with whatever the other one did not finish.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from numba import config

from monitor.book.compiled import compile_models, empty_book
from monitor.book.pocket import pocket_for
from monitor.book.solve import Solver
from monitor.margin.models import Convex

LONGEST_S = 120.0
_begun: list[subprocess.Popen[bytes]] = []


def begin() -> None:
    """Starts the other process, unless the searches are on the disk already or would not get there."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if not folder or config.DISABLE_JIT or (os.cpu_count() or 1) < 2:
        return
    if any(Path(folder).rglob("surveying.*.nbi")):
        return
    quiet = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        # -P: a `monitor` that somebody left in the working directory is not ours.
        command = [sys.executable, "-P", "-m", __name__]
        _begun.append(subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet))


def finish() -> None:
    """Waits for it, if it was begun; one that takes too long is ended."""
    while _begun:
        other = _begun.pop()
        try:
            other.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            other.kill()
            other.wait()


if __name__ == "__main__":
    book = empty_book()
    Solver(compile_models(()), [Convex.NOWHERE]).warm_up_searches(book, pocket_for(book, 1, 1))
