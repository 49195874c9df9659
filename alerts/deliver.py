"""Gets each notification to a receiver of each of its routes: worst first, retried as the receiver wishes.

A route is an ordered list. Its first receiver is tried; the next one too when that one rejects, or when the
page is not delivered in time. One receiver that has it settles the route. Nothing is dropped but what a newer
notice says as well.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from alerts.alert import AlertKey, Level, Notification
from alerts.failpoints import reach
from alerts.ledger import Ledger, OpenRoute
from alerts.notify.notifier import Delivered, Digesting, Notifier, Outcome, Rejected, Retry
from alerts.waiting_line import Budget, Job, WaitingLine
from monitor.clock import Clock
from monitor.names import Metrics

log = structlog.get_logger()
ATTEMPT_S = 5.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
PATIENCE = 10  # what is not critical waits this much longer before it falls through
AT_ONCE = 8  # attempts under way at one receiver
MOST_OF_A_KEY = 16  # undelivered notices about one thing; older ones are superseded
WATCH_S = 0.1
CRY_S = 60.0  # how often it is logged that messages do not get out
FirstSend = Callable[[int], None]  # monotonic: when the frame behind the page arrived


class Dispatcher:
    """`submit` notifications whose intent is written; `run` delivers them."""

    def __init__(
        self,
        notifiers: Mapping[str, Notifier],
        ledger: Ledger,
        clock: Clock,
        metrics: Metrics,
        fall_through_after_s: float,
        budget: Budget,
        on_first_send: FirstSend,
        rng: random.Random,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._fall_through_after_s = fall_through_after_s
        self._on_first_send = on_first_send
        self._rng = rng
        self._budget = budget
        self._lines = {name: WaitingLine(notifier, budget) for name, notifier in notifiers.items()}
        self._jobs: dict[AlertKey, list[Job]] = {}
        self._retired: list[Notifier] = []  # replaced by a reload; an attempt may still be under way
        self._workers: asyncio.TaskGroup | None = None
        self._superseded: list[Job] = []  # to be written down; until then a restart would send them again
        self._cry_s = 0.0
        self.oldest_pending_s = 0.0  # age of the oldest notification that nobody has

    @property
    def pending(self) -> int:
        """Routes of notifications that nobody has yet, or of which that is not written down."""
        return sum(map(len, self._jobs.values())) + len(self._superseded)

    @property
    def notifiers(self) -> dict[str, Notifier]:
        """The channels of now by their names."""
        return {name: line.notifier for name, line in self._lines.items()}

    def knows(self, receiver: str) -> bool:
        """Whether there is such a receiver."""
        return receiver in self._lines

    def submit(
        self, notification: Notification, routes: Iterable[OpenRoute], received_ns: int | None = None
    ) -> None:
        """Queues a notification on its routes."""
        for number, receivers in routes:
            known = tuple(filter(self.knows, receivers))
            if not known:
                log.error("nobody_to_tell", notification=notification.id, receivers=receivers)
                continue
            job = Job(notification, number, known, self._now_s(), received_ns=received_ns)
            received_ns = None  # one page, one measurement
            self._supersede(job)
            self._jobs.setdefault(notification.key, []).append(job)
            self._advance(job)

    async def run(self) -> None:
        """Delivers for ever."""
        async with asyncio.TaskGroup() as group:
            self._workers = group
            for name, line in self._lines.items():
                self._staff(group, name, line)
            group.create_task(self._watch())

    def renew(self, notifiers: Mapping[str, Notifier], fall_through_after_s: float, budget: Budget) -> None:
        """Takes new and changed receivers; what waits for one of that name goes out through the new one."""
        self._fall_through_after_s, self._budget = fall_through_after_s, budget
        for held in self._lines.values():
            held.budget = budget
        for name, notifier in notifiers.items():
            line = self._lines.get(name)
            if line is not None:
                self._retired.append(line.notifier)
                line.take(notifier)
                continue
            line = self._lines[name] = WaitingLine(notifier, budget)
            if self._workers is not None:
                self._staff(self._workers, name, line)

    async def close(self) -> None:
        """Lets go of every channel's connections."""
        for notifier in (*self._retired, *(line.notifier for line in self._lines.values())):
            await notifier.close()

    def _staff(self, group: asyncio.TaskGroup, name: str, line: WaitingLine) -> None:
        for _ in range(AT_ONCE):
            group.create_task(self._work(name, line))

    async def _work(self, name: str, line: WaitingLine) -> None:
        while True:
            jobs = await line.next(self._now_s)
            for job in jobs:
                job.under_way += 1
            try:
                await self._attempt(name, line, jobs)
            finally:
                for job in jobs:
                    job.under_way -= 1

    async def _attempt(self, name: str, line: WaitingLine, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if not job.attempts and job.received_ns is not None:
                self._on_first_send(job.received_ns)
            job.attempts[name] = job.attempts.get(name, 0) + 1
        reach("attempt_begun")
        outcome = await attempt(line.notifier, _sending(line.notifier, [job.notification for job in jobs]))
        reach("attempt_answered")
        self._metrics.notify.labels(name, type(outcome).__name__.lower()).inc()
        if len(jobs) > 1:
            self._metrics.notify_digested.labels(name).inc(len(jobs))
        together = f"in a digest of {len(jobs)}" if len(jobs) > 1 else ""
        await asyncio.gather(*(self._settle(name, line, job, outcome, together) for job in jobs))

    async def _settle(self, name: str, line: WaitingLine, job: Job, outcome: Outcome, together: str) -> None:
        match outcome:
            case Delivered():
                self._drop(job)
                await self._write(job, name, "confirmed", together)
                reach("delivered")
            case Retry(reason, after_s):
                await self._write(job, name, "sent", reason)
                reach("retry_written")
                self._again(name, line, job, after_s)
            case Rejected(reason):
                log.error("receiver_rejected", receiver=name, notification=job.notification.id, reason=reason)
                job.queued.discard(name)
                job.rejected.add(name)
                await self._write(job, name, "rejected", reason)
                reach("rejection_written")
                self._advance(job)

    async def _write(self, job: Job, name: str, state: str, reason: str = "") -> None:
        attempts = job.attempts.get(name, 0)
        await self._ledger.settle(job.notification.id, job.route, name, state, attempts, reason)
        reach("outcome_committed")

    def _again(self, name: str, line: WaitingLine, job: Job, after_s: float | None) -> None:
        """Waits as the receiver wishes, or longer each time; a wish holds for the whole receiver."""
        doubled = FIRST_PAUSE_S * 2 ** min(job.attempts[name] - 1, 10)
        pause_s = self._rng.uniform(0, min(doubled, LONGEST_PAUSE_S)) if after_s is None else after_s
        if after_s is not None:
            line.pause(self._now_s() + after_s)
        line.put(job, self._now_s() + pause_s)

    def _advance(self, job: Job) -> None:
        """Goes to the next receiver of the route; past the last one all are tried again, slowly."""
        while job.reached < len(job.receivers):
            name = job.receivers[job.reached]
            job.reached += 1
            if name not in job.rejected:
                job.queued.add(name)
                self._lines[name].put(job, self._now_s())
                return
        if not job.queued and not job.is_settled:
            log.error("no_receiver_took_it", notification=job.notification.id, receivers=job.receivers)
            for name in job.receivers:
                job.queued.add(name)
                self._lines[name].put(job, self._now_s() + LONGEST_PAUSE_S)

    def _drop(self, job: Job) -> None:
        job.is_settled = True
        left = [other for other in self._jobs.get(job.notification.key, ()) if other is not job]
        if left:
            self._jobs[job.notification.key] = left
        else:
            self._jobs.pop(job.notification.key, None)

    def _supersede(self, fresh: Job) -> None:
        """What is undelivered and said again, worse or repeated, by the newer notice of the same incident."""
        held = [job for job in self._jobs.get(fresh.notification.key, ()) if job.receivers == fresh.receivers]
        outdone = [job for job in held if says_as_well(fresh.notification, job.notification)]
        spilled = [job for job in held if job not in outdone][: -MOST_OF_A_KEY + 1]
        for job in (*outdone, *spilled):
            if not job.under_way:
                self._drop(job)
                self._superseded.append(job)

    async def _watch(self) -> None:
        """Falls through in time, and writes down what was superseded."""
        while True:
            while self._superseded:
                job = self._superseded.pop()
                reach("superseding")
                await self._write(job, job.receivers[0], "superseded", "a newer notice of the incident")
            now_s = self._now_s()
            for job in [job for jobs in self._jobs.values() for job in jobs]:
                if job.reached < len(job.receivers) and now_s >= self._falls_through_s(job):
                    self._advance(job)
            self._measure(now_s)
            await asyncio.sleep(WATCH_S)

    def _falls_through_s(self, job: Job) -> float:
        patience = 1 if job.notification.level >= Level.CRITICAL else PATIENCE
        return job.submitted_s + self._fall_through_after_s * patience * job.reached

    def _measure(self, now_s: float) -> None:
        created = [job.notification.created_ns for jobs in self._jobs.values() for job in jobs]
        oldest_s = (self._clock.wall_ns() - min(created)) / 1e9 if created else 0.0
        self.oldest_pending_s = oldest_s
        self._metrics.notify_pending.set(len(created))
        for name, line in self._lines.items():
            self._metrics.notify_over_budget.labels(name).set(line.is_spent(now_s))
        self._metrics.notify_oldest_pending.set(max(0.0, oldest_s))
        if oldest_s >= CRY_S and now_s >= self._cry_s:
            self._cry_s = now_s + CRY_S
            log.error("messages_do_not_get_out", pending=len(created), oldest_s=round(oldest_s))

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


async def attempt(notifier: Notifier, sending: Awaitable[Outcome]) -> Outcome:
    """What became of it within the time of an attempt, whatever the channel does."""
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await sending
    except TimeoutError:
        return Retry("no answer in time")
    except Exception as error:
        log.error("notifier_crashed", receiver=notifier.name, error=type(error).__name__, exc_info=error)
        return Rejected(f"our own error: {type(error).__name__}")


def _sending(notifier: Notifier, notifications: Sequence[Notification]) -> Awaitable[Outcome]:
    if len(notifications) == 1:
        return notifier.notify(notifications[0])
    assert isinstance(notifier, Digesting), "only such a receiver is handed several"
    return notifier.digest(notifications)


def says_as_well(newer: Notification, older: Notification) -> bool:
    """Whether who reads the newer one misses nothing of the older: as bad or worse, and the same pools."""
    return (
        newer.key == older.key
        and newer.incident == older.incident
        and newer.occasion > older.occasion
        and newer.level >= older.level
        and set(older.others) <= set(newer.others)
    )
