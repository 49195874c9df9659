"""A first start compiles on two cores: the searches in a process of their own, which leaves them on the disk
for this one. Compiling holds the interpreter's lock, so a thread would gain nothing. Importing this imports
nothing heavy: the other process begins before this one imports numba.

Where there is no cache, no second core or no such process, this one compiles everything itself, as it does
with whatever the other one did not finish.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_S = 120.0
_begun: list[subprocess.Popen[bytes]] = []


def begin() -> None:
    """Starts the other process, unless the searches are on the disk already or would not get there."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    is_plain = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
    if not folder or is_plain or (os.cpu_count() or 1) < 2:
        return
    if any(Path(folder).rglob("surveying.*.nbi")):
        return
    quiet = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        # -P: a `monitor` that somebody left in the working directory is not ours.
        command = [sys.executable, "-P", "-m", __name__]
        _begun.append(subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet))


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Collects no garbage meanwhile: looking for it is a tenth of numba's own work, and finds little."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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
    from monitor.book.compiled import compile_models, empty_book
    from monitor.book.pocket import pocket_for
    from monitor.book.solve import Solver
    from monitor.margin.models import Convex

    book = empty_book()
    with undisturbed():
        Solver(compile_models(()), [Convex.NOWHERE]).warm_up_searches(book, pocket_for(book, 1, 1))
