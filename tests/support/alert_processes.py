"""Runs of the alerts in processes of their own, which a test may kill."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.support import alert_harness

RUN_S = 30.0
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.support.alert_harness"])


def begun(
    folder: Path, urls: Sequence[str], steps: Sequence[str], failpoint: str | None = None
) -> ForkServerProcess:
    """The harness in a process of its own."""
    process = forks.Process(target=alert_harness.run, args=(str(folder), urls, steps, failpoint))
    process.start()
    return process


async def ended(process: ForkServerProcess) -> int:
    """Waits for its end, and answers its exit code."""
    try:
        await asyncio.to_thread(process.join, RUN_S)
        assert process.exitcode is not None, "the run does not end"
        return process.exitcode
    finally:
        process.kill()
