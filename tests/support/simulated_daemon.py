"""The whole daemon in virtual time, so that a deadline is a number and a busy machine is not a fault.

Real: `Daemon` with its inbox, engine, book, feeds, sessions, links, codec, supervision, shutdown; the alert
service with incidents, groups, waiting lines and the ledger's SQLite file. Doubled, each at the edge of the
process or of a thread: `websockets.connect` and REST (simulated_venue), the ledger's thread (its writes are
committed where they are asked for), the receiver (it remembers), and Redis, the metrics server and the loop's
probe, which do nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapters import VENUES
from alerts import ledger
from alerts.alert import Notification
from alerts.notify.notifier import Delivered, Outcome
from monitor import config
from monitor.config_history import History
from monitor.daemon import Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import Turn
from tests.support.simulated_venue import ENDPOINTS, HOLDINGS, VENUE, SimulatedSpec, SimulatedVenue
from tests.support.virtual_time import LoopClock, run_virtual
from tests.support.whole_daemon import LEVELS

RESOLVE_AFTER_S = 1.0
LOOK_S = 0.01


class Said(NamedTuple):
    """A band of a pool, and when it was published."""

    at_s: float
    pool: str
    band: RiskBand


class Sent(NamedTuple):
    """A message about one pool, and when its first attempt began."""

    at_s: float
    pool: str
    words: str
    incident: int


class PromptLedger(ledger.Ledger):
    """Commits where it is asked to: a thread would have to be waited for in real time."""

    def close(self) -> None:
        """Lets go of the file too: there is no thread that would."""
        super().close()
        if self._database is not None:
            self._database.close()

    def _work(self) -> None:
        """The thread has nothing to do."""

    async def _written(self, apply: Callable[[Any], None]) -> bool:
        await asyncio.sleep(0)
        return self._commit([ledger._Write(apply, lambda _: None)])


class Receiver:
    """Takes everything, and remembers when."""

    name = "desk"

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def notify(self, notification: Notification) -> Outcome:
        """Delivered."""
        at_s = asyncio.get_running_loop().time()
        words = f"{notification.key.condition.value} {notification.kind.value} {notification.level.label}"
        for pool in (notification.key.pool, *notification.others):
            self.sent.append(Sent(at_s, pool, words, notification.incident))
        return Delivered()

    async def close(self) -> None:
        """Holds nothing."""


class Idle:
    """Stands for Redis, the metrics server and the probe: built, started, offered turns, and still."""

    url = ""

    def __init__(self, *_: object, **__: object) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def offer(self, turn: Turn) -> None: ...

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.get_running_loop().create_future()


class Simulation:
    """One run: a venue, a daemon that watches three accounts of it, and what they said."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.venue = SimulatedVenue(self.rng, LoopClock())
        self.receiver = Receiver()
        self.said: list[Said] = []
        self.bands: dict[str, RiskBand] = {}
        self._folder = folder

    @property
    def now_s(self) -> float:
        """Virtual seconds since the beginning."""
        return asyncio.get_running_loop().time()

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float) -> None:
        """Lets virtual time pass until something is true."""
        deadline_s = self.now_s + timeout_s
        while not holds():
            assert self.now_s < deadline_s, f"waited {timeout_s} s for {what}"
            await asyncio.sleep(LOOK_S)

    def unknown(self, pool: str) -> list[float]:
        """When a pool became UNKNOWN after it had been clear."""
        bands = [said for said in self.said if said.pool == pool]
        return [
            after.at_s
            for before, after in itertools.pairwise(bands)
            if after.band is RiskBand.UNKNOWN and before.band is not RiskBand.UNKNOWN
        ]

    def sent(self, pool: str, words: str) -> list[Sent]:
        """The messages of one kind about a pool."""
        return [sent for sent in self.receiver.sent if (sent.pool, sent.words) == (pool, words)]

    def on_turn(self, turn: Turn) -> None:
        """Keeps what changed."""
        for state in turn.changed:
            self.bands[state.pool] = state.band
            self.said.append(Said(self.now_s, state.pool, state.band))
        for pool in turn.removed:
            self.bands.pop(pool, None)

    async def play(self, story: Callable[[Simulation], Awaitable[None]]) -> None:
        """Runs the story once every account is clear, then ends the daemon as SIGTERM would."""
        daemon = Daemon(self._config(), LoopClock(), self.rng, (self.on_turn,))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(self.venue.run())
            group.create_task(daemon.run(stop, lambda _: None))
            await self.until(self._is_ready, "every account to be clear", 20.0)
            await story(self)
            stop.set()
            publishing.cancel()
        restarts = daemon.metrics.task_restarts.collect()
        assert not any(sample.value for family in restarts for sample in family.samples)

    def _is_ready(self) -> bool:
        clear = [pool for pool, band in self.bands.items() if band is RiskBand.CLEAR]
        return len(clear) == len(self.bands) == len(HOLDINGS)

    def _config(self) -> config.Config:
        secret = config.Secret("unused", "the test")
        return config.Config(
            daemon=config.Daemon(str(self._folder)),
            accounts=tuple(
                config.Account(
                    name=name,
                    venue=VENUE,
                    desk=name,
                    environment="loopback",
                    credentials=config.Credentials(secret, secret),
                    endpoints=ENDPOINTS,
                )
                for name in HOLDINGS
            ),
            receivers=(config.Receiver("desk", "terminal"),),
            routes=(config.Route(("desk",)),),
            thresholds=(LEVELS,),
            store=config.Store("unix:///nowhere"),
            alerts=config.Alerts(resolve_after_s=RESOLVE_AFTER_S),
            history=History(enabled=False),  # a thread of its own does not live in virtual time
        )


def simulate(seed: int, folder: Path, story: Callable[[Simulation], Awaitable[None]]) -> Simulation:
    """Plays a story in virtual time, with the edges doubled."""
    simulation = Simulation(seed, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VENUES, VENUE, SimulatedSpec(simulation.venue))
        patch.setattr("adapters.link.connect", simulation.venue.connect)
        patch.setattr("alerts.service.Ledger", PromptLedger)
        patch.setattr("alerts.service.notifier_for", lambda _: simulation.receiver)
        for name in ("RedisState", "MetricsServer", "LoopProbe"):
            patch.setattr(f"monitor.daemon.{name}", Idle)
        run_virtual(simulation.play(story))
    return simulation
