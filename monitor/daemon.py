"""The composition root: builds every part, runs them under one roof, takes them down in order. The only one
who knows all.

A crash of the engine or of the alerts ends the process, loudly, for the service manager to start it
again. A crash
of one account's feed is that account's UNKNOWN. The store's troubles cost what readers see, never an alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import structlog

from adapters import VENUES
from adapters.account_feed import AccountFeed
from adapters.gate import Gates, market_key
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from adapters.venue import Post, VenueSpec
from alerts.ledger import LedgerInUse, LedgerRefused
from alerts.service import AlertService
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import Clock, SystemClock
from monitor.config import Account, Config
from monitor.domain.assessment import MarginAssessment
from monitor.domain.event import StreamGap
from monitor.domain.identity import AccountId, InstrumentId, PoolId, account_id
from monitor.domain.turn import BookView, Turn
from monitor.engine import Engine
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.inbox import Inbox
from monitor.loop_probe import LoopProbe
from monitor.names import Metrics
from monitor.recording.recorder import Recorder
from monitor.sinks.embedded_store import DataDirInUse, EmbeddedStore, StoreError
from monitor.sinks.metrics import BadMetricsAddress, MetricsServer
from monitor.sinks.redis_state import RedisState
from monitor.supervise import supervise
from monitor.thresholds import levels_for

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
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.inbox = Inbox(self.metrics)
        self._rng = rng or random.Random()
        self._watchers = tuple(watchers)
        self.view: BookView | None = None
        self._feeds: dict[AccountId, AccountFeed] = {}
        self._models = tuple(dict.fromkeys(m for a in config.accounts for m in _spec(a).models))
        self.book = self._declared_book()
        self._recorder = (
            None if record is None else Recorder(record, config, self._models, self.clock, self.metrics)
        )

    async def run(self, stop: asyncio.Event, on_ready: Callable[[Addresses], None]) -> None:
        """Starts every part, tells when all of them run, and takes them down when `stop` is set."""
        async with contextlib.AsyncExitStack() as stack:
            store = await self._open_store(stack)
            store_url = store.url if store is not None else str(self.config.store.url)
            redis = self._redis(store_url)
            self._start_recorder(stack)
            alerts = AlertService(self.config, self.clock, self.metrics, self.describe)
            await alerts.start()
            stack.push_async_callback(alerts.stop)
            server = self._serve_metrics(stack)
            probe = LoopProbe(self.metrics)
            probe.start()
            stack.callback(probe.stop)
            sinks = (self._look, alerts.on_turn, redis.offer, *self._watchers)
            engine = Engine(self.book, self.inbox, self.clock, self.metrics, sinks)
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(engine.run(), name="engine"),
                    group.create_task(alerts.run(), name="alerts"),
                    group.create_task(self._supervised("redis", redis.run), name="redis"),
                    *([group.create_task(store.run(), name="store")] if store is not None else []),
                    *self._start_feeds(group),
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
        )
        book = LiveBook(settings)
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

    def _start_feeds(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """One public feed for each venue and set of endpoints, one feed for each account."""
        gates = Gates(self.clock)
        by_market: dict[tuple[object, ...], list[Account]] = {}
        for account in self.config.accounts:
            by_market.setdefault(market_key(account), []).append(account)
        tasks = []
        for accounts in by_market.values():
            spec = _spec(accounts[0])
            gate = gates.of(accounts[0], spec.connects)
            tap = self._recorder.frame if self._recorder is not None else None
            tools = Tools(self.clock, self.metrics, self._rng, gate, tap)
            public = PublicFeed(accounts, spec, self._public_door, tools)
            tasks.append(self._public_task(group, spec.name, public))
            tasks += [self._account_task(group, spec, account, tools, public.watch) for account in accounts]
        return tasks

    def _public_task(self, group: asyncio.TaskGroup, venue: str, feed: PublicFeed) -> asyncio.Task[None]:
        def crashed(_: Exception) -> None:
            self._public_door(StreamGap(venue, None, "public feed crashed", self.clock.monotonic_ns()))

        name = f"public {venue}"
        task = supervise(name, feed.run, self.metrics, crashed, self._rng)
        return group.create_task(task, name=name)

    def _account_task(
        self,
        group: asyncio.TaskGroup,
        spec: VenueSpec,
        account: Account,
        tools: Tools,
        held: Callable[[Iterable[InstrumentId]], None],
    ) -> asyncio.Task[None]:
        feed = AccountFeed(account, spec, self._account_door, tools, held)
        self._feeds[feed.id] = feed

        def crashed(_: Exception) -> None:
            self._account_door(
                StreamGap(spec.name, feed.id, "account feed crashed", self.clock.monotonic_ns())
            )

        task = supervise(f"account {feed.id}", feed.run, self.metrics, crashed, self._rng)
        return group.create_task(task, name=f"account {feed.id}")

    @property
    def _public_door(self) -> Post:
        """Where the public feeds post."""
        return self._recorder.public_door(self.inbox.post) if self._recorder else self.inbox.post

    @property
    def _account_door(self) -> Post:
        """Where the feeds of accounts post."""
        return self._recorder.account_door(self.inbox.post) if self._recorder else self.inbox.post

    async def _supervised(self, name: str, task: Callable[[], object]) -> None:
        await supervise(name, task, self.metrics, lambda _: None, self._rng)  # type: ignore[arg-type]

    def _look(self, turn: Turn) -> None:
        """Keeps the newest view for scrapes, and passes on which accounts want a snapshot."""
        self.view = turn.view
        for wish in turn.reconcile:
            feed = self._feeds.get(wish.account)
            if feed is not None:
                feed.reconcile_soon(wish.why, wish.confirm)

    def describe(self, pool: PoolId) -> MarginAssessment | None:
        """The full picture of one pool as it is now."""
        return self.book.describe(pool, self.clock.monotonic_ns(), self.clock.wall_ns())


def run(config: Config, record: Path | None = None) -> int:
    """`margind run`: until SIGTERM or Ctrl-C. Raises CommandFailed for what the operator must mend."""
    asyncio.run(started(config, record))
    return ExitCode.DONE


async def started(config: Config, record: Path | None = None) -> None:
    """Runs a daemon until it is told to stop; what the operator must mend is a CommandFailed."""
    refusals: list[CommandFailed] = []
    try:
        await _run(config, record)
    except* (DataDirInUse, LedgerInUse) as errors:
        refusals.append(CommandFailed(_first_words(errors), ExitCode.IN_USE))
    except* (StoreError, LedgerRefused, BadMetricsAddress, RecordingRefused) as errors:
        refusals.append(CommandFailed(_first_words(errors)))
    if refusals:  # raised out here: inside, it would come wrapped in a group
        raise refusals[0]


def _first_words(errors: BaseExceptionGroup[BaseException]) -> str:
    """What the first of them says."""
    first = errors.exceptions[0]
    return _first_words(first) if isinstance(first, BaseExceptionGroup) else str(first)


async def _run(config: Config, record: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Daemon(config, record=record).run(
        stop, lambda at: log.info("ready", metrics=at.metrics, store=at.store)
    )
    log.info("stopped")


def _spec(account: Account) -> VenueSpec:
    spec = VENUES.get(account.venue)
    if spec is None:
        raise CommandFailed(
            f"accounts {account.name!r}: this release has no adapter for venue {account.venue!r}",
            ExitCode.REFUSED,
        )
    return spec
