"""The alerts in a process of their own, to be killed: states in, a real ledger, a real webhook out.

`python -m tests.support.alert_harness FOLDER URL[,URL...] STEP...`, a step being `pool=band` pairs joined by
commas. Each is told in one turn, and the next waits until what it caused is delivered; after a step that
begins with `!` only until it was tried. `ack a` and `silence a` are what kim says of a pool. `run` does the
same in a fork.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from alerts import failpoints
from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Config, Receiver, Route, Secret
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from monitor.names import Metrics
from tests.support.alerting import a_config, a_state, a_turn
from tests.support.notifications import an_assessment
from tests.support.receivers import CHANNEL, SIGNING_SECRET, SLACK_TOKEN
from tests.support.waiting import eventually

SLACK = "slack+"  # before a URL
TROUBLE = "+all"  # after a band: deficit, margin error and a worse figure of the venue too


def run(folder: str, urls: Sequence[str], steps: Sequence[str], failpoint: str | None = None) -> None:
    """One run: starts, takes the steps, drains, stops. Dies at the failpoint, if it comes there."""
    if failpoint is not None:  # else what the environment says holds
        failpoints.arm(failpoint)
    asyncio.run(_run(_config(Path(folder), urls), steps))


def _config(folder: Path, urls: Sequence[str]) -> Config:
    secret = Secret(SIGNING_SECRET, "the test")
    receivers = tuple(_receiver(number, url, secret) for number, url in enumerate(urls))
    route = Route(tuple(receiver.name for receiver in receivers))
    return a_config(
        folder, receivers=receivers, routes=(route,), resolve_after_s=0.0, fall_through_after_s=0.2
    )


def _receiver(number: int, url: str, secret: Secret) -> Receiver:
    """A signed webhook; of a URL that says so the Slack API that is there."""
    if not url.startswith(SLACK):
        return Receiver(f"hook{number}", "webhook", url=url, secret=secret, allow_private_destinations=True)
    token, base = Secret(SLACK_TOKEN, "the test"), url.removeprefix(SLACK)
    return Receiver(
        f"hook{number}", "slack", url=base, secret=token, channel=CHANNEL, allow_private_destinations=True
    )


async def _run(config: Config, steps: Sequence[str]) -> None:
    clock = SystemClock()
    metrics = Metrics()
    service = AlertService(config, clock, metrics, lambda pool: an_assessment(pool=pool))
    await service.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(service.run())
        await _idle(service)
        for step in steps:
            verb, _, name = step.partition(" ")
            if name:
                await _say(service, verb, name)
                continue
            states = [_state(pair) for pair in step.removeprefix("!").split(",")]
            service.on_turn(a_turn(clock, states))
            await (_tried(metrics) if step.startswith("!") else _idle(service))
        task.cancel()
    await service.stop()


async def _say(service: AlertService, verb: str, name: str) -> None:
    pool = PoolId(f"binance_usdm/alpha/{name}")
    if verb == "ack":
        await service.duty.acknowledge(pool, None, "kim")
    else:
        await service.duty.silence([f"pool={pool}"], "kim", "known", 3_600)


async def _idle(service: AlertService) -> None:
    async def is_idle() -> bool:
        return not service._is_busy()

    await eventually(is_idle, "everything to be told")


async def _tried(metrics: Metrics) -> None:
    labels = {"receiver": "hook0", "result": "retry"}

    async def is_tried() -> bool:
        return bool(metrics.registry.get_sample_value("margind_notify_total", labels))

    await eventually(is_tried, "a first attempt")


def _state(pair: str) -> PoolState:
    name, _, band = pair.partition("=")
    is_troubled = band.endswith(TROUBLE)
    return a_state(
        PoolId(f"binance_usdm/alpha/{name}"),
        RiskBand[band.removesuffix(TROUBLE)],
        deficit=is_troubled,
        margin_error_open=is_troubled,
        venue_band=RiskBand.LIQUIDATION if is_troubled else RiskBand.CLEAR,
    )


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2].split(","), sys.argv[3:])
