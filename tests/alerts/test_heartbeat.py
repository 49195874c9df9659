"""The sign of life: sent while the alerts do their work, withheld while they do not, and paged where nobody
takes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from alerts.alert import Condition
from alerts.heartbeat import TRIES, Heartbeat, Vitals, ailment
from alerts.notify.destination import ForbiddenDestination, open_session
from monitor.clock import ManualClock, SystemClock
from monitor.config import Heartbeat as HeartbeatConfig
from monitor.config import Secret
from monitor.config_load import config_from
from monitor.config_problem import ConfigError
from monitor.domain.assessment import RiskBand
from monitor.names import Metrics
from tests.support.alerting import ALPHA, SECOND_NS, Desk, a_config, a_state, a_turn, alerting, of
from tests.support.receivers import HttpServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
NOW_NS = ManualClock().monotonic_ns()
WELL = Vitals(NOW_NS, NOW_NS, 1_793_588_400 * SECOND_NS, 0.0)


class Watcher:
    """Outside: takes what comes, or does not."""

    def __init__(self) -> None:
        self.status = 200
        self.heard: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        """One beat."""
        assert (request.method, request.path) == ("POST", "/ping/a-secret")
        self.heard.append(await request.json())
        return web.Response(status=self.status, headers={"location": "http://127.0.0.1:9/"})


def config_of(port: int, **changes: object) -> HeartbeatConfig:
    """To a watcher on this machine."""
    url = Secret(f"http://127.0.0.1:{port}/ping/a-secret", "the test")
    usual = HeartbeatConfig(url, allow_private_destinations=True)
    return msgspec.structs.replace(usual, **changes)


class Beating:
    """A heartbeat whose vitals a test sets."""

    def __init__(self, port: int) -> None:
        self.vitals = WELL
        self.metrics = Metrics()
        clock = ManualClock()
        self.heartbeat = Heartbeat(config_of(port), clock, self.metrics, lambda: self.vitals)

    async def beat(self, times: int = 1) -> None:
        """So many beats."""
        async with open_session(allow_private=True) as session:
            for _ in range(times):
                await self.heartbeat.beat(session)

    def count(self, result: str) -> float | None:
        """How many ended so."""
        return self.metrics.registry.get_sample_value("margind_heartbeat_total", {"result": result})


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Watcher, Beating]]:
    """A watcher, and a heartbeat that goes to it."""
    watcher = Watcher()
    async with HttpServer(watcher.handle) as server:
        yield watcher, Beating(server.port)


@pytest.mark.parametrize(
    ("vitals", "why"),
    [
        (WELL, ""),
        (WELL._replace(evaluated_ns=NOW_NS - 5 * SECOND_NS), ""),
        (WELL._replace(evaluated_ns=0), "nothing was evaluated yet"),
        (WELL._replace(evaluated_ns=NOW_NS - 6 * SECOND_NS), "nothing was evaluated for 6 s"),
        (WELL._replace(decided_ns=NOW_NS - 30 * SECOND_NS), "nothing was decided for 30 s"),
        (WELL._replace(oldest_pending_s=60.0), ""),
        (WELL._replace(oldest_pending_s=61.0), "a message has not got out for 61 s"),
    ],
)
def test_only_who_does_the_work_is_alive(vitals: Vitals, why: str) -> None:
    """The book was evaluated and decisions were made just now, and messages get out."""
    assert ailment(vitals, NOW_NS) == why


async def test_a_beat_says_when_the_book_was_evaluated() -> None:
    """And what was taken is counted, with its time."""
    async with watched() as (watcher, beating):
        await beating.beat()
    assert watcher.heard == [{"as_of": "2026-11-02T03:00:00Z"}]
    assert beating.count("delivered") == 1
    assert beating.metrics.registry.get_sample_value("margind_heartbeat_last_success_seconds")


async def test_a_daemon_that_does_nothing_is_silent() -> None:
    """So that somebody is woken from outside."""
    async with watched() as (watcher, beating):
        beating.vitals = WELL._replace(evaluated_ns=NOW_NS - 60 * SECOND_NS)
        await beating.beat(3)
    assert (watcher.heard, beating.count("withheld"), beating.heartbeat.trouble) == ([], 3, "")


@pytest.mark.parametrize(("status", "reason"), [(503, "HTTP 503"), (404, "HTTP 404"), (302, "redirects")])
async def test_what_is_not_taken_is_paged_after_some_tries(status: int, reason: str) -> None:
    """One that fails is the network's mood; several are a watcher that hears nothing. One that is taken ends
    it."""
    async with watched() as (watcher, beating):
        watcher.status = status
        await beating.beat(TRIES - 1)
        assert beating.heartbeat.trouble == ""
        await beating.beat()
        assert f"{TRIES} heartbeats in a row were not taken: " in beating.heartbeat.trouble
        assert reason in beating.heartbeat.trouble and "a-secret" not in beating.heartbeat.trouble
        watcher.status = 204
        await beating.beat()
        assert beating.heartbeat.trouble == ""


async def test_nobody_there_is_a_try_that_failed() -> None:
    """As anything else; the URL is in no reason."""
    beating = Beating(9)
    await beating.beat(TRIES)
    assert "the connection failed" in beating.heartbeat.trouble
    assert "a-secret" not in beating.heartbeat.trouble


def test_a_private_address_is_refused_unless_the_config_allows_it() -> None:
    """As for receivers."""
    refused = config_of(80, allow_private_destinations=False)
    with pytest.raises(ForbiddenDestination):
        Heartbeat(refused, SystemClock(), Metrics(), lambda: WELL)


async def test_the_alerts_beat_and_page_when_nobody_listens(tmp_path: Path) -> None:
    """Whole: the first beat follows the first turn, and a watcher that takes nothing is told to the desk."""
    watcher, desk, clock = Watcher(), Desk(), SystemClock()
    async with HttpServer(watcher.handle) as server:
        heartbeat = config_of(server.port, every_s=0.05)
        config = msgspec.structs.replace(a_config(tmp_path, resolve_after_s=0.0), heartbeat=heartbeat)
        async with alerting(config, desk, clock=clock) as service:
            service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CLEAR)]))

            async def is_heard() -> bool:
                return bool(watcher.heard)

            await eventually(is_heard, "a beat")
            watcher.status = 500
            (raised,) = await desk.has(1)
            watcher.status = 200
            _, ended = await desk.has(2)
    assert [told.kind.value for told in of([raised, ended], Condition.HEARTBEAT)] == ["raised", "resolved"]
    assert raised.key.pool == "margind/main/heartbeat"
    assert "heartbeats in a row were not taken" in raised.detail


@pytest.mark.parametrize("url", ["ftp://h/x", "h/x", "https://user@h/x", "http://watcher.example/x"])
def test_a_wrong_url_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    """By the key that says where it is."""
    environment = {"BEAT": url}
    document = {"schema": 1, "heartbeat": {"url_env": "BEAT"}}
    with pytest.raises(ConfigError) as refused:
        config_from(document, "x.toml", tmp_path, environment, allow_empty=True)
    told = "\n".join(refused.value.lines())
    assert "heartbeat.url" in told and url not in told
    json.dumps(told)
