"""What waits for one receiver: the worst of what is due first, nothing while the receiver wants a pause.

A receiver with a pace gets what is not critical one by one. A critical page may leave ahead of its turn, a
few of them at once; what comes later waits until the mean is right again. Where more than ten wait, and the
receiver takes digests, they leave together. So they do past the budget of messages an hour: then one message
in a minute tells of everything that waits, and what is critical and new waits five seconds at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from alerts.alert import Kind, Level, Notification
from alerts.digest import HEAD_ROOM, digest_line
from alerts.notify.notifier import Digesting, Notifier, Paced
from monitor.config import Config

HOUR_S = 3600.0
NEWS = (Kind.RAISED, Kind.ESCALATED, Kind.UNACKNOWLEDGED)
URGENT_AFTER_S = 5.0  # past the budget: what is critical and new leaves so long after the message before
MOST_ALONE = 10  # where more wait for a receiver that takes digests, they leave together


@dataclass(eq=False)
class Job:
    """One notification on one of its routes. `reached` is how far down the list of receivers it went."""

    notification: Notification
    route: int
    receivers: tuple[str, ...]
    submitted_s: float
    rejected: set[str] = field(default_factory=set)
    attempts: dict[str, int] = field(default_factory=dict)
    queued: set[str] = field(default_factory=set)  # receivers where it waits or is being sent
    under_way: int = 0
    reached: int = 0
    is_settled: bool = False
    received_ns: int | None = None  # monotonic: when the frame behind it arrived


class Budget(NamedTuple):
    """How many messages an hour a receiver of digests gets before it gets digests only; 0 is no limit."""

    messages: int = 0
    digest_every_s: float = 60.0


def budget_of(config: Config) -> Budget:
    """The budget that a config gives."""
    return Budget(config.alerts.page_budget, config.alerts.digest_every_s)


class WaitingLine:
    """The jobs of one receiver; several workers take from it."""

    def __init__(self, notifier: Notifier, budget: Budget | None = None) -> None:
        self.take(notifier)
        self.budget = budget or Budget()
        self._left_s: deque[float] = deque()  # when the messages of the last hour left
        self._goes_on = False  # the digest that left last had no room for everything
        self._turn_s = 0.0  # when the pace allows the next one
        self._numbers = count()
        self._due: list[tuple[int, int, int, Job]] = []  # by level, age, number
        self._later: list[tuple[float, int, Job]] = []  # by the time when it is due
        self._paused_until_s = 0.0
        self._changed = asyncio.Event()

    def take(self, notifier: Notifier) -> None:
        """The channel from now on."""
        self.notifier = notifier
        self.every_s, burst = (notifier.every_s, notifier.burst) if isinstance(notifier, Paced) else (0.0, 1)
        self._lead_s = self.every_s * (burst - 1)  # how far ahead of its turn a critical page may leave
        self._room = notifier.room - HEAD_ROOM if isinstance(notifier, Digesting) else 0

    def put(self, job: Job, due_s: float) -> None:
        """Queues a job that is due at a time of the monotonic clock."""
        heapq.heappush(self._later, (due_s, next(self._numbers), job))
        self._changed.set()

    def pause(self, until_s: float) -> None:
        """Nothing is sent before then: the receiver said so."""
        self._paused_until_s = max(self._paused_until_s, until_s)

    async def next(self, now_s: Callable[[], float]) -> list[Job]:
        """Waits for the next job, and takes it out; more than one are for a digest, the worst first."""
        while True:
            at_s = now_s()
            jobs = self._pick(at_s)
            if jobs:
                return jobs
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._idle_s(at_s)):
                    await self._changed.wait()

    def _pick(self, at_s: float) -> list[Job]:
        while self._later and self._later[0][0] <= at_s:
            _, number, job = heapq.heappop(self._later)
            notification = job.notification
            heapq.heappush(self._due, (-int(notification.level), notification.created_ns, number, job))
        worst = self._worst()
        if worst is None or at_s < self._allowed_s(worst, at_s):
            return []
        self._turn_s = max(self._turn_s, at_s) + self.every_s
        room = self._room if len(self._due) > MOST_ALONE or self.is_spent(at_s) else 0
        if self.budget.messages:
            self._left_s.append(at_s)
        heapq.heappop(self._due)
        jobs = [worst]
        room -= len(digest_line(worst.notification)) + 1 if room else 0
        while room > 0 and (worst := self._worst()) is not None:
            room -= len(digest_line(worst.notification)) + 1
            if room > 0:
                jobs.append(heapq.heappop(self._due)[-1])
        self._goes_on = self._worst() is not None
        return jobs

    def _worst(self) -> Job | None:
        """The first that is due and that nobody has yet."""
        while self._due and self._due[0][-1].is_settled:
            heapq.heappop(self._due)
        return self._due[0][-1] if self._due else None

    def is_spent(self, at_s: float) -> bool:
        """Whether the last hour had as many messages as it may have."""
        while self._left_s and self._left_s[0] <= at_s - HOUR_S:
            self._left_s.popleft()
        return bool(self._room and self.budget.messages) and len(self._left_s) >= self.budget.messages

    def _allowed_s(self, job: Job, at_s: float) -> float:
        notification = job.notification
        is_critical = notification.level >= Level.CRITICAL
        allowed_s = max(self._paused_until_s, self._turn_s - (self._lead_s if is_critical else 0.0))
        if not self.is_spent(at_s) or self._goes_on:
            return allowed_s
        is_urgent = is_critical and notification.kind in NEWS
        pause_s = URGENT_AFTER_S if is_urgent else self.budget.digest_every_s
        return max(allowed_s, self._left_s[-1] + pause_s)

    def _idle_s(self, at_s: float) -> float | None:
        wakes = [self._allowed_s(self._due[0][-1], at_s)] if self._due else []
        if self._later:
            wakes.append(max(self._later[0][0], self._paused_until_s))
        return max(0.001, min(wakes) - at_s) if wakes else None
