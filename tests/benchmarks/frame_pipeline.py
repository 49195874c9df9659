"""The alerts of a large desk: 300 routes, 100 silences, 1,000 pools that cross one after the other.

Real: incidents, silences, routing, ledger on a disk, dispatcher. Doubled: the picture of a pool, one for
all, and the receivers, which take a message at once. Beside it the same with one route and no silence.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from alerts.alert import Notification
from alerts.incidents import Incidents
from alerts.notify.notifier import Delivered, Outcome
from alerts.route import routing_of
from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Account, Alerts, Config, Daemon, Receiver, Route
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from tests.benchmarks.table import Row, quantile
from tests.support.alerting import a_state, a_turn
from tests.support.notifications import an_assessment

POOLS = 1_000
ROUTES, SILENCES = 300, 100
EVERY_S = 0.005
LIMITS_MS = (20.0, 250.0)  # FAULTS T4: p50, p99


class Cost(NamedTuple):
    """Of one run."""

    first_send_s: list[float]
    decided_s: float  # processor time of incidents and routing, a crossing


class _Receiver:
    def __init__(self, name: str) -> None:
        self.name = name

    async def notify(self, notification: Notification) -> Outcome:
        """Takes it."""
        return Delivered()

    async def close(self) -> None:
        """Holds nothing."""


def run() -> Iterator[Row]:
    """Crossing to first send, and what the deciding costs."""
    large, small = (asyncio.run(_measured(*size)) for size in ((ROUTES, SILENCES), (1, 0)))
    p50_ms, p99_ms = (1e3 * quantile(large.first_send_s, share) for share in (0.5, 0.99))
    beside = ", ".join(f"{1e3 * quantile(small.first_send_s, share):.2f} ms" for share in (0.5, 0.99))
    what = f"crossing to first send, {POOLS:,} pools one by one, {ROUTES} routes, {SILENCES} silences"
    limit = f"p50 at most {LIMITS_MS[0]:g} ms, p99 at most {LIMITS_MS[1]:g} ms"
    is_kept = p50_ms <= LIMITS_MS[0] and p99_ms <= LIMITS_MS[1]
    told = f"p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms"
    yield Row(what, told, f"one route, no silence: {beside}", limit, is_kept)
    cost, bare = 1e6 * large.decided_s, 1e6 * small.decided_s
    pipeline = f"{cost:.0f} us a crossing"
    yield Row("the pipeline alone: incidents, silences, routing", pipeline, f"one route: {bare:.0f} us")


async def _measured(routes: int, silences: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder), routes)
        receivers = {receiver.name: _Receiver(receiver.name) for receiver in config.receivers}
        clock, metrics, first_s = SystemClock(), Metrics(), list[float]()
        metrics.frame_to_send.observe = first_s.append  # type: ignore[method-assign, assignment]
        picture = an_assessment()
        service = AlertService(config, clock, metrics, lambda pool: picture, receivers)
        await service.start()
        for number in range(silences):
            matchers = [f'account=~"binance_usdm/x{number}.*"', "desk!=basis"]
            await service.duty.silence(matchers, "kim", "moving", 3_600)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run())
            for pool in _pools():
                state = a_state(pool, RiskBand.CRITICAL)
                turn = a_turn(clock, [state])
                service.on_turn(msgspec.structs.replace(turn, oldest_received_ns=clock.monotonic_ns()))
                await asyncio.sleep(EVERY_S)
            await service.drain()
            task.cancel()
        await service.stop()
        return Cost(first_s, _decided_s(config, service))


def _decided_s(config: Config, service: AlertService) -> float:
    """Incidents and routing once more, without the loop around them."""
    holding = service.holding
    incidents = Incidents(config.alerts, holding=holding)
    states = [a_state(pool, RiskBand.CRITICAL) for pool in _pools()]
    routing, wall_ns = routing_of(config), SystemClock().wall_ns()
    began_s = time.process_time()
    for state in states:
        for notice in incidents.observe(state, 0, wall_ns):
            routing.of(notice, wall_ns)
    return (time.process_time() - began_s) / len(states)


def _pools() -> Sequence[PoolId]:
    return [PoolId(f"binance_usdm/a{number}/cross-USDT") for number in range(POOLS)]


def _config(folder: Path, routes: int) -> Config:
    """A route for each of some accounts, the last for all others."""
    names = [f"r{number}" for number in range(min(routes, 20))]
    takers = itertools.cycle(names)
    narrow = [Route((next(takers),), account=f"binance_usdm/a{number}") for number in range(routes - 1)]
    return Config(
        daemon=Daemon(str(folder)),
        accounts=tuple(
            Account(f"a{number}", "binance_usdm", "basis", address="0x0") for number in range(POOLS)
        ),
        receivers=tuple(Receiver(name, "terminal") for name in names),
        routes=(*narrow, Route((names[0],))),
        alerts=Alerts(silences_hide_critical=True),  # else they are not asked about what is critical
    )


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
