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

from alerts.alert import OF_THE_DAEMON, Condition, Level, Notice, notification_of, own_key
from alerts.deliver import Dispatcher
from alerts.duty import Duty
from alerts.failpoints import reach
from alerts.group import Group, arranged
from alerts.heartbeat import Heartbeat, Vitals
from alerts.incidents import Incidents, observe_standing
from alerts.ledger import Intent, Ledger, OpenRoute, Unsettled
from alerts.notify.notifier import Notifier
from alerts.notify.table import notifier_for
from alerts.route import routes_of
from alerts.silences import Silences
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import AccountId, PoolId, account_id
from monitor.domain.turn import Turn
from monitor.names import Metrics

log = structlog.get_logger()
TICK_S = 0.25
AT_ONCE = 16  # notices described and written together: the worst of a storm do not wait for the rest
DRAIN_S = 5.0
POLL_S = 0.02
FOLDER = "ledger"
PLACEHOLDER = "account"  # monitor.book.accounts: the pool of an account before its first snapshot
GONE = "closed or liquidated: the venue no longer lists it"
NAMED = "the account's own pools are known now and stand in its place"
NOT_OURS = "no longer watched: the account is not in the config"
NOT_KEPT = "the disk does not take what is told: a restart may tell things again, or not tell of an end"
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
        self._silences = Silences(may_hide_critical=config.alerts.silences_hide_critical)
        self._incidents = Incidents(config.alerts, silences=self._silences)
        self.duty = self._on_duty()
        self._notices: list[Notice] = []
        self._undecided = 0  # groups between a decision and the dispatcher
        self._unseen: set[PoolId] = set()  # with incidents of the last run, not heard of in this one
        self._arrived = asyncio.Event()
        self._next_tick_ns = 0
        self._drain_until_s: float | None = None  # of the event loop's clock
        self._own = {each: own_key(config.daemon.shard, each) for each in OF_THE_DAEMON}
        self._vitals = Vitals(0, 0, 0, 0.0)
        self._heartbeat: Heartbeat | None = None
        if config.heartbeat.url is not None:
            self._heartbeat = Heartbeat(config.heartbeat, clock, metrics, self._vitals_now)
        self.damage: tuple[str, ...] = ()
        self.standing: Mapping[PoolId, tuple[str, int, str]] = {}  # of requests to cut positions

    async def start(self) -> None:
        """Reads the ledger: what is open, what nobody has yet. Raises LedgerRefused."""
        restored = self._ledger.open()
        self.damage = restored.damage
        for silence in restored.silences:
            self._silences.put(silence)
        self._incidents = Incidents(
            self._config.alerts,
            restored.incidents,
            restored.numbers,
            restored.first_number,
            restored.acks,
            self._silences,
        )
        self.duty = self._on_duty()
        self._unseen = self._incidents.unseen() - {key.pool for key in self._own.values()}
        if restored.damage:
            log.error("ledger_damaged", detail=restored.damage)
            self._observe_own(Condition.LEDGER, "; ".join(restored.damage))
        self._forget_strangers()
        for unsettled in restored.unsettled:
            self._dispatcher.submit(unsettled.notification, self._routes_left(unsettled))

    def _on_duty(self) -> Duty:
        return Duty(
            self._incidents,
            self._silences,
            self._ledger,
            self._clock,
            lambda: self._config.alerts.silence_longest_s,
        )

    def reload(self, config: Config) -> None:
        """Takes other receivers, routes and times; raises ValueError, and then nothing has changed."""
        known = {receiver.name: receiver for receiver in self._config.receivers}
        changed = [receiver for receiver in config.receivers if known.get(receiver.name) != receiver]
        notifiers = {receiver.name: notifier_for(receiver) for receiver in changed}
        self._dispatcher.renew(notifiers, config.alerts.fall_through_after_s)
        self._incidents.retime(config.alerts)
        self._silences.may_hide_critical = config.alerts.silences_hide_critical
        self._config = config

    def on_turn(self, turn: Turn) -> None:
        """Takes a turn in; quick, and waits for nothing."""
        self._vitals = self._vitals._replace(evaluated_ns=turn.now_ns, as_of_ns=turn.as_of_ns)
        for pool in turn.removed:
            why = NAMED if _is_placeholder(pool) else GONE
            self._notice(self._incidents.forget(pool, why, turn.as_of_ns))
        for state in turn.changed:
            told = self._incidents.observe(state, turn.now_ns, turn.as_of_ns)
            self._notice(told, turn.oldest_received_ns)
        if self._unseen and (turn.changed or turn.removed):
            self._forget_vanished(turn)

    async def run(self) -> None:
        """Decides, writes and delivers for ever; when cancelled, first what is pending, for some seconds."""
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(self._dispatcher.run(), name="dispatcher"),
                group.create_task(self._decide(), name="decisions"),
            ]
            if self._heartbeat is not None:
                working.append(group.create_task(self._heartbeat.run(), name="heartbeat"))
            try:
                await asyncio.wait(working)
            except asyncio.CancelledError:
                if not any(task.done() for task in working):
                    await self.drain()
                raise

    async def drain(self) -> bool:
        """Waits for what is not delivered yet, at most five seconds in all; answers whether everything is."""
        loop = asyncio.get_running_loop()
        if self._drain_until_s is None:
            self._drain_until_s = loop.time() + DRAIN_S
        while True:
            if not self._is_busy():
                return True
            if loop.time() >= self._drain_until_s:
                return False
            await asyncio.sleep(POLL_S)

    def _is_busy(self) -> bool:
        return bool(self._notices or self._undecided or self._dispatcher.pending)

    async def stop(self) -> None:
        """Lets go of receivers and disk; what nobody has yet is sent by the next run."""
        await self._dispatcher.close()
        self._ledger.close()

    def _notice(self, notices: Sequence[Notice], received_ns: int | None = None) -> None:
        if notices:
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
        for condition in Condition:
            count = sum(incident.key.condition is condition for incident in self._incidents.open)
            self._metrics.incidents_open.labels(condition.value).set(count)
        acks = (self._incidents.ack(incident.key) for incident in self._incidents.open)
        self._metrics.incidents_acknowledged.set(sum(ack is not None for ack in acks))
        self._metrics.silences.set(len(self._silences.lasting(self._clock.wall_ns())))

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
        return arranged(waiting, lambda notice: routes_of(notice, self._config.routes))

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
        first = group[0]
        others = tuple(notice.key.pool for notice in group[1:])
        is_own = first.key.condition in OF_THE_DAEMON
        assessment = None if others or is_own else self._describe(first.key.pool)
        notification = notification_of(first, assessment, self._clock.wall_ns(), others)
        routes = routes_of(notification, self._config.routes)
        return Intent(notification, tuple(notice.incident for notice in group), routes)

    def _routes_left(self, unsettled: Unsettled) -> list[OpenRoute]:
        """Where it was to go; where the config of today says, if nobody of then is left."""
        left = []
        for route in unsettled.routes:
            if not any(map(self._dispatcher.knows, route.receivers)):
                today = routes_of(unsettled.notification, self._config.routes)
                names = dict.fromkeys(name for receivers in today for name in receivers)
                route = OpenRoute(route.number, tuple(names))
            left.append(route)
        return left

    def _forget_strangers(self) -> None:
        """Accounts that the config no longer names: their incidents end, and that is told."""
        ours = {account_id(account.venue, account.name) for account in self._config.accounts}
        for pool in [pool for pool in self._unseen if _account_of(pool) not in ours]:
            self._unseen.discard(pool)
            self._notice(self._incidents.forget(pool, NOT_OURS, self._clock.wall_ns()))

    def _forget_vanished(self, turn: Turn) -> None:
        """Pools of the last run that a snapshot of their account does not know: closed while we were down."""
        view = turn.view
        seen = zip(view.pools, view.account_seen_ns, strict=True)
        read = {label.account for label, seen_ns in seen if seen_ns > 0 and not _is_placeholder(label.id)}
        read |= {_account_of(pool) for pool in turn.removed if _is_placeholder(pool)}  # it may hold nothing
        self._unseen -= {label.id for label in view.pools}
        for pool in [pool for pool in self._unseen if _account_of(pool) in read]:
            self._unseen.discard(pool)
            self._notice(self._incidents.forget(pool, GONE, turn.as_of_ns))

    def _measure_first_send(self, received_ns: int) -> None:
        self._metrics.frame_to_send.observe((self._clock.monotonic_ns() - received_ns) / 1e9)


def _account_of(pool: PoolId) -> AccountId:
    return AccountId(pool.rsplit("/", 1)[0])


def _is_placeholder(pool: PoolId) -> bool:
    return pool.endswith(f"/{PLACEHOLDER}")
