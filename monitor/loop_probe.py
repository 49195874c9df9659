"""Watches the event loop from a thread: a loop that stands still can't say so itself.

Seen from outside: a beat is posted to the loop and its age is the lag. Past 2 s it is told. Past 10 s the
daemon is no monitor any more: it writes down every stack and ends, for the service manager to restart.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

from monitor.names import Metrics

log = structlog.get_logger()
BEAT_S = 0.25
TELL_S = 2.0
ABORT_S = 10.0
PAUSED_S = 1.0  # our own thread woke this late: the whole process was stopped, the loop is not to blame


def dump_and_abort() -> None:
    """Writes the stack of every thread to stderr and ends the process at once."""
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os.abort()


class LoopProbe:
    """`start` inside the loop that is to be watched, `stop` when it ends."""

    def __init__(
        self,
        metrics: Metrics,
        abort: Callable[[], None] = dump_and_abort,
        *,
        tell_s: float = TELL_S,
        abort_s: float = ABORT_S,
        beat_s: float = BEAT_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics, self._abort = metrics, abort
        self._tell_s, self._abort_s, self._beat_s = tell_s, abort_s, beat_s
        self._monotonic_s = monotonic_s
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch the running loop."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._watch, args=(loop,), name="loop-probe", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=4 * self._beat_s)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stop.is_set():
            self._answered.clear()
            try:
                loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:  # the loop was closed
                return
            self._await_beat()
            self._stop.wait(self._beat_s)

    def _await_beat(self) -> None:
        posted_s = looked_s = self._monotonic_s()
        told = False
        while not self._answered.wait(self._beat_s) and not self._stop.is_set():
            now_s = self._monotonic_s()
            if now_s - looked_s > self._beat_s + PAUSED_S:
                posted_s = now_s
            looked_s = now_s
            lag_s = now_s - posted_s
            self._metrics.loop_lag.set(lag_s)
            if lag_s > self._tell_s and not told:
                told = True
                self._metrics.loop_stalls.inc()
                log.error("loop_stalled", lag_s=round(lag_s, 2))
            if lag_s > self._abort_s:
                log.critical("loop_dead", lag_s=round(lag_s, 2))
                self._abort()
                return
        self._metrics.loop_lag.set(self._monotonic_s() - posted_s)
