"""PagerDuty and Opsgenie: an incident there for each of ours, its acknowledgement and its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from alerts.alert import Condition, Level
from alerts.notify.notifier import Acknowledging, Delivered
from alerts.notify.opsgenie import MESSAGE_LIMIT, alert_of
from alerts.notify.pagerduty import SUMMARY_LIMIT, payload_of
from alerts.notify.table import notifier_for
from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Route
from monitor.domain.assessment import RiskBand
from monitor.names import Metrics
from tests.support.alerting import ALPHA, BETA, a_config, a_state, a_turn, alerting
from tests.support.notifications import a_notification, hostile_notifications
from tests.support.receivers import Answer, http_desk
from tests.support.service_desks import OpsgenieDesk, PagerDutyDesk
from tests.support.waiting import is_so


@given(hostile_notifications)
def test_whatever_is_told_the_services_would_take_it(notification) -> None:
    """Limits, required fields and JSON hold for hostile names and figures."""
    payload = payload_of(notification)
    assert 0 < len(payload["summary"]) <= SUMMARY_LIMIT and payload["summary"].isprintable()
    assert payload["source"] and len(json.dumps(payload)) < 512 * 1024
    alert = alert_of(notification, "alias")
    assert 0 < len(alert["message"]) <= MESSAGE_LIMIT
    assert len(alert["description"]) <= 15_000
    assert all(tag and len(tag) <= 50 for tag in alert["tags"])


@pytest.mark.parametrize(
    ("level", "severity", "priority"),
    [
        (Level.WARNING, "warning", "P3"),
        (Level.MARGIN_CALL, "error", "P2"),
        (Level.CRITICAL, "critical", "P1"),
        (Level.LIQUIDATION, "critical", "P1"),
    ],
)
def test_levels_have_the_services_own_words(level, severity, priority) -> None:
    """What wakes somebody there is what is critical here."""
    page = a_notification(level=level)
    assert payload_of(page)["severity"] == severity
    assert alert_of(page, "alias")["priority"] == priority


@asynccontextmanager
async def paging(folder: Path, desk: PagerDutyDesk, **alerts) -> AsyncIterator[AlertService]:
    """Alerts that run, with this PagerDuty as the only receiver."""
    async with http_desk(desk):
        receiver = desk.receiver()
        config = a_config(
            folder,
            receivers=[receiver],
            routes=[Route((receiver.name,))],
            **{"resolve_after_s": 0.0} | alerts,
        )
        async with alerting(config, notifier_for(receiver)) as service:
            yield service


def see(service: AlertService, **bands: RiskBand) -> None:
    """The pools stand in these bands now."""
    pools = {"alpha": ALPHA, "beta": BETA}
    states = [a_state(pools[name], band) for name, band in bands.items()]
    service.on_turn(a_turn(SystemClock(), states, listed=[ALPHA, BETA]))


async def test_an_incident_rings_for_each_worse_level_and_ends(tmp_path: Path) -> None:
    """Raised, acknowledged, worse, resolved: one incident is open at a time, a worse level rings again."""
    desk = PagerDutyDesk()
    async with paging(tmp_path, desk) as service:
        see(service, alpha=RiskBand.WARNING)
        await service.drain()
        (first,) = desk.open
        assert await service.duty.acknowledge(ALPHA, None, "alice")
        await is_so(lambda: desk.open == {first: "acknowledged"}, "PagerDuty to hear who has it")
        see(service, alpha=RiskBand.CRITICAL)
        await is_so(lambda: first not in desk.open and len(desk.rung) == 2, "the worse level")
        assert list(desk.open.values()) == ["triggered"]
        see(service, alpha=RiskBand.CLEAR)
        await is_so(lambda: not desk.open, "the end")
    assert len(desk.rung) == 2


async def test_an_acknowledgement_is_passed_on_when_the_service_comes_back(
    tmp_path: Path, monkeypatch
) -> None:
    """PagerDuty fails twice: it hears of the acknowledgement all the same, after pauses."""
    monkeypatch.setattr("alerts.mirror.PAUSES_S", (0.01, 0.01))
    desk = PagerDutyDesk()
    async with paging(tmp_path, desk) as service:
        see(service, alpha=RiskBand.CRITICAL)
        await service.drain()
        desk.answers = [Answer.BROKEN, Answer.BROKEN]
        await service.duty.acknowledge(ALPHA, Condition.MARGIN, "alice")
        await is_so(lambda: list(desk.open.values()) == ["acknowledged"], "the acknowledgement")


async def test_who_has_one_of_a_fault_does_not_have_the_fault(tmp_path: Path) -> None:
    """Two pools are unknown: PagerDuty has one incident, acknowledged with the last, ended with the last."""
    desk = PagerDutyDesk()
    async with paging(tmp_path, desk, unknown_after_s=0.0) as service:
        see(service, alpha=RiskBand.UNKNOWN, beta=RiskBand.UNKNOWN)
        await is_so(lambda: len(desk.seen) == 2, "both pools")
        assert len(desk.rung) == 1
        await service.duty.acknowledge(ALPHA, None, "alice")
        await service.duty.acknowledge(BETA, None, "bob")
        await is_so(lambda: list(desk.open.values()) == ["acknowledged"], "the acknowledgement")
        assert sum(body["event_action"] == "acknowledge" for body in desk.bodies) == 1
        see(service, alpha=RiskBand.CLEAR)
        await service.drain()
        assert desk.open
        see(service, beta=RiskBand.CLEAR)
        await is_so(lambda: not desk.open, "the end")


async def test_opsgenie_hears_who_has_it_and_of_the_end(tmp_path: Path) -> None:
    """An acknowledgement and a resolution go to the alias that the alert was created with."""
    desk = OpsgenieDesk()
    async with http_desk(desk):
        notifier = notifier_for(desk.receiver())
        page = a_notification()
        assert await notifier.notify(page) == Delivered()
        assert isinstance(notifier, Acknowledging)
        assert await notifier.acknowledge(page.thread, page.level, "alice\r\nmallory") == Delivered()
        over = msgspec.structs.replace(
            page, level=Level.CLEAR, worst=page.level, created_ns=page.created_ns + 1
        )
        assert await notifier.notify(over) == Delivered()
        await notifier.close()
    alias = desk.bodies[0]["alias"]
    assert f"/v2/alerts/{alias}/acknowledge" in desk.paths
    assert f"/v2/alerts/{alias}/close" in desk.paths
    assert desk.bodies[1]["note"] == "acknowledged in margind by alice mallory"


def test_metrics_of_what_is_mirrored_have_a_name() -> None:
    """What is passed on is counted by receiver, matter and result."""
    metrics = Metrics()
    metrics.mirrored.labels("pager", "acknowledge", "delivered").inc()
    value = metrics.registry.get_sample_value(
        "margind_mirrored_total", {"receiver": "pager", "what": "acknowledge", "result": "delivered"}
    )
    assert value == 1
