"""A harmless message through every receiver at set times of the day: whether a page would get out is known
before one has to. What a receiver does not take is paged through the others.

It is told as the end of something that never began: a pager opens nothing and wakes nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from alerts.alert import SCHEMA, Condition, Kind, Level, Notification, own_key
from alerts.deliver import attempt
from alerts.hours import time_of
from alerts.notify.notifier import Delivered, Notifier, Outcome, Retry
from monitor.clock import Clock
from monitor.config import Config
from monitor.names import Metrics

log = structlog.get_logger()
TRIES = 3
PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
LONGEST_SLEEP_S = 60.0  # the config may change, and the clock be set
DETAIL = "a test of this receiver, nothing is wrong"


class Tested(msgspec.Struct, frozen=True):
    """How a receiver took it. `reason` holds no secret."""

    receiver: str
    is_taken: bool
    seconds: float  # from the first attempt to the answer
    reason: str = ""


class Canary:
    """`run` as a task; `send` at any time. `trouble` says which receivers fail, "" for none."""

    def __init__(
        self,
        config: Callable[[], Config],
        notifiers: Callable[[], Mapping[str, Notifier]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._notifiers = notifiers
        self._clock = clock
        self._metrics = metrics
        self._failing: dict[str, str] = {}

    @property
    def trouble(self) -> str:
        """The receivers that did not take their last test, and why."""
        known = self._notifiers()
        return "; ".join(f"{name}: {why}" for name, why in self._failing.items() if name in known)

    async def run(self) -> None:
        """Each time of the day that the config names, for ever."""
        looked_ns = self._clock.wall_ns()
        while True:
            await asyncio.sleep(LONGEST_SLEEP_S)
            now_ns = self._clock.wall_ns()
            if is_due(self._config().alerts.canary_at, looked_ns, now_ns):
                await self.send()
            looked_ns = now_ns

    async def send(self) -> Sequence[Tested]:
        """Through all receivers at once; answers how each took it."""
        sent_ns = self._clock.wall_ns()
        notifiers = self._notifiers()
        tested = await asyncio.gather(*(self._test(each, sent_ns) for each in notifiers.values()))
        for each in tested:
            self._count(each)
        return tested

    async def _test(self, notifier: Notifier, sent_ns: int) -> Tested:
        message = canary(notifier.name, self._config().daemon.shard, sent_ns)
        began_ns = self._clock.monotonic_ns()
        outcome: Outcome = Retry("not tried")
        for tries in range(TRIES):
            outcome = await attempt(notifier, notifier.notify(message))
            if not isinstance(outcome, Retry) or tries == TRIES - 1:
                break
            await asyncio.sleep(min(outcome.after_s or PAUSE_S, LONGEST_PAUSE_S))
        seconds = (self._clock.monotonic_ns() - began_ns) / 1e9
        if isinstance(outcome, Delivered):
            return Tested(notifier.name, True, seconds)
        return Tested(notifier.name, False, seconds, outcome.reason)

    def _count(self, tested: Tested) -> None:
        name = tested.receiver
        if tested.is_taken:
            self._failing.pop(name, None)
            self._metrics.canary_seconds.labels(name).set(tested.seconds)
            self._metrics.canary_success.labels(name).set(self._clock.wall_ns() / 1e9)
        else:
            self._failing[name] = tested.reason
            log.error("canary_not_taken", receiver=name, reason=tested.reason)


def canary(receiver: str, shard: str, now_ns: int) -> Notification:
    """The message: of the daemon itself, and clear."""
    digest = hashlib.sha256(f"{receiver}|{shard}|{now_ns}".encode()).hexdigest()[:32]
    return Notification(
        id=f"msg_{digest}",
        schema=SCHEMA,
        key=own_key(shard, Condition.CANARY),
        incident=0,
        level=Level.CLEAR,
        occasion=0,
        kind=Kind.RESOLVED,
        desk="",
        created_ns=now_ns,
        detail=DETAIL,
        assessment=None,
        thread=f"margind-canary-{digest}",
    )


def is_due(times: Sequence[str], after_ns: int, upto_ns: int) -> bool:
    """Whether one of the times of the day (UTC) lies after the one moment and not after the other."""
    after, upto = (datetime.fromtimestamp(ns / 1e9, UTC) for ns in (after_ns, upto_ns))
    for text in times:
        minute = timedelta(minutes=time_of(text))
        moment = upto.replace(hour=0, minute=0, second=0, microsecond=0) + minute
        if moment > upto:
            moment -= timedelta(days=1)
        if moment > after:
            return True
    return False
