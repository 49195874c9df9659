"""Gets each notification to a receiver of each of its routes: worst first, retried as the receiver wishes, falling through.

A route is an ordered list. Its first receiver is tried; the next one too when that one rejects, or when a critical
page is not delivered in time. One receiver that has it settles the route. Nothing is dropped but what a newer notice
of the same incident replaced before it was ever sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from alerts.alert import Level, Notification
from alerts.failpoints import reach
from alerts.ledger import Ledger
from alerts.notify.notifier import Delivered, Notifier, Outcome, Rejected, Retry
from monitor.clock import Clock
from monitor.names import Metrics

log = structlog.get_logger()
ATTEMPT_S = 5.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
AT_ONCE = 8  # attempts under way at one receiver
TOLD = ("confirmed", "superseded")
FirstSend = Callable[[Notification], None]


@dataclass(eq=False)
class _Job:
    """One notification on one route. `reached` is how far down the list it went."""

    notification: Notification
    receivers: tuple[str, ...]
    rejected: set[str] = field(default_factory=set)
    attempts: dict[str, int] = field(default_factory=dict)
    queued: set[str] = field(default_factory=set)  # receivers where it waits or is being sent
    reached: int = 0
    is_settled: bool = False
    submitted_s: float = 0.0


class _Line:
    """What waits for one receiver: the worst of what is due first."""

    def __init__(self, notifier: Notifier) -> None:
        self.notifier = notifier
        self._waiting: dict[_Job, float] = {}  # and when it is due
        self._paused_until_s = 0.0
        self._changed = asyncio.Event()

    def put(self, job: _Job, due_s: float) -> None:
        """Queues a job that is due at a time of the monotonic clock."""
        self._waiting[job] = due_s
        self._changed.set()

    def pause(self, until_s: float) -> None:
        """Nothing is sent before then: the receiver said so."""
        self._paused_until_s = max(self._paused_until_s, until_s)

    async def next(self, now_s: Callable[[], float]) -> _Job:
        """Waits for the next job, and takes it out."""
        while True:
            at_s = now_s()
            job = self._pick(at_s)
            if job is not None:
                return job
            self._changed.clear()
            due = [max(due_s, self._paused_until_s) for due_s in self._waiting.values()]
            pause_s = max(0.001, min(due) - at_s) if due else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()

    def _pick(self, at_s: float) -> _Job | None:
        for job in [job for job in self._waiting if job.is_settled]:
            del self._waiting[job]
        due = [job for job, due_s in self._waiting.items() if due_s <= at_s]
        if not due or at_s < self._paused_until_s:
            return None
        worst = min(due, key=lambda job: (-int(job.notification.level), job.notification.created_ns))
        del self._waiting[worst]
        return worst


class Dispatcher:
    """`submit` notifications whose intent is written; `run` delivers them."""

    def __init__(
        self,
        notifiers: Mapping[str, Notifier],
        ledger: Ledger,
        clock: Clock,
        metrics: Metrics,
        fall_through_after_s: float,
        on_first_send: FirstSend,
        rng: random.Random,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._fall_through_after_s = fall_through_after_s
        self._on_first_send = on_first_send
        self._rng = rng
        self._lines = {name: _Line(notifier) for name, notifier in notifiers.items()}
        self._jobs: set[_Job] = set()
        self._superseded: list[_Job] = []  # to be written down; until then a restart would send them again

    @property
    def pending(self) -> int:
        """Routes of notifications that nobody has yet."""
        return len(self._jobs)

    def submit(
        self,
        notification: Notification,
        routes: Iterable[tuple[str, ...]],
        states: Mapping[str, str] | None = None,
    ) -> None:
        """Queues a notification on its routes; `states` says how far a former run got."""
        states = states or {}
        for receivers in routes:
            known = tuple(name for name in receivers if name in self._lines)
            if not known or any(states.get(name) in TOLD for name in known):
                continue
            job = _Job(notification, known, submitted_s=self._now_s())
            job.rejected = {name for name in known if states.get(name) == "rejected"}
            self._jobs.add(job)
            self._supersede(job)
            self._advance(job)
        self._measure()

    async def run(self) -> None:
        """Delivers for ever."""
        async with asyncio.TaskGroup() as group:
            for name, line in self._lines.items():
                for _ in range(AT_ONCE):
                    group.create_task(self._work(name, line))
            group.create_task(self._watch())

    async def drain(self, seconds: float) -> bool:
        """Waits until nothing is pending, at most so long; answers whether nothing is."""
        deadline_s = self._now_s() + seconds
        while self._jobs and self._now_s() < deadline_s:
            await asyncio.sleep(0.02)
        return not self._jobs

    async def close(self) -> None:
        """Lets go of every channel's connections."""
        for line in self._lines.values():
            await line.notifier.close()

    async def _work(self, name: str, line: _Line) -> None:
        while True:
            job = await line.next(self._now_s)
            if job.is_settled:
                continue
            await self._attempt(name, line, job)
            self._measure()

    async def _attempt(self, name: str, line: _Line, job: _Job) -> None:
        notification = job.notification
        job.attempts[name] = job.attempts.get(name, 0) + 1
        if sum(job.attempts.values()) == 1:
            self._on_first_send(notification)
        reach("attempt_begun")
        outcome = await self._send(line.notifier, notification)
        reach("attempt_answered")
        self._metrics.notify.labels(name, type(outcome).__name__.lower()).inc()
        match outcome:
            case Delivered():
                await self._settle(job, name, "confirmed")
                reach("delivered")
            case Retry(reason, after_s):
                await self._write(job, name, "sent", reason)
                self._again(name, line, job, after_s)
            case Rejected(reason):
                log.error("receiver_rejected", receiver=name, notification=notification.id, reason=reason)
                job.queued.discard(name)
                job.rejected.add(name)
                await self._write(job, name, "rejected", reason)
                self._advance(job)

    @staticmethod
    async def _send(notifier: Notifier, notification: Notification) -> Outcome:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await notifier.notify(notification)
        except TimeoutError:
            return Retry("no answer in time")
        except Exception as error:
            log.error("notifier_crashed", receiver=notifier.name, error=type(error).__name__, exc_info=error)
            return Rejected(f"our own error: {type(error).__name__}")

    async def _settle(self, job: _Job, name: str, state: str) -> None:
        job.is_settled = True
        self._jobs.discard(job)
        await self._write(job, name, state, "")

    async def _write(self, job: _Job, name: str, state: str, reason: str) -> None:
        await self._ledger.settle(job.notification.id, name, state, job.attempts.get(name, 0), reason)
        reach("outcome_committed")

    def _again(self, name: str, line: _Line, job: _Job, after_s: float | None) -> None:
        """Waits as the receiver wishes, or longer each time; a wish holds for the whole receiver."""
        doubled = FIRST_PAUSE_S * 2 ** min(job.attempts[name] - 1, 10)
        pause_s = self._rng.uniform(0, min(doubled, LONGEST_PAUSE_S)) if after_s is None else after_s
        if after_s is not None:
            line.pause(self._now_s() + after_s)
        line.put(job, self._now_s() + pause_s)

    def _advance(self, job: _Job) -> None:
        """Goes to the next receiver of the route; past the last one all are tried again, slowly."""
        while job.reached < len(job.receivers):
            name = job.receivers[job.reached]
            job.reached += 1
            if name not in job.rejected:
                job.queued.add(name)
                self._lines[name].put(job, self._now_s())
                return
        if not job.queued:
            log.error("no_receiver_took_it", notification=job.notification.id, receivers=job.receivers)
            for name in job.receivers:
                job.queued.add(name)
                self._lines[name].put(job, self._now_s() + LONGEST_PAUSE_S)

    def _supersede(self, fresh: _Job) -> None:
        """What was never sent of the same incident is replaced by the newer notice."""
        for job in list(self._jobs):
            same = job.notification.key == fresh.notification.key and job.receivers == fresh.receivers
            if same and job is not fresh and not job.attempts:
                job.is_settled = True
                self._jobs.discard(job)
                self._superseded.append(job)

    async def _watch(self) -> None:
        """Falls through in time, and writes down what was superseded."""
        while True:
            await asyncio.sleep(0.1)
            while self._superseded:
                job = self._superseded.pop()
                for name in job.receivers:
                    await self._write(job, name, "superseded", "a newer notice of the incident")
            now_s = self._now_s()
            for job in list(self._jobs):
                waited_s = now_s - job.submitted_s
                is_late = waited_s >= self._fall_through_after_s * job.reached
                if job.notification.level >= Level.CRITICAL and is_late and job.reached < len(job.receivers):
                    self._advance(job)
            self._measure()

    def _measure(self) -> None:
        created = [job.notification.created_ns for job in self._jobs]
        oldest_s = (self._clock.wall_ns() - min(created)) / 1e9 if created else 0.0
        self._metrics.notify_pending.set(len(created))
        self._metrics.notify_oldest_pending.set(max(0.0, oldest_s))

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
