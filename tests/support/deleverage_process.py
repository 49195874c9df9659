"""Deleveraging in a process of its own, to be killed: over a real book, audit log and Redis, one hook.

What the hook was asked stands in a file, written before it answers: that is what the outside world has seen.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from alerts import failpoints
from tests.support.deleverage_stage import READY_S, Stage

ASKED = "asked"
LEASE_S = 1.0  # of a run that was killed: the next one gets the right to act when it is over
forks = multiprocessing.get_context("forkserver")


def asked(folder: Path) -> list[str]:
    """The ids that the hook was asked, each as often as it was."""
    path = folder / ASKED
    return path.read_text().split() if path.exists() else []


def begun(folder: Path, url: str, after_s: float, failpoint: str = "") -> ForkServerProcess:
    """A run that begins so many seconds after the first one could act."""
    process = forks.Process(target=run, args=(str(folder), url, after_s, failpoint))
    process.start()
    return process


def run(folder: str, url: str, after_s: float, failpoint: str) -> None:
    """Starts, is armed, and looks for as long as the grace and a cooldown take. Dies at the failpoint."""
    failpoints.arm(failpoint)
    asyncio.run(_run(Path(folder), url, after_s))


async def _run(folder: Path, url: str, after_s: float) -> None:
    stage = Stage(folder, url, lease_s=LEASE_S)
    stage.hook.on_ask = lambda: _write(folder, stage.hook.asked[-1].id)
    await stage.start(after_s)
    stage.arm()
    for second in (READY_S, READY_S + 1, READY_S + 302, READY_S + 303):
        await stage.at(after_s + second)
    await stage.actions.stop()


def _write(folder: Path, id_: str) -> None:
    with (folder / ASKED).open("a", encoding="utf-8") as file:
        file.write(f"{id_}\n")
        file.flush()
        os.fsync(file.fileno())
