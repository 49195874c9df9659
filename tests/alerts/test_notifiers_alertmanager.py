"""The real Alertmanager: what is open here is active there, for as long as it is, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from hypothesis import given

from alerts.alert import Condition, Kind, Level
from alerts.notify.alertmanager import AlertmanagerNotifier, annotations_of, labels_of
from alerts.notify.notifier import Delivered
from alerts.notify.threads import LEVELS
from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Receiver, Route
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from tests.support.alerting import ALPHA, BETA, a_config, a_state, a_turn, alerting
from tests.support.notifications import HOSTILE, a_notification, hostile_notifications
from tests.support.real_alertmanager import BINARY, Alertmanager, running_alertmanager
from tests.support.receivers import HttpServer
from tests.support.waiting import eventually, is_so

real = [
    pytest.mark.integration,
    pytest.mark.skipif(BINARY is None, reason="no prometheus-alertmanager here (apt-get install it)"),
]


@asynccontextmanager
async def leading_to(server: Alertmanager, **changes) -> AsyncIterator[AlertmanagerNotifier]:
    """The channel that posts there."""
    notifier = AlertmanagerNotifier("am", server.url, allow_private_destinations=True, **changes)
    try:
        yield notifier
    finally:
        await notifier.close()


def said(alerts) -> set[tuple[str, str, str]]:
    """The active alerts in short."""
    return {(a["labels"]["pool"], a["labels"]["condition"], a["labels"]["level"]) for a in alerts}


@given(hostile_notifications)
def test_labels_and_annotations_are_bounded_and_none_is_empty(notification) -> None:
    """Whatever the names are, Alertmanager gets short printable labels."""
    for level in LEVELS:
        labels = labels_of(notification, notification.key.pool, level)
        assert labels["alertname"].startswith("Margind")
        assert all(0 < len(value) < 400 and value.isprintable() for value in labels.values())
    assert len(annotations_of(notification)["description"]) <= 16_000


class TestReal:
    """Against Debian's binary."""

    pytestmark = real

    async def test_an_alert_appears_moves_with_its_level_and_ends(self, tmp_path: Path) -> None:
        """A worse level is a new alert and the old one ends; a resolution leaves none."""
        async with running_alertmanager(tmp_path) as server, leading_to(server) as notifier:
            raised = a_notification(level=Level.WARNING)
            worse = later(raised, level=Level.CRITICAL, kind=Kind.ESCALATED, worst=Level.CRITICAL)
            over = later(worse, level=Level.CLEAR, kind=Kind.RESOLVED)
            name = raised.key.pool
            assert await notifier.notify(raised) == Delivered()
            assert said(await server.alerts()) == {(name, "margin", "warning")}
            (alert,) = await server.alerts()
            assert "margin ratio 0.87" in alert["annotations"]["summary"]
            assert alert["labels"]["severity"] == "warning"
            assert await notifier.notify(worse) == Delivered()
            assert said(await server.alerts()) == {(name, "margin", "critical")}
            assert await notifier.notify(over) == Delivered()
            assert await server.alerts() == []

    async def test_hostile_names_are_taken(self, tmp_path: Path) -> None:
        """Nothing that a venue may call an account makes Alertmanager refuse the page."""
        async with running_alertmanager(tmp_path) as server, leading_to(server) as notifier:
            for number, text in enumerate(HOSTILE):
                page = a_notification(pool=f"venue/{text}/{number}", desk=text, detail=text)
                assert await notifier.notify(page) == Delivered()
            assert len(await server.alerts()) == len(HOSTILE)

    async def test_pools_of_one_fault_are_alerts_of_their_own(self, tmp_path: Path) -> None:
        """They come in one message, and each ends by itself."""
        async with running_alertmanager(tmp_path) as server, leading_to(server) as notifier:
            others = (PoolId("venue/b/cross"), PoolId("venue/c/cross"))
            raised = a_notification(condition=Condition.UNKNOWN, pool="venue/a/cross", others=others)
            over = later(raised, level=Level.CLEAR, kind=Kind.RESOLVED, left=2, others=())
            assert await notifier.notify(raised) == Delivered()
            assert len(await server.alerts()) == 3
            assert await notifier.notify(over) == Delivered()
            assert {pool for pool, _, _ in said(await server.alerts())} == set(others)

    async def test_what_is_upheld_outlives_its_end_and_its_server(self, tmp_path: Path) -> None:
        """Told again it stays active past the time it was given, also in a server that was started anew."""
        page = a_notification(level=Level.CRITICAL)
        async with running_alertmanager(tmp_path) as server, leading_to(server, hold_s=3.0) as notifier:
            await notifier.notify(page)
            (first,) = await server.alerts()
            again = later(page, kind=Kind.REPEATED, created_ns=page.created_ns + 10**9)
            await eventually(lambda: _ends_later(server, notifier, again, first), "a later end")
        async with running_alertmanager(tmp_path) as server, leading_to(server) as notifier:
            await notifier.uphold([again])
            assert said(await server.alerts()) == {(page.key.pool, "margin", "critical")}

    async def test_what_is_over_is_not_upheld(self, tmp_path: Path) -> None:
        """A look at what is open that is older than the end does not bring the alert back."""
        async with running_alertmanager(tmp_path) as server, leading_to(server) as notifier:
            page = a_notification()
            look = later(page, kind=Kind.REPEATED)
            over = later(look, level=Level.CLEAR, kind=Kind.RESOLVED)
            for told in (page, over):
                assert await notifier.notify(told) == Delivered()
            assert await notifier.uphold([look]) == Delivered()
            assert await server.alerts() == []

    async def test_the_alerts_uphold_what_is_open_past_resolve_timeout(
        self, tmp_path: Path, monkeypatch
    ) -> None:
        """Running alerts keep an open incident active for longer than it was given; its end is told on."""
        monkeypatch.setattr("alerts.mirror.LOOK_S", 0.2)
        told: list[str] = []

        async def hook(request: web.Request) -> web.Response:
            told.append((await request.json())["status"])
            return web.Response()

        async with (
            HttpServer(hook) as desk,
            running_alertmanager(
                tmp_path, hook=f"http://127.0.0.1:{desk.port}/", resolve_timeout="2s"
            ) as server,
            leading_to(server, hold_s=3.0) as notifier,
        ):
            notifier.uphold_every_s = 0.5
            config = a_config(
                tmp_path,
                receivers=[Receiver("am", "alertmanager")],
                routes=[Route(("am",))],
                resolve_after_s=0.0,
            )
            async with alerting(config, notifier) as service:
                service.on_turn(
                    a_turn(SystemClock(), [a_state(ALPHA, RiskBand.CRITICAL)], listed=[ALPHA, BETA])
                )
                await service.drain()
                (first,) = await server.alerts()
                await eventually(lambda: _is_past(server, first), "a moment after the first end", 30.0)
                assert told == ["firing"]
                see(service, RiskBand.CLEAR)
                await is_so(lambda: told == ["firing", "resolved"], "the end at Alertmanager's own receiver")


def see(service: AlertService, band: RiskBand) -> None:
    """The pool stands in this band now."""
    service.on_turn(a_turn(SystemClock(), [a_state(ALPHA, band)], listed=[ALPHA, BETA]))


def later(notification, created_ns: int | None = None, **changes):
    """What is told next of the same incident."""
    at_ns = notification.created_ns + 1 if created_ns is None else created_ns
    return msgspec.structs.replace(notification, created_ns=at_ns, **changes)


async def _ends_later(server: Alertmanager, notifier: AlertmanagerNotifier, again, first) -> bool:
    await notifier.uphold([again])
    return any(alert["endsAt"] > first["endsAt"] for alert in await server.alerts())


async def _is_past(server: Alertmanager, first) -> bool:
    """Alertmanager's clock is ours: it stamps what it takes."""
    (alert,) = await server.alerts()
    return bool(alert["updatedAt"] > first["endsAt"])
