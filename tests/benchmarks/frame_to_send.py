"""From a venue's frame to the first attempt to send: the whole daemon over real sockets, in a storm of marks.

Real: the daemon with its public session, codec, inbox, engine, book, sweep at the shipped levels, a private
session a pool, fsynced ledger, signed webhook, embedded store. Doubled: REST, which answers from memory. The
venue's sockets and the webhook's are in another process (frame_venue). Measured where the daemon measures it
(`margind_frame_to_send_seconds`: the oldest frame of the turn to the first attempt), and by a stopwatch
outside: the venue writes the frame, the webhook reads the message.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import structlog

from adapters import VENUES
from monitor.daemon import Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import Turn
from tests.benchmarks.frame_desk import POOLS, VENUE, daemon_config
from tests.benchmarks.frame_doubles import LEGS, Venue
from tests.benchmarks.frame_venue import OPEN_FILES, RATE, SYMBOLS, Ready, Report, symbol
from tests.benchmarks.memory import resident_mb
from tests.benchmarks.table import Row, quantile

TOGETHER = POOLS // SYMBOLS  # pools that cross at one frame
FALL_EVERY_S = 0.05
LIMITS_MS = (20.0, 250.0)  # p50, p99
BURST = 20_000  # frames a second
BURST_LIMIT_MS = 1_000.0
BURST_GROWTH_MB = 100.0
READY_S = 240.0
TIMEOUT_S = 420
SETTLE_S = 5.0  # a thousand accounts that came at once have left frames in the socket
LAST_S = 60.0  # more than any of it takes where it works
ROOT = Path(__file__).resolve().parents[2]


class Cost(NamedTuple):
    """Seconds of each crossing: inside the daemon, and from socket to socket."""

    inside_s: list[float]
    outside_s: list[float]
    crash_s: list[float]  # inside, where all pools cross at once
    frames_per_s: float  # as received by the daemon while pools crossed
    sent_per_s: float
    turns_per_s: float
    grew_mb: float  # the daemon's resident memory, from the first frame counted to the last


class Bench:
    """One run."""

    def __init__(self, folder: Path, rate: int) -> None:
        self._folder = folder
        self._rate = rate
        self._bands: dict[str, RiskBand] = {}
        self._inside_s: list[float] = []
        self._turns = 0

    async def run(self) -> Cost:
        """Starts both sides, waits for every pool to be clear, and lets contracts fall, first one by one."""
        async with _other_side() as (ready, other), self._daemon(ready) as daemon:
            await asyncio.sleep(SETTLE_S)
            frames, turns, began_s = _frames(daemon), self._turns, time.monotonic()
            before_mb = resident_mb()
            _write(other, f"count {self._rate}")
            self._inside_s.clear()
            for number in range(SYMBOLS):
                _write(other, f"fall {number}")
                await asyncio.sleep(FALL_EVERY_S)
            took_s = time.monotonic() - began_s
            grew_mb = resident_mb() - before_mb
            frames, turns = _frames(daemon) - frames, self._turns - turns
            await _until(lambda: len(self._inside_s) >= POOLS, "every crossing to be sent", LAST_S)
            await asyncio.sleep(SETTLE_S)
            report = await _report(other)
            inside_s = self._inside_s.copy()
            crash_s = await self._crash(other)
        sent_per_s = report.sent / report.sent_s
        return Cost(
            inside_s, _outside_s(report), crash_s, frames / took_s, sent_per_s, turns / took_s, grew_mb
        )

    async def _crash(self, other: asyncio.subprocess.Process) -> list[float]:
        self._inside_s.clear()
        _write(other, "crash")
        await _until(lambda: len(self._inside_s) >= POOLS, "the crash to be told", LAST_S)
        _write(other, "stop")
        return self._inside_s.copy()

    @contextlib.asynccontextmanager
    async def _daemon(self, ready: Ready) -> AsyncIterator[Daemon]:
        daemon = Daemon(daemon_config(self._folder, ready), watchers=(self._look,))
        observe = daemon.metrics.frame_to_send.observe

        def measured(seconds: float) -> None:
            self._inside_s.append(seconds)
            observe(seconds)

        stop = asyncio.Event()
        with patch.object(daemon.metrics.frame_to_send, "observe", measured):
            task = asyncio.create_task(daemon.run(stop, lambda _: None))
            try:
                await _until(lambda: task.done() or self._is_ready(), "every pool to be clear", READY_S)
                yield daemon
            finally:
                stop.set()
                await task

    def _look(self, turn: Turn) -> None:
        self._turns += 1
        for pool in turn.removed:
            self._bands.pop(pool, None)
        for state in turn.changed:
            self._bands[state.pool] = state.band

    def _is_ready(self) -> bool:
        return len(self._bands) == POOLS and set(self._bands.values()) == {RiskBand.CLEAR}


def run() -> Iterator[Row]:
    """Crossings now and then, which have the limit; all of them at once; and in a burst of frames."""
    cost = _apart(RATE)
    p50_ms, p99_ms = _quantiles_ms(cost.inside_s)
    outside_ms = _quantiles_ms(cost.outside_s)
    crash_ms = _quantiles_ms(cost.crash_s)
    what = (
        f"frame received to first send attempt, {POOLS:,} pools x {LEGS} positions, {_rates(cost)}, "
        f"{len(cost.inside_s):,} crossings, {TOGETHER} of them each {1e3 * FALL_EVERY_S:g} ms"
    )
    limit = f"p50 at most {LIMITS_MS[0]:g} ms, p99 at most {LIMITS_MS[1]:g} ms"
    beside = f"venue's write to webhook's read: p50 {outside_ms[0]:.1f} ms, p99 {outside_ms[1]:.1f} ms"
    is_kept = p50_ms <= LIMITS_MS[0] and p99_ms <= LIMITS_MS[1] and cost.frames_per_s >= 0.98 * RATE
    slowest = f"p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, longest {1e3 * max(cost.inside_s):.0f} ms"
    yield Row(what, slowest, beside, limit, is_kept)
    crash = f"p50 {crash_ms[0]:,.0f} ms, p99 {crash_ms[1]:,.0f} ms, last {1e3 * max(cost.crash_s):,.0f} ms"
    yield Row(f"the same when all {POOLS:,} pools cross at once", crash, f"one by one p50 {p50_ms:.1f} ms")
    yield _burst(_apart(BURST))


def _burst(cost: Cost) -> Row:
    """Slow consumer: what waits in a socket is lag too, so the stopwatch outside counts."""
    p50_ms, p99_ms = _quantiles_ms(cost.outside_s)
    return Row(
        f"venue's write to webhook's read in a burst: {_rates(cost)}, {len(cost.outside_s):,} crossings",
        f"p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms; resident memory grew {cost.grew_mb:+.0f} MB",
        f"inside p99 {_quantiles_ms(cost.inside_s)[1]:.1f} ms; all at once last {max(cost.crash_s):,.1f} s",
        f"p99 at most {BURST_LIMIT_MS:g} ms, memory at most {BURST_GROWTH_MB:g} MB more",
        p99_ms <= BURST_LIMIT_MS and cost.grew_mb <= BURST_GROWTH_MB,
    )


def _rates(cost: Cost) -> str:
    received, sent = f"{cost.frames_per_s:,.0f} frames/s received", f"{cost.sent_per_s:,.0f} sent"
    return f"{received} ({sent}), {cost.turns_per_s:.0f} turns/s"


def _apart(rate: int) -> Cost:
    """In a process of its own, as a daemon is, without what other benchmarks have left in the heap."""
    command = (sys.executable, "-m", "tests.benchmarks.frame_to_send", str(rate))
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S, cwd=ROOT)
    return Cost(**json.loads(done.stdout))


def measure(rate: int) -> Cost:
    """In a folder that goes."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    with tempfile.TemporaryDirectory() as folder, patch.dict(VENUES, {VENUE: Venue()}):
        return asyncio.run(Bench(Path(folder), rate).run())


@contextlib.asynccontextmanager
async def _other_side() -> AsyncIterator[tuple[Ready, asyncio.subprocess.Process]]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.benchmarks.frame_venue")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT, limit=1 << 24)
    try:
        assert process.stdout is not None
        yield Ready(**json.loads(await process.stdout.readline())), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _outside_s(report: Report) -> list[float]:
    """From the write of a fall to the message of each pool that it struck."""
    found = []
    for pool, told_ns in report.told_ns.items():
        number = int(pool.split("/")[1].removeprefix("a"))
        found.append((told_ns - report.fell_ns[symbol(number % SYMBOLS)]) / 1e9)
    return found


async def _report(other: asyncio.subprocess.Process) -> Report:
    _write(other, "report")
    assert other.stdout is not None
    return Report(**json.loads(await other.stdout.readline()))


def _quantiles_ms(seconds: Sequence[float]) -> tuple[float, float]:
    return 1e3 * quantile(seconds, 0.5), 1e3 * quantile(seconds, 0.99)


def _write(other: asyncio.subprocess.Process, line: str) -> None:
    assert other.stdin is not None
    other.stdin.write(f"{line}\n".encode())


def _frames(daemon: Daemon) -> int:
    labels = {"venue": VENUE, "stream": "public"}
    return int(daemon.metrics.registry.get_sample_value("margind_frames_total", labels) or 0)


async def _until(holds: Callable[[], object], what: str, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s for {what}"
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))._asdict()))
