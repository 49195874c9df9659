"""States, turns and receivers for the alerts: what the book would say, and a desk that remembers."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from alerts.alert import Condition, Notification
from alerts.notify.notifier import Delivered, Notifier, Outcome
from alerts.service import AlertService
from monitor.clock import Clock, SystemClock
from monitor.config import Account, Alerts, Config, Daemon, Receiver, Route
from monitor.domain.assessment import MarginAssessment, Reason, RiskBand
from monitor.domain.identity import AccountId, PoolId
from monitor.domain.turn import BookView, PoolLabel, PoolState, Turn
from monitor.names import Metrics
from tests.support.notifications import an_assessment

ALPHA = PoolId("binance_usdm/alpha/cross-USDT")
BETA = PoolId("binance_usdm/beta/cross-USDT")
SECOND_NS = 1_000_000_000


def a_state(pool: PoolId = ALPHA, band: RiskBand = RiskBand.CLEAR, **changes: Any) -> PoolState:
    """A pool in a band; UNKNOWN began and was seen at monotonic 0 unless said otherwise."""
    is_unknown = band is RiskBand.UNKNOWN
    usual = PoolState(
        pool=pool,
        desk="basis",
        band=band,
        last_band=RiskBand.CLEAR if is_unknown else band,
        reasons=Reason.STALE if is_unknown else Reason(0),
        deficit=False,
        margin_error_open=False,
        venue_band=RiskBand.CLEAR,
        unknown_since_ns=0 if is_unknown else None,
        unknown_seen_ns=0 if is_unknown else None,
        detail="BTCUSDT mark silent" if is_unknown else "",
    )
    return msgspec.structs.replace(usual, **changes)


def a_view(pools: Iterable[PoolId], now_ns: int, wall_ns: int, *, is_read: bool = True) -> BookView:
    """A view that lists the pools, their accounts read or not."""
    labels = tuple(_label(pool) for pool in pools)
    floats = np.zeros(len(labels))
    ints = np.zeros(len(labels), dtype=np.int64)
    return BookView(
        generation=zlib.crc32(repr(labels).encode()),  # another one for other pools
        as_of_ns=wall_ns,
        now_ns=now_ns,
        pools=labels,
        equity=floats,
        initial_margin=floats,
        maintenance_margin=floats,
        band=ints,
        reasons=ints,
        deficit=np.zeros(len(labels), dtype=np.bool_),
        margin_error=floats,
        distance=floats,
        price_seen_ns=ints,
        account_seen_ns=ints + (now_ns if is_read else 0),
        positions=ints,
    )


def a_turn(
    clock: Clock,
    states: Sequence[PoolState] = (),
    *,
    removed: Sequence[PoolId] = (),
    listed: Sequence[PoolId] | None = None,
    is_read: bool = True,
) -> Turn:
    """A turn of now that tells the states; `listed` are the pools of its view."""
    now_ns, wall_ns = clock.monotonic_ns(), clock.wall_ns()
    pools = [state.pool for state in states] if listed is None else listed
    return Turn(
        as_of_ns=wall_ns,
        now_ns=now_ns,
        oldest_received_ns=now_ns,
        changed=tuple(states),
        removed=tuple(removed),
        reconcile=(),
        assessed=len(states),
        view=a_view(pools, now_ns, wall_ns, is_read=is_read),
    )


def _label(pool: PoolId) -> PoolLabel:
    venue, account, _ = pool.split("/", 2)
    return PoolLabel(pool, AccountId(f"{venue}/{account}"), venue, "basis", "tiered", "USDT")


def a_config(
    folder: Path,
    *,
    receivers: Sequence[Receiver] = (Receiver("first", "terminal"),),
    routes: Sequence[Route] = (Route(("first",)),),
    **alerts: Any,
) -> Config:
    """A config with the accounts alpha and beta of one desk."""
    return Config(
        daemon=Daemon(str(folder)),
        accounts=tuple(Account(name, "binance_usdm", "basis", address="0x0") for name in ("alpha", "beta")),
        receivers=tuple(receivers),
        routes=tuple(routes),
        alerts=Alerts(**alerts),
    )


class Desk:
    """A receiver that remembers, and answers what its script says."""

    def __init__(self, name: str = "first", answer: Callable[[Notification], Outcome] | None = None) -> None:
        self.name = name
        self.answer = answer or (lambda _: Delivered())
        self.told: list[Notification] = []  # each attempt
        self.got: list[Notification] = []  # each that was delivered
        self.hold: asyncio.Event | None = None  # unset: it does not answer yet
        self._news = asyncio.Condition()

    async def notify(self, notification: Notification) -> Outcome:
        """Remembers and answers."""
        async with self._news:
            self.told.append(notification)
            self._news.notify_all()
        if self.hold is not None:
            await self.hold.wait()
        outcome = self.answer(notification)
        if isinstance(outcome, Delivered):
            async with self._news:
                self.got.append(notification)
                self._news.notify_all()
        return outcome

    async def close(self) -> None:
        """Holds nothing."""

    async def has(self, count: int, timeout_s: float = 20.0) -> list[Notification]:
        """Waits until so many were delivered, and answers them."""
        return await self._until(lambda: self.got, count, timeout_s)

    async def was_tried(self, count: int, timeout_s: float = 20.0) -> list[Notification]:
        """Waits until so many attempts were made, and answers them."""
        return await self._until(lambda: self.told, count, timeout_s)

    async def _until(
        self, look: Callable[[], list[Notification]], count: int, timeout_s: float
    ) -> list[Notification]:
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(lambda: len(look()) >= count)
        return look()


@asynccontextmanager
async def alerting(
    config: Config,
    *desks: Notifier,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    describe: Callable[[PoolId], MarginAssessment | None] = lambda pool: an_assessment(pool=pool),
) -> AsyncIterator[AlertService]:
    """The service as the daemon runs it, ended as the daemon ends it."""
    service = AlertService(
        config,
        clock or SystemClock(),
        metrics or Metrics(),
        describe,
        {desk.name: desk for desk in desks},
    )
    await service.start()
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run())
            await asyncio.sleep(0)  # a task that is cancelled before its first step does nothing at all
            try:
                yield service
            finally:
                task.cancel()
    finally:
        await service.stop()


def words(notifications: Iterable[Notification]) -> list[str]:
    """What was told, short: `margin raised critical`."""
    return [f"{n.key.condition.value} {n.kind.value} {n.level.label}" for n in notifications]


def of(notifications: Iterable[Notification], condition: Condition) -> list[Notification]:
    """Those about one condition."""
    return [notification for notification in notifications if notification.key.condition is condition]
