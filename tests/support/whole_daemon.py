"""The whole daemon beside a test, every part real; what it says of each pool is kept with its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from adapters import VENUES
from adapters.loopback import Account, LoopbackExchange
from monitor import config
from monitor.book.accounts import PLACEHOLDER
from monitor.daemon import Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import account_id
from monitor.domain.turn import Turn
from tests.support.receivers import SIGNING_SECRET
from tests.support.waiting import eventually

START_S = 90.0  # a first compile takes half a minute
RESOLVE_AFTER_S = 0.5

# Levels that one price crosses at once: with those that ship, the distance, which is solved a tick later,
# would make two messages of one fall.
LEVELS = config.Threshold(ratio=config.Levels(0.5, 0.7, 0.85), distance=config.Levels(0.0003, 0.0002, 0.0001))


class Said(NamedTuple):
    """A band of a pool, and when it was published (monotonic)."""

    at_s: float
    pool: str
    band: RiskBand


class Watcher:
    """Takes every turn of a daemon in."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.turns = 0
        self.bands: dict[str, RiskBand] = {}

    def on_turn(self, turn: Turn) -> None:
        """Keeps what changed."""
        self.turns += 1
        at_s = time.monotonic()
        for pool in turn.removed:
            self.bands.pop(pool, None)
        for state in turn.changed:
            self.bands[state.pool] = state.band
            self.said.append(Said(at_s, state.pool, state.band))

    def pool_of(self, account: str) -> str:
        """The one pool of an account."""
        (pool,) = [pool for pool in self.bands if pool.startswith(f"{account}/")]
        return pool

    def since(self, at_s: float, pool: str, band: RiskBand) -> list[float]:
        """When a pool went into a band after a moment."""
        return [
            said.at_s for said in self.said if said.pool == pool and said.band is band and said.at_s > at_s
        ]

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        """Waits for turns to make something true."""

        async def look() -> bool:
            return bool(holds())

        await eventually(look, what, timeout_s)


class Running(NamedTuple):
    """A daemon that is ready, and what watches it."""

    daemon: Daemon
    watcher: Watcher
    task: asyncio.Task[None]

    @property
    def crashes(self) -> float:
        """Supervised tasks that had to be started again."""
        families = self.daemon.metrics.task_restarts.collect()
        return sum(s.value for family in families for s in family.samples if s.name.endswith("_total"))

    def metric(self, name: str, **labels: str) -> float:
        """A sample, 0 when it never counted."""
        return self.daemon.metrics.registry.get_sample_value(f"margind_{name}", labels) or 0.0


@asynccontextmanager
async def whole_daemon(
    folder: Path, exchange: LoopbackExchange, accounts: Iterable[Account], hook_url: str, store_url: str
) -> AsyncIterator[Running]:
    """A running daemon on the venues' own wire, at levels that one price crosses at once."""
    watched = tuple(watched_account(exchange, account) for account in accounts)
    settings = desk_config(folder, watched, hook_url, store_url, thresholds=(LEVELS,))
    async with running_daemon(settings) as running:
        yield running


@asynccontextmanager
async def running_daemon(settings: config.Config) -> AsyncIterator[Running]:
    """A daemon that runs, in which every account is clear; ended as SIGTERM would."""
    watcher = Watcher()
    daemon = Daemon(settings, watchers=(watcher.on_turn,))
    stop = asyncio.Event()
    task = asyncio.create_task(daemon.run(stop, lambda _: None), name="daemon")
    wanted = {account_id(account.venue, account.name) for account in settings.accounts}

    def is_ready() -> bool:
        if task.done():
            task.result()
        clear = {pool.rsplit("/", 1)[0] for pool, band in watcher.bands.items() if band is RiskBand.CLEAR}
        return clear == wanted and not any(pool.endswith(f"/{PLACEHOLDER}") for pool in watcher.bands)

    try:
        await watcher.until(is_ready, "every account to be clear", START_S)
        yield Running(daemon, watcher, task)
    finally:
        stop.set()
        await task


def desk_config(
    folder: Path,
    accounts: tuple[config.Account, ...],
    hook_url: str,
    store_url: str,
    thresholds: tuple[config.Threshold, ...] = (),
) -> config.Config:
    """One signed webhook for everything, and a hold that a test can wait for."""
    secret = config.Secret(SIGNING_SECRET, "the test")
    hook = config.Receiver("hook", "webhook", url=hook_url, secret=secret, allow_private_destinations=True)
    return config.Config(
        daemon=config.Daemon(str(folder)),
        accounts=accounts,
        receivers=(hook,),
        routes=(config.Route(("hook",)),),
        thresholds=thresholds,
        store=config.Store(store_url),
        alerts=config.Alerts(resolve_after_s=RESOLVE_AFTER_S),
        metrics=config.Metrics(port=0),
    )


def watched_account(exchange: LoopbackExchange, account: Account) -> config.Account:
    """An account of the exchange as a config names it."""
    needs_key = VENUES[account.venue].needs_key
    key, secret = config.Secret(account.key, "the test"), config.Secret(account.secret, "the test")
    return config.Account(
        name=account.name,
        venue=account.venue,
        desk=account.venue,
        environment="loopback",
        credentials=config.Credentials(key, secret) if needs_key else None,
        address=None if needs_key else account.address,
        endpoints=exchange.endpoints(account.venue),
    )
