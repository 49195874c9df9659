"""The watch over the event loop, with loops that really stand still."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

from monitor.loop_probe import LoopProbe
from monitor.names import Metrics
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]
STANDING_STILL = """
import asyncio, time
from monitor.loop_probe import LoopProbe
from monitor.names import Metrics

def the_blocking_call():
    time.sleep(60)

async def main():
    LoopProbe(Metrics(), tell_s=0.1, abort_s=0.5, beat_s=0.05).start()
    await asyncio.sleep(0.1)
    the_blocking_call()

asyncio.run(main())
"""


def value(metrics: Metrics, name: str) -> float:
    """A sample of the registry."""
    return metrics.registry.get_sample_value(name) or 0.0


async def test_a_stall_is_told_while_it_lasts() -> None:
    """A loop that stands still past the first limit is counted once and seen in the gauge, from outside."""
    metrics, aborted = Metrics(), threading.Event()
    probe = LoopProbe(metrics, aborted.set, tell_s=0.2, abort_s=0.6, beat_s=0.02)
    probe.start()
    assert aborted.wait(20)  # the loop stands still here, until the probe would end the process
    assert value(metrics, "margind_loop_stalls_total") == 1
    assert value(metrics, "margind_loop_lag_seconds") > 0.6
    probe.stop()


async def test_a_loop_that_turns_is_left_alone() -> None:
    """Beats that are answered keep the lag small, and nothing is told."""
    metrics, aborted = Metrics(), threading.Event()
    asked = iter(range(10**9))

    def monotonic_s() -> float:
        return next(asked) * 1e-4

    probe = LoopProbe(metrics, aborted.set, tell_s=1.0, abort_s=2.0, beat_s=0.005, monotonic_s=monotonic_s)
    probe.start()

    async def many_beats() -> bool:
        return next(asked) > 60

    await eventually(many_beats, "thirty beats")
    probe.stop()
    assert not aborted.is_set()
    assert value(metrics, "margind_loop_stalls_total") == 0
    assert value(metrics, "margind_loop_lag_seconds") < 1.0


async def test_a_process_that_was_paused_is_no_stall() -> None:
    """When our own thread wakes an hour late the whole process was stopped: the loop is not to blame."""
    metrics, aborted, looked = Metrics(), threading.Event(), threading.Event()

    def times() -> Iterator[float]:
        yield 0.0  # a beat is posted, and then the machine sleeps
        yield from chain([3600.0, 3600.1], repeat(3600.2, 5))
        looked.set()
        yield from repeat(3600.2)

    found = times()
    probe = LoopProbe(metrics, aborted.set, beat_s=0.02, monotonic_s=lambda: next(found))
    probe.start()
    assert looked.wait(20)  # the loop stands still while the probe looks eight times
    probe.stop()
    assert not aborted.is_set()
    assert value(metrics, "margind_loop_stalls_total") == 0


def test_the_stop_of_a_loop_ends_the_watch() -> None:
    """A closed loop is not a stalled one."""
    aborted = threading.Event()
    probes: list[LoopProbe] = []

    async def main() -> None:
        probes.append(LoopProbe(Metrics(), aborted.set, tell_s=0.05, abort_s=0.1, beat_s=0.01))
        probes[0].start()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert probes[0]._thread is not None
    probes[0]._thread.join(10)
    assert not probes[0]._thread.is_alive()
    assert not aborted.is_set()


def test_a_dead_loop_ends_the_process_with_every_stack() -> None:
    """Past the last limit the process aborts, and stderr names the line that blocked."""
    ended = subprocess.run(
        [sys.executable, "-c", STANDING_STILL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == -signal.SIGABRT
    assert "in the_blocking_call" in ended.stderr
    assert "loop_dead" in ended.stdout + ended.stderr
