"""For receivers that keep incidents of their own: they hear who has one, and what is still open.

Best effort: nobody is paged by it, nothing of it is written down, and a receiver that does not take it is
asked a few times. What pages is delivered by `deliver`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from alerts.alert import OF_THE_DAEMON, Ack, Incident, Level, Notification, thread_of
from alerts.deliver import attempt
from alerts.incidents import Incidents
from alerts.intents import notice_again, still_open
from alerts.notify.notifier import Acknowledging, Delivered, Notifier, Outcome, Retry, Upholding
from alerts.route import Routing
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId
from monitor.names import Metrics

log = structlog.get_logger()
TRIES = 5
PAUSES_S = (1.0, 5.0, 15.0, 60.0)
LONGEST_PAUSE_S = 120.0
MOST_ACKS = 1_000  # that wait; the oldest is given up
AT_ONCE = 32
LOOK_S = 1.0
Describe = Callable[[PoolId], MarginAssessment | None]


class Wish(NamedTuple):
    """An acknowledgement for one receiver."""

    receiver: str
    thread: str
    level: Level
    author: str


class Mirror:
    """`acknowledged` takes what is to be passed on; `run` does it."""

    def __init__(
        self,
        config: Callable[[], Config],
        routing: Callable[[], Routing],
        incidents: Callable[[], Incidents],
        notifiers: Callable[[], Mapping[str, Notifier]],
        describe: Describe,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._routing = routing
        self._incidents = incidents
        self._notifiers = notifiers
        self._describe = describe
        self._clock = clock
        self._metrics = metrics
        self._wishes: deque[Wish] = deque(maxlen=MOST_ACKS)
        self._arrived = asyncio.Event()
        self._hands = asyncio.Semaphore(AT_ONCE)
        self._upheld_s: dict[str, float] = {}

    def acknowledged(self, ack: Ack) -> None:
        """Somebody has an incident: each receiver of its routes hears of it that can."""
        shard = self._config().daemon.shard
        incident = next((one for one in self._incidents().open if one.key == ack.key), None)
        if incident is None or not self._is_all_taken(thread_of(incident, shard)):
            return
        notice = notice_again(incident, self._incidents().named(incident.key))
        routes = self._routing().of(notice, self._clock.wall_ns())
        for name in dict.fromkeys(name for receivers in routes for name in receivers):
            if isinstance(self._notifiers().get(name), Acknowledging):
                self._wishes.append(Wish(name, thread_of(incident, shard), ack.level, ack.author))
                self._arrived.set()

    async def run(self) -> None:
        """Passes on for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on(group))
            while True:
                for name, notifier in self._notifiers().items():
                    if isinstance(notifier, Upholding) and self._is_due(name, notifier):
                        await self._uphold(name, notifier)
                await asyncio.sleep(LOOK_S)

    def _is_all_taken(self, thread: str) -> bool:
        """Who has one pool of many that one fault made unknown does not have them all."""
        incidents, shard = self._incidents(), self._config().daemon.shard
        return all(
            incidents.ack(one.key) is not None for one in incidents.open if thread_of(one, shard) == thread
        )

    async def _pass_on(self, group: asyncio.TaskGroup) -> None:
        """Each by itself: a receiver that is gone holds up no other."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._wishes:
                group.create_task(self._grant(self._wishes.popleft()))

    async def _grant(self, wish: Wish) -> None:
        async with self._hands:
            await self._try(wish)

    async def _try(self, wish: Wish) -> None:
        for tries in range(TRIES):
            notifier = self._notifiers().get(wish.receiver)
            if not isinstance(notifier, Acknowledging):
                return  # a reload has taken it away
            asked = notifier.acknowledge(wish.thread, wish.level, wish.author)
            outcome = await attempt(notifier, asked)
            self._count(wish.receiver, "acknowledge", outcome)
            if not isinstance(outcome, Retry) or tries == len(PAUSES_S):
                break
            await asyncio.sleep(min(outcome.after_s or PAUSES_S[tries], LONGEST_PAUSE_S))
        if not isinstance(outcome, Delivered):
            log.warning("acknowledgement_not_passed_on", receiver=wish.receiver, reason=outcome.reason)

    def _is_due(self, name: str, notifier: Upholding) -> bool:
        now_s = self._clock.monotonic_ns() / 1e9
        return now_s >= self._upheld_s.setdefault(name, now_s) + notifier.uphold_every_s

    async def _uphold(self, name: str, notifier: Upholding) -> None:
        self._upheld_s[name] = self._clock.monotonic_ns() / 1e9
        told: list[Notification] = []
        for incident in self._incidents().open:
            told += self._again(name, notifier, incident)
            await asyncio.sleep(0)  # a picture takes up to a millisecond
        if told:
            outcome = await attempt(notifier, notifier.uphold(told))
            self._count(name, "uphold", outcome)
            if not isinstance(outcome, Delivered):
                log.warning("not_upheld", receiver=name, incidents=len(told), reason=outcome.reason)

    def _again(self, name: str, notifier: Upholding, incident: Incident) -> Sequence[Notification]:
        """What this receiver is the first to hear of, or has heard of."""
        key, shard = incident.key, self._config().daemon.shard
        assessment = None if key.condition in OF_THE_DAEMON else self._describe(key.pool)
        notice = notice_again(incident, self._incidents().named(key))
        now_ns = self._clock.wall_ns()
        again = still_open(notice, assessment, now_ns, shard)
        routes = self._routing().of(again, now_ns)
        is_first = any(receivers[:1] == (name,) for receivers in routes)
        return [again] if is_first or notifier.holds(again) else []

    def _count(self, receiver: str, what: str, outcome: Outcome) -> None:
        self._metrics.mirrored.labels(receiver, what, type(outcome).__name__.lower()).inc()
