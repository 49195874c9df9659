"""Keeps a task alive: a crash is counted, told, and tried again with a longer pause. The blast radius is the
task."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from monitor.names import Metrics

log = structlog.get_logger()
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
HEALTHY_AFTER_S = 60.0


async def supervise(
    name: str,
    task: Callable[[], Awaitable[None]],
    metrics: Metrics,
    on_crash: Callable[[Exception], None],
    rng: random.Random,
) -> None:
    """Runs `task` until it returns; after a crash calls `on_crash`, waits (full jitter), runs it again."""
    pause_s = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await task()
        except Exception as error:
            metrics.task_restarts.labels(name).inc()
            log.error("task_crashed", task=name, error=type(error).__name__, exc_info=error)
            on_crash(error)
        else:
            return
        if loop.time() - began_s > HEALTHY_AFTER_S:
            pause_s = FIRST_PAUSE_S
        await asyncio.sleep(rng.uniform(0, pause_s))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
