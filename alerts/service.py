"""The alerts of one daemon: turns in, messages out.

A crossing becomes an intent on the disk before anything is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from alerts.aids import Aids, aid, levels_from
from alerts.alert import OF_THE_DAEMON, Condition, Level, Notice, own_key
from alerts.canary import Canary
from alerts.counts import count
from alerts.deliver import Dispatcher
from alerts.duty import Duty
from alerts.failpoints import reach
from alerts.group import Group, arranged
from alerts.heartbeat import Heartbeat, Vitals
from alerts.holding import Holding
from alerts.incidents import Incidents
from alerts.intents import Outlook, intent_of, routes_left
from alerts.ledger import Intent, Ledger, OpenRoute
from alerts.levels import due_ns
from alerts.listening import Listeners
from alerts.memory import Memory
from alerts.mirror import Mirror
from alerts.notify.notifier import Notifier
from alerts.notify.table import notifier_for
from alerts.route import routing_of
from alerts.silences import Silences
from alerts.standing import observe_standing
from alerts.trend import Trend
from alerts.unseen import Unseen
from alerts.vanished import GONE, NAMED, NOT_KEPT, NOT_OURS, is_placeholder
from alerts.waiting_line import budget_of
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.assessment import MarginAssessment, RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import Turn
from monitor.names import Metrics

log = structlog.get_logger()
TICK_S = 0.25
AT_ONCE = 16  # notices described and written together: the worst of a storm do not wait for the rest
DRAIN_S, POLL_S = 5.0, 0.02
FOLDER = "ledger"
Describe = Callable[[PoolId], MarginAssessment | None]


class AlertService:
    """`start`, then `run` as a task while `on_turn` is called by the engine, then `stop`."""

    damage: tuple[str, ...] = ()  # of the ledger, as it was found
    heard: Callable[[Sequence[Notice]], None] = staticmethod(lambda _: None)  # the history

    def __init__(
        self,
        config: Config,
        clock: Clock,
        metrics: Metrics,
        describe: Describe,
        notifiers: Mapping[str, Notifier] | None = None,
        working: Callable[[PoolId], Sequence[str]] = lambda _: (),
    ) -> None:
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._describe = describe
        self._ledger = Ledger(Path(config.daemon.data_dir) / FOLDER, metrics)
        if notifiers is None:
            notifiers = {receiver.name: notifier_for(receiver) for receiver in config.receivers}
        self._dispatcher = self._delivering(notifiers)
        self._silences = Silences(may_hide_critical=config.alerts.silences_hide_critical)
        self.holding = Holding(self._silences, routing_of(config))
        self._incidents = Incidents(config.alerts, holding=self.holding)
        self._mirror = self._mirrored()
        self._canary = Canary(lambda: self._config, lambda: self._dispatcher.notifiers, clock, metrics)
        self.duty = self._on_duty()
        self._notices: list[Notice] = []
        self._undecided = 0  # groups between a decision and the dispatcher
        self._unseen = Unseen((), ())
        self._arrived = asyncio.Event()
        self._next_tick_ns = 0
        self._drain_until_s: float | None = None  # of the event loop's clock
        self._own = {each: own_key(config.daemon.shard, each) for each in OF_THE_DAEMON}
        self._vitals = Vitals(0, 0, 0, 0.0)
        watched = config.heartbeat.url is not None
        self._heartbeat = Heartbeat(config.heartbeat, clock, metrics, self._vitals_now) if watched else None
        self._listeners = Listeners(lambda: self._dispatcher.notifiers, metrics)
        tools = (Memory(self._ledger, clock), lambda: self.duty, Trend())
        self._aids = Aids(*tools, levels_from(lambda: self._config), working, clock, metrics)
        aid(notifiers.values(), self._aids)
        self.standing: Mapping[PoolId, tuple[str, int, str]] = {}  # of requests to cut positions

    def _delivering(self, notifiers: Mapping[str, Notifier]) -> Dispatcher:
        return Dispatcher(
            notifiers,
            self._ledger,
            self._clock,
            self._metrics,
            self._config.alerts.fall_through_after_s,
            budget_of(self._config),
            self._measure_first_send,
            random.Random(),
        )

    async def start(self) -> None:
        """Reads the ledger: what is open, what nobody has yet. Raises LedgerRefused."""
        restored = self._ledger.open()
        self.damage = restored.damage
        self._aids.memory.restore(restored.remembered)
        for silence in restored.silences:
            self._silences.put(silence)
        self._incidents = Incidents(
            self._config.alerts,
            restored.incidents,
            restored.numbers,
            restored.first_number,
            restored.acks,
            self.holding,
            restored.named,
        )
        self.duty = self._on_duty()
        own = {key.pool for key in self._own.values()}
        self._unseen = Unseen(self._incidents.unseen() - own, self._config.accounts)
        if restored.damage:
            log.error("ledger_damaged", detail=restored.damage)
            self._observe_own(Condition.LEDGER, "; ".join(restored.damage))
        for pool in self._unseen.strangers():
            self._notice(self._incidents.forget(pool, NOT_OURS, self._clock.wall_ns()))
        for unsettled in restored.unsettled:
            left = routes_left(unsettled, self._dispatcher.knows, self._outlook(), self._clock.wall_ns())
            self._dispatcher.submit(unsettled.notification, left)

    def _mirrored(self) -> Mirror:
        return Mirror(
            lambda: self._config,
            lambda: self.holding.routing,
            lambda: self._incidents,
            lambda: self._dispatcher.notifiers,
            self._describe,
            self._clock,
            self._metrics,
        )

    def _on_duty(self) -> Duty:
        return Duty(
            self._incidents,
            self._silences,
            self._ledger,
            self._clock,
            lambda: self._config.alerts.silence_longest_s,
            self._mirror.acknowledged,
            self._canary.send,
        )

    def reload(self, config: Config) -> None:
        """Takes other receivers, routes and times; raises ValueError, and then nothing has changed."""
        known = {receiver.name: receiver for receiver in self._config.receivers}
        changed = [receiver for receiver in config.receivers if known.get(receiver.name) != receiver]
        notifiers = {receiver.name: notifier_for(receiver) for receiver in changed}
        aid(notifiers.values(), self._aids)
        self._dispatcher.renew(notifiers, config.alerts.fall_through_after_s, budget_of(config))
        self._incidents.retime(config.alerts, routing_of(config))
        self._silences.may_hide_critical = config.alerts.silences_hide_critical
        self._config = config

    def on_turn(self, turn: Turn) -> None:
        """Takes a turn in; quick, and waits for nothing."""
        self._vitals = self._vitals._replace(evaluated_ns=turn.now_ns, as_of_ns=turn.as_of_ns)
        self._aids.trend.observe(turn.view)
        for pool in turn.removed:
            why = NAMED if is_placeholder(pool) else GONE
            self._notice(self._incidents.forget(pool, why, turn.as_of_ns))
        for state in turn.changed:
            self._notice(self._incidents.observe(state, turn.now_ns, turn.as_of_ns), turn.oldest_received_ns)
            if state.band is RiskBand.UNKNOWN and due_ns(state, self._config.alerts) <= turn.now_ns:
                self._next_tick_ns = 0  # told when the whole turn is seen: the venue may be the matter
                self._arrived.set()
        for pool in self._unseen.vanished(turn):
            self._notice(self._incidents.forget(pool, GONE, turn.as_of_ns))

    async def run(self) -> None:
        """Decides, writes and delivers for ever; when cancelled, first what is pending, for some seconds."""
        async with asyncio.TaskGroup() as group:
            parts = (self._dispatcher, self._mirror, self._listeners, self._canary, self._heartbeat)
            working = [group.create_task(part.run()) for part in parts if part is not None]
            working.append(group.create_task(self._decide(), name="decisions"))
            try:
                await asyncio.wait(working)
            except asyncio.CancelledError:
                if not any(task.done() for task in working):
                    await self.drain()
                raise

    async def drain(self) -> bool:
        """Waits for what is not delivered yet, at most five seconds in all; answers whether everything is."""
        loop = asyncio.get_running_loop()
        self._drain_until_s = self._drain_until_s or loop.time() + DRAIN_S
        while self._is_busy():
            if loop.time() >= self._drain_until_s:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _is_busy(self) -> bool:
        return bool(not self._next_tick_ns or self._notices or self._undecided or self._dispatcher.pending)

    async def stop(self) -> None:
        """Lets go of receivers and disk; what nobody has yet is sent by the next run."""
        await self._dispatcher.close()
        self._ledger.close()

    def _notice(self, notices: Sequence[Notice], received_ns: int | None = None) -> None:
        if notices:
            self.heard(notices)
            self._notices += [msgspec.structs.replace(notice, received_ns=received_ns) for notice in notices]
            self._arrived.set()
            reach("noticed")

    async def _decide(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._arrived.wait()
            self._arrived.clear()
            self._vitals = self._vitals._replace(decided_ns=self._clock.monotonic_ns())
            if self._clock.monotonic_ns() >= self._next_tick_ns:
                self._tick()
            await self._tell_all()

    def _tick(self) -> None:
        now_ns = self._clock.monotonic_ns()
        self._next_tick_ns = now_ns + round(TICK_S * 1e9)
        self._notice(self._incidents.tick(now_ns, self._clock.wall_ns()))
        self._notice(observe_standing(self._incidents, self.standing, now_ns, self._clock.wall_ns()))
        self._observe_own(Condition.LEDGER, NOT_KEPT if self._ledger.is_failing else "")
        self._observe_own(Condition.HEARTBEAT, self._heartbeat.trouble if self._heartbeat else "")
        self._observe_own(Condition.RECEIVER, self._canary.trouble)
        count(self._metrics, self._incidents, self._silences, self._clock.wall_ns())

    def _observe_own(self, condition: Condition, trouble: str) -> None:
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        level = Level.CRITICAL if trouble else Level.CLEAR
        self._notice(self._incidents.observe_own(self._own[condition], trouble, level, now_ns, wall_ns))

    def _vitals_now(self) -> Vitals:
        return self._vitals._replace(oldest_pending_s=self._dispatcher.oldest_pending_s)

    async def _tell_all(self) -> None:
        """Worst first, a handful at a time: the worst are out while the rest are still described."""
        groups: list[Group] = []
        while groups or self._notices:
            if self._notices:
                groups = self._rearranged(groups)
            chunk, groups = groups[:AT_ONCE], groups[AT_ONCE:]
            self._undecided = len(chunk) + len(groups)
            reach("decided")
            await self._tell(chunk)
        self._undecided = 0

    def _rearranged(self, groups: Sequence[Group]) -> list[Group]:
        waiting = [notice for group in groups for notice in group] + self._notices
        self._notices = []
        wall_ns = self._clock.wall_ns()
        return arranged(waiting, lambda notice: self.holding.routing.of(notice, wall_ns))

    async def _tell(self, groups: Sequence[Group]) -> None:
        intents = []
        for group in groups:
            intents.append(self._intent(group))
            await asyncio.sleep(0)  # a picture takes up to a millisecond, and the engine has turns to do
        reach("described")
        await self._ledger.intend(intents)
        reach("intended")
        for group, intent in zip(groups, intents, strict=True):
            routes = [OpenRoute(number, receivers) for number, receivers in enumerate(intent.routes)]
            self._dispatcher.submit(intent.notification, routes, group[0].received_ns)
        reach("submitted")

    def _intent(self, group: Group) -> Intent:
        others = len(group) > 1 or group[0].key.condition in OF_THE_DAEMON
        assessment = None if others else self._describe(group[0].key.pool)
        return intent_of(group, assessment, self._clock.wall_ns(), self._outlook())

    def _outlook(self) -> Outlook:
        return Outlook(self._incidents.open, self.holding.routing, self._config.daemon.shard)

    def _measure_first_send(self, received_ns: int) -> None:
        self._metrics.frame_to_send.observe((self._clock.monotonic_ns() - received_ns) / 1e9)
