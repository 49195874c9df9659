"""The alerts of one daemon: turns in, messages out. A crossing becomes an intent on the disk before anything is sent."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import structlog

from alerts.alert import Condition, Notice, Notification, notification_of
from alerts.deliver import Dispatcher
from alerts.failpoints import reach
from alerts.group import grouped
from alerts.incidents import Incidents
from alerts.ledger import Intent, Ledger, Restored
from alerts.notify.notifier import Notifier
from alerts.notify.table import notifier_for
from alerts.route import routes_of
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId, account_id
from monitor.domain.turn import Turn
from monitor.names import Metrics

log = structlog.get_logger()
TICK_S = 0.25
AT_ONCE = 16  # notices described and written together: the worst of a storm do not wait for the rest
DRAIN_S = 5.0
FOLDER = "ledger"
Describe = Callable[[PoolId], MarginAssessment | None]


class AlertService:
    """`start`, then `run` as a task while `on_turn` is called by the engine, then `stop`."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        metrics: Metrics,
        describe: Describe,
        notifiers: Mapping[str, Notifier] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._describe = describe
        self._ledger = Ledger(Path(config.daemon.data_dir) / FOLDER, metrics)
        if notifiers is None:
            notifiers = {receiver.name: notifier_for(receiver) for receiver in config.receivers}
        self._dispatcher = Dispatcher(
            notifiers,
            self._ledger,
            clock,
            metrics,
            config.alerts.fall_through_after_s,
            self._measure_first_send,
            random.Random(),
        )
        self._incidents: Incidents | None = None
        self._notices: deque[Notice] = deque()
        self._received_ns: dict[str, int] = {}  # by notification id: when the frame behind it arrived
        self._frame_ns: int | None = None
        self._arrived = asyncio.Event()
        self.damage: tuple[str, ...] = ()

    async def start(self) -> None:
        """Reads the ledger: what is open, what nobody has yet. Raises LedgerTooNew."""
        restored = self._ledger.open()
        self.damage = restored.damage
        for words in restored.damage:
            log.error("ledger_damaged", detail=words)
        self._incidents = Incidents(self._config.alerts, restored.incidents, restored.numbers)
        self._forget_strangers(restored)
        for unsettled in restored.unsettled:
            routes = routes_of(unsettled.notification, self._config.routes)
            self._dispatcher.submit(unsettled.notification, routes, unsettled.states)

    def on_turn(self, turn: Turn) -> None:
        """Takes a turn in; quick, and waits for nothing."""
        assert self._incidents is not None
        for pool in turn.removed:
            self._notices.extend(
                self._incidents.forget(
                    pool, "closed or liquidated: the venue no longer lists it", turn.as_of_ns
                )
            )
        for state in turn.changed:
            self._notices.extend(self._incidents.observe(state, turn.now_ns, turn.as_of_ns))
        if self._notices:
            self._frame_ns = turn.oldest_received_ns
            self._arrived.set()

    async def run(self) -> None:
        """Decides, writes and delivers for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatcher.run(), name="dispatcher")
            group.create_task(self._decide(), name="decisions")

    async def stop(self) -> None:
        """Ends after what is pending was delivered, or after five seconds; the rest is sent by the next run."""
        await self._dispatcher.close()
        self._ledger.close()

    async def drain(self) -> bool:
        """Waits for what is pending, at most five seconds; answers whether all was delivered."""
        return await self._dispatcher.drain(DRAIN_S)

    async def _decide(self) -> None:
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    await self._arrived.wait()
            except TimeoutError:
                self._tick()
            self._arrived.clear()
            await self._tell_all()

    def _tick(self) -> None:
        assert self._incidents is not None
        self._notices.extend(self._incidents.tick(self._clock.monotonic_ns(), self._clock.wall_ns()))
        for condition in Condition:
            count = sum(incident.key.condition is condition for incident in self._incidents.open)
            self._metrics.incidents_open.labels(condition.value).set(count)

    async def _tell_all(self) -> None:
        """Worst first, a handful at a time, so that the worst page is out while the rest are still described."""
        waiting = sorted(self._notices, key=lambda notice: -int(notice.incident.level))
        frame_ns, self._frame_ns = self._frame_ns, None
        self._notices.clear()
        groups = grouped(waiting, self._routing)
        while groups:
            chunk, groups = groups[:AT_ONCE], groups[AT_ONCE:]
            reach("decided")
            await self._tell(chunk, frame_ns)

    async def _tell(self, groups: Iterable[tuple[Notice, ...]], frame_ns: int | None) -> None:
        intents = [self._intent(group) for group in groups]
        reach("described")
        await self._ledger.intend(intents)
        for intent in intents:
            if frame_ns is not None:
                self._received_ns[intent.notification.id] = frame_ns
            routes = routes_of(intent.notification, self._config.routes)
            self._dispatcher.submit(intent.notification, routes)
        reach("submitted")

    def _intent(self, group: tuple[Notice, ...]) -> Intent:
        first = group[0]
        others = tuple(notice.key.pool for notice in group[1:])
        assessment = self._describe(first.key.pool) if not others else None
        notification = notification_of(first, assessment, self._clock.wall_ns(), others)
        routes = routes_of(notification, self._config.routes)
        receivers = tuple(dict.fromkeys(name for route in routes for name in route))
        return Intent(notification, tuple(notice.incident for notice in group), receivers)

    def _routing(self, notice: Notice) -> object:
        return routes_of(notification_of(notice, None, 0), self._config.routes)

    def _forget_strangers(self, restored: Restored) -> None:
        """Accounts that the config no longer names: their incidents end, and that is told."""
        assert self._incidents is not None
        ours = {account_id(account.venue, account.name) for account in self._config.accounts}
        for pool in {incident.key.pool for incident in restored.incidents}:
            if pool.rsplit("/", 1)[0] not in ours:
                why = "no longer watched: the account is not in the config"
                self._notices.extend(self._incidents.forget(pool, why, self._clock.wall_ns()))

    def _measure_first_send(self, notification: Notification) -> None:
        frame_ns = self._received_ns.pop(notification.id, None)
        if frame_ns is not None:
            self._metrics.frame_to_send.observe((self._clock.monotonic_ns() - frame_ns) / 1e9)
