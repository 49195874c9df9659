"""The composition root: builds every part, runs them under one roof, takes them down in order. The only one
who knows all.

A crash of the engine or of the alerts ends the process, loudly, for the service manager to start it again.
A crash of one account's feed is that account's UNKNOWN. The store's troubles cost what readers see, never an
alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import structlog

from alerts.service import AlertService
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import Clock, SystemClock
from monitor.config import Config
from monitor.config_problem import ConfigError
from monitor.control import LIVE, ControlSocket
from monitor.control_client import relay
from monitor.deleverage.build import built, is_on
from monitor.deleverage.controls import Controls
from monitor.deleverage.service import Deleveraging
from monitor.deleverage.switch import KillFile
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId, account_id
from monitor.domain.turn import BookView, Turn
from monitor.engine import Engine
from monitor.explain.explanation import explain
from monitor.explain.text import lines as explained
from monitor.feeds import Feeds, spec_for
from monitor.history.keeper import HistoryKeeper
from monitor.inbox import Inbox
from monitor.loop_probe import LoopProbe
from monitor.names import Metrics
from monitor.recording.recorder import Recorder
from monitor.reload import ReloadRefused, checked, words
from monitor.sinks.embedded_store import EmbeddedStore
from monitor.sinks.metrics import MetricsServer
from monitor.sinks.redis_commands import RedisCommands
from monitor.sinks.redis_state import RedisState
from monitor.sinks.store_link import StoreLink
from monitor.supervise import supervise
from monitor.thresholds import levels_for, routes_of, uses_beside

log = structlog.get_logger()


class RecordingRefused(Exception):
    """The folder of `--record` takes no file."""


class Addresses(msgspec.Struct, frozen=True):
    """Where a running daemon can be looked at."""

    metrics: str
    store: str


class Daemon:
    """Everything of one config. `run` returns when `stop` is set; parts that crash for good raise out
    of it."""

    def __init__(
        self,
        config: Config,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        watchers: Sequence[Callable[[Turn], None]] = (),
        record: Path | None = None,
        pace: float = 1.0,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.inbox = Inbox(self.metrics)
        self._rng = rng or random.Random()
        self._watchers = tuple(watchers)
        self.metrics.reload_ok.set(1)
        self._alerts: AlertService | None = None
        self._actions: Deleveraging | None = None
        kept = config.history.enabled
        self._history = HistoryKeeper(config, self.clock, self.metrics, pace) if kept else None
        self.view: BookView | None = None
        self._models = tuple(dict.fromkeys(m for a in config.accounts for m in spec_for(a).models))
        self.book = self._declared_book()
        self._recorder = (
            None if record is None else Recorder(record, config, self._models, self.clock, self.metrics)
        )
        self._feeds = Feeds(config, self.inbox.post, self.clock, self.metrics, self._rng, self._recorder)

    async def run(self, stop: asyncio.Event, on_ready: Callable[[Addresses], None]) -> None:
        """Starts every part, tells when all of them run, and takes them down when `stop` is set."""
        async with contextlib.AsyncExitStack() as stack:
            store = await self._open_store(stack)
            store_url = store.url if store is not None else str(self.config.store.url)
            redis = self._redis(store_url)
            self._start_recorder(stack)
            alerts = AlertService(self.config, self.clock, self.metrics, self.describe, working=self._working)
            await alerts.start()
            self._alerts = alerts
            stack.push_async_callback(alerts.stop)
            server = self._serve_metrics(stack)
            actions = await self._start_actions(stack, alerts, store_url)
            await self._open_control(stack, alerts, actions, store_url)
            probe = LoopProbe(self.metrics)
            probe.start()
            stack.callback(probe.stop)
            acting = (alerts.on_turn, actions.on_turn)
            sinks = (self._look, *acting, redis.offer, *self._keep(stack, alerts), *self._watchers)
            engine = Engine(self.book, self.inbox, self.clock, self.metrics, sinks)
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(engine.run(), name="engine"),
                    group.create_task(alerts.run(), name="alerts"),
                    group.create_task(self._supervised("redis", redis.run), name="redis"),
                    *self._command_tasks(group, store_url),
                    *([self._store_task(group, store)] if store is not None else []),
                    *([self._actions_task(group, actions)] if is_on(self.config.deleverage) else []),
                    *self._feeds.start(group),
                ]
                on_ready(Addresses(server.url, store_url))
                await stop.wait()
                for task in reversed(running[2:]):
                    task.cancel()
                await alerts.drain()
                for task in running[:2]:
                    task.cancel()

    def _declared_book(self) -> LiveBook:
        settings = BookSettings(
            self._models,
            levels_for(self.config),
            self.config.daemon.implausible_index_gap,
            self.config.daemon.margin_error_limit,
            uses_beside(self.config),
        )
        book = LiveBook(settings)
        book.reroute(routes_of(self.config))
        if is_on(self.config.deleverage):
            book.warm_up_cutting()
        for account in self.config.accounts:
            book.declare(account_id(account.venue, account.name), account.desk, self.clock.monotonic_ns())
        return book

    async def _open_store(self, stack: contextlib.AsyncExitStack) -> EmbeddedStore | None:
        """Our own server, where the config names none."""
        if self.config.store.url is not None:
            return None
        return await stack.enter_async_context(EmbeddedStore(Path(self.config.daemon.data_dir), self.metrics))

    def _start_recorder(self, stack: contextlib.AsyncExitStack) -> None:
        if self._recorder is None:
            return
        try:
            self._recorder.start()
        except OSError as failed:
            raise RecordingRefused(f"--record: {failed.filename}: {failed.strerror}") from None
        stack.callback(self._recorder.close)

    def _keep(
        self, stack: contextlib.AsyncExitStack, alerts: AlertService
    ) -> tuple[Callable[[Turn], None], ...]:
        """The history as a sink, where it is wanted."""
        if self._history is None:
            return ()
        self._history.start()
        stack.callback(self._history.close)
        alerts.heard = self._history.decided
        return (self._history.offer,)

    def _redis(self, url: str) -> RedisState:
        return RedisState(
            url,
            shard=self.config.daemon.shard,
            clock=self.clock,
            metrics=self.metrics,
            password=self.config.store.password,
            flush_ms=self.config.store.flush_ms,
            source=self.config.source,
        )

    def _serve_metrics(self, stack: contextlib.AsyncExitStack) -> MetricsServer:
        server = MetricsServer(
            self.config.metrics, self.metrics, self.clock, lambda: self.view, tuple(self.book.accounts)
        )
        server.start()
        stack.callback(server.stop)
        return server

    async def _start_actions(
        self, stack: contextlib.AsyncExitStack, alerts: AlertService, store_url: str
    ) -> Deleveraging:
        actions = built(self.config, store_url, self.book, self.clock, self.metrics, alerts.duty.incident_of)
        stack.push_async_callback(actions.stop)
        await actions.start()
        alerts.standing = actions.asked.pages.standing
        self._actions = actions
        return actions

    async def _open_control(
        self, stack: contextlib.AsyncExitStack, alerts: AlertService, actions: Deleveraging, store_url: str
    ) -> None:
        def new_link() -> StoreLink:
            return StoreLink(store_url, self.config.store.password)

        covers = is_on(self.config.deleverage)
        controls = Controls(actions, self.config.daemon.shard, new_link, is_on=covers)
        folder, note = Path(self.config.daemon.data_dir), actions.known.trail.note
        control = ControlSocket(folder, self.book, self.clock, alerts.duty, controls, note)
        stack.push_async_callback(control.stop)
        await control.start()

    def _command_tasks(self, group: asyncio.TaskGroup, url: str) -> list[asyncio.Task[None]]:
        """Commands through Redis go where those of this machine go: to the control socket."""
        secret, folder = self.config.commands.secret, Path(self.config.daemon.data_dir)
        if secret is None:
            return []
        commands = RedisCommands(
            url,
            secret,
            partial(relay, folder),
            shard=self.config.daemon.shard,
            clock=self.clock,
            metrics=self.metrics,
            password=self.config.store.password,
        )
        return [group.create_task(self._supervised("commands", commands.run), name="commands")]

    def _store_task(self, group: asyncio.TaskGroup, store: EmbeddedStore) -> asyncio.Task[None]:
        return group.create_task(self._supervised("store", store.run), name="store")

    def _actions_task(self, group: asyncio.TaskGroup, actions: Deleveraging) -> asyncio.Task[None]:
        return group.create_task(self._supervised("deleverage", actions.run), name="deleverage")

    async def _supervised(self, name: str, task: Callable[[], object]) -> None:
        await supervise(name, task, self.metrics, lambda _: None, self._rng)  # type: ignore[arg-type]

    def _look(self, turn: Turn) -> None:
        """Keeps the newest view for scrapes, and passes on which accounts want a snapshot."""
        self.view = turn.view
        for wish in turn.reconcile:
            self._feeds.reconcile_soon(wish)

    def reload(self, read: Callable[[], Config]) -> None:
        """Takes levels, receivers, routes and times of a new config, or nothing of it."""
        if self._alerts is None:
            return  # still starting, with a config that was read a moment ago
        try:
            config = checked(self.config, read())
            self._alerts.reload(config)
        except (ConfigError, ReloadRefused, ValueError) as refused:
            self.metrics.reload_ok.set(0)
            log.error("reload_refused", reason=words(refused))
            return
        self.book.relevel(levels_for(config))
        self.book.reroute(routes_of(config))
        self.config = config
        if self._history is not None:
            self._history.settle(config)
        self.metrics.reload_ok.set(1)
        log.info("reloaded", source=config.source)

    def kill_actions(self) -> None:
        """Throws the kill switch; the service sees it within half a second, and the last look at once."""
        if self._actions is not None:
            self._actions.disarm()
        KillFile(Path(self.config.daemon.data_dir)).throw("SIGUSR1")
        log.warning("actions_killed", by="SIGUSR1")

    def describe(self, pool: PoolId) -> MarginAssessment | None:
        """The full picture of one pool as it is now."""
        return self.book.describe(pool, self.clock.monotonic_ns(), self.clock.wall_ns())

    def _working(self, pool: PoolId) -> Sequence[str]:
        """The explanation of a pool, in lines."""
        now_ns, wall_ns = self.clock.monotonic_ns(), self.clock.wall_ns()
        found = explain(self.book, pool, now_ns, wall_ns, LIVE)
        return () if found is None else tuple(explained(found))
