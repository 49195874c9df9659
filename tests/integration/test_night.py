"""A scripted night: a venue that is down, a storm of a thousand pools, a shift that sleeps, and a morning.

Real: the alerts, their ledger, sockets, mail server. The pages' receivers are on this machine and check what
the real ones check; Slack takes one message a second. Times are those at the receivers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Config, Receiver, Route
from monitor.config_duty import Escalation, TimeInterval
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from monitor.names import Metrics
from tests.support.alerting import a_config, a_state, a_turn
from tests.support.night_desks import Desks, Heard
from tests.support.notifications import an_assessment
from tests.support.real_alertmanager import BINARY, running_alertmanager
from tests.support.waiting import eventually

POOLS = [PoolId(f"binance_usdm/a{number:04}/cross-USDT") for number in range(1_000)]
WORST = POOLS[500:510]
OUT = [PoolId(f"bybit/b{number}/unified") for number in range(5)]
WORST_S, ALL_S = 3.0, 30.0  # FAULTS T5
TURNS = 10  # in which the thousand cross
ESCALATE_S = 45.0  # after the storm: its own messages are out
ALWAYS = TimeInterval("night")
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


def night_config(folder: Path, receivers: tuple[Receiver, ...]) -> Config:
    """Everybody hears everything, but mail is quiet at night, and one desk alone has a pager and a phone."""
    names = [receiver.name for receiver in receivers if receiver.name != "phone"]
    special: dict[str, dict[str, Any]] = {
        "mail": {"mute_time_intervals": ("night",)},
        "pager": {"desk": "prop"},
    }
    routes = tuple(Route((name,), continue_=True, **special.get(name, {})) for name in names)
    config = a_config(folder, receivers=receivers, routes=routes, resolve_after_s=0.0, unknown_after_s=0.1)
    step = Escalation(ESCALATE_S, ("phone",), desk="prop")
    return msgspec.structs.replace(config, escalations=(step,), time_intervals=(ALWAYS,))


@asynccontextmanager
async def alerts_of(config: Config) -> AsyncIterator[tuple[AlertService, Callable[..., None]]]:
    """The alerts as the daemon runs them, and a way to tell them of states."""
    clock = SystemClock()
    service = AlertService(config, clock, Metrics(), lambda pool: an_assessment(pool=pool))
    await service.start()
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run())
            await asyncio.sleep(0)
            try:
                yield service, lambda states: service.on_turn(a_turn(clock, states))
            finally:
                task.cancel()
    finally:
        await service.stop()


async def idle(service: AlertService, timeout_s: float = 90.0) -> None:
    """Until everything that was decided is delivered."""

    async def is_idle() -> bool:
        return not service._is_busy()

    await eventually(is_idle, "everything to be delivered", timeout_s)


def desk_of(pool: PoolId) -> str:
    """The worst pools are of one desk."""
    return "prop" if pool in WORST else "basis"


def gone(pool: PoolId) -> PoolState:
    """Unknown for a minute."""
    since = {"unknown_since_ns": 0, "unknown_seen_ns": 0}
    return a_state(pool, RiskBand.UNKNOWN, **since)


async def outage(desks: Desks, service: AlertService, say: Callable[..., None]) -> None:
    """A venue goes and comes back: one message, one end."""
    say([gone(pool) for pool in OUT])
    await idle(service)
    assert set(desks.hook.heard.first_s) >= set(OUT)
    assert desks.hook.heard.count == 1
    say([a_state(pool) for pool in OUT])

    async def has_ended() -> bool:
        return desks.hook.heard.count >= 2

    await eventually(has_ended, "the outage to end")
    await idle(service)
    assert desks.hook.heard.count == 2, "an outage is told once, and its end"


async def storm(desks: Desks, service: AlertService, say: Callable[..., None]) -> dict[str, str]:
    """A thousand pools critical within a second; answers the times of each desk."""
    heards = {"slack": desks.slack.heard, "mail": desks.mail.heard, "webhook": desks.hook.heard}
    for heard in heards.values():
        heard.begin()
    bands = {pool: RiskBand.LIQUIDATION if pool in WORST else RiskBand.CRITICAL for pool in POOLS}
    began_s = time.monotonic()
    for turn in range(TURNS):
        say([a_state(pool, bands[pool], desk=desk_of(pool)) for pool in POOLS[turn::TURNS]])
        await asyncio.sleep(max(0.0, began_s + 0.09 * (turn + 1) - time.monotonic()))
    crossed_s = time.monotonic() - began_s

    async def all_named() -> bool:
        desks.mail.catch_up()
        return all(set(heard.first_s) >= set(POOLS) for heard in heards.values())

    await eventually(all_named, "every pool to be named everywhere", 3 * ALL_S)
    told = {name: _times(heard, began_s) for name, heard in heards.items()}
    for name, (worst_s, all_s) in told.items():
        assert worst_s <= WORST_S, f"{name}: the ten worst after {worst_s:.2f} s"
        assert all_s <= ALL_S, f"{name}: the last pool after {all_s:.2f} s"
    lines = {
        name: f"ten worst {worst_s:.2f} s, all {all_s:.2f} s, {heards[name].count} messages"
        for name, (worst_s, all_s) in told.items()
    }
    return lines | {"crossing": f"{len(POOLS):,} pools within {crossed_s:.2f} s"}


def _times(heard: Heard, began_s: float) -> tuple[float, float]:
    worst_s = max(heard.first_s[pool] for pool in WORST) - began_s
    return worst_s, max(heard.first_s[pool] for pool in POOLS) - began_s


@pytest.mark.skipif(BINARY is None, reason="no prometheus-alertmanager on this machine (Debian package)")
async def test_a_night_with_a_storm(tmp_path: Path, report: Any) -> None:
    """The ten worst of a thousand are told in three seconds, every pool in thirty, at Slack's one message a
    second too; nothing is lost or comes twice; what nobody has is escalated; the morning ends it all."""
    async with Desks(tmp_path) as desks, running_alertmanager(tmp_path, resolve_timeout="5m") as real:
        own = Receiver("real", "alertmanager", url=real.url, allow_private_destinations=True)
        config = night_config(tmp_path / "data", (*desks.receivers(), own))
        async with alerts_of(config) as (service, say):
            say([a_state(pool, desk=desk_of(pool)) for pool in (*POOLS, *OUT)])
            say([a_state(POOLS[0], RiskBand.WARNING)])
            await idle(service)
            desks.mail.catch_up()
            assert (desks.hook.heard.count, desks.mail.heard.count) == (1, 0), "mail is quiet for a warning"
            desks.hook.heard.begin()
            await outage(desks, service, say)
            told = await storm(desks, service, say)
            await idle(service)
            assert list(desks.pager.open.values()) == ["triggered"] * len(WORST)
            active = {alert["labels"]["pool"] for alert in await real.alerts()}
            assert active >= {pool.rsplit("/", 1)[1] for pool in POOLS} or len(active) >= len(POOLS)
            for pool in WORST[:4]:
                await service.duty.acknowledge(pool, None, "kim")

            async def phone_rings() -> bool:
                return len(desks.phone.heard.first_s) >= len(WORST) - 4

            await eventually(phone_rings, "what nobody has to be escalated", 2 * ESCALATE_S)
            assert set(desks.phone.heard.first_s) == set(WORST[4:]), "what somebody has is not escalated"
            say([a_state(pool, desk=desk_of(pool)) for pool in POOLS])
            await idle(service)
            desks.mail.catch_up()
            assert service.duty.listing().alerts == ()
        assert desks.pager.open == {}
        for name, heard in (("slack", desks.slack.heard), ("webhook", desks.hook.heard)):
            assert set(heard.ids.values()) == {1}, f"{name}: told twice"
        assert set(desks.mail.heard.ids.values()) == {1}
    for name, line in told.items():
        report(f"night, {name}: {line}")
    report(f"night, Slack said 429 {desks.slack.refusals} times")
