"""Presses: by those who are listed, under our own message, signed or over our socket, each once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notify.slack_blocks import ACKNOWLEDGE, SILENCE, WORKING
from alerts.notify.slack_pressed import read
from alerts.notify.slack_signed import LARGEST, payload_of
from monitor.config import Secret
from monitor.domain.assessment import RiskBand
from tests.support.alerting import ALPHA
from tests.support.slack_night import Night, night
from tests.support.slack_server import (
    ALICE,
    APP_TOKEN,
    MALLORY,
    SIGNING,
    SlackWorkspace,
    signed,
    workspace,
)
from tests.support.waiting import eventually

SOCKET: dict[str, Any] = {"users": (ALICE,), "app_secret": Secret(APP_TOKEN, "the test")}


def by_requests(port: int) -> dict[str, Any]:
    """The keys of the other way."""
    return {
        "users": (ALICE,),
        "signing_secret": Secret(SIGNING, "the test"),
        "listen": f"127.0.0.1:{port}",
    }


@pytest.fixture
async def slack() -> AsyncIterator[SlackWorkspace]:
    """A running workspace."""
    async with workspace() as running:
        yield running


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def sent(port: int, body: bytes, headers: dict[str, str]) -> int:
    """The status of one request to the door, once it is open."""
    url = f"http://127.0.0.1:{port}/slack/actions"

    async def try_it() -> int:
        try:
            async with session.post(url, data=body, headers=headers) as response:
                return response.status
        except aiohttp.ClientConnectorError:
            return 0

    async with aiohttp.ClientSession() as session:
        return await eventually(try_it, "the door to open")


async def whispered(slack: SlackWorkspace, count: int) -> list[str]:
    """What was told to who pressed, once it is so many."""

    async def is_told() -> bool:
        return len(slack.whispers) >= count

    await eventually(is_told, "an answer")
    return [each["text"] for each in slack.whispers]


def answered(desk: Night, result: str) -> float:
    """How often presses ended so."""
    labels = {"receiver": "chat", "result": result}
    return desk.metrics.registry.get_sample_value("margind_answered_total", labels) or 0.0


async def test_acknowledged_over_the_socket(tmp_path, slack) -> None:
    """The incident is somebody's, the message says whose, and Slack has its answer within 3 s."""
    async with night(tmp_path, slack, **SOCKET) as desk:
        await desk.tell(RiskBand.CRITICAL)
        began_s = time.monotonic()
        await slack.send(slack.press(ACKNOWLEDGE), "envelope-1")
        assert time.monotonic() - began_s < 3
        await desk.shows(f"acknowledged by slack:{ALICE}")
        [alert] = desk.service.duty.listing().alerts
        assert alert.acknowledged_by == f"slack:{ALICE}"


async def test_the_socket_is_opened_again(tmp_path, slack) -> None:
    """Slack closes each after some hours."""
    async with night(tmp_path, slack, **SOCKET) as desk:
        await desk.tell(RiskBand.CRITICAL)
        await slack.send({"type": "view_closed"}, "envelope-0")
        await slack.sockets[-1].send_json({"type": "disconnect", "reason": "refresh_requested"})

        async def is_new() -> bool:
            return len(slack.sockets) == 2

        await eventually(is_new, "a second socket")
        await slack.send(slack.press(ACKNOWLEDGE), "envelope-1")
        await desk.shows("acknowledged by")


@pytest.mark.parametrize("trouble", ["never opened", "closed for good"])
async def test_a_socket_that_is_gone_is_told(tmp_path, slack, monkeypatch, trouble) -> None:
    """slack_sdk would try for ever and say nothing: it counts as a crash, and costs no page."""
    for name in ("CONNECT_S", "LOOK_S"):
        monkeypatch.setattr(f"alerts.notify.slack_hearing.{name}", 0.3)
    refused: list[tuple[str, dict[str, str]]] = [("invalid_auth", {})] * 1000
    if trouble == "never opened":
        slack.errors["apps.connections.open"] = refused
    async with night(tmp_path, slack, **SOCKET) as desk:
        if trouble == "closed for good":
            await slack.send({"type": "view_closed"}, "envelope-0")
            slack.errors["apps.connections.open"] = refused
            await slack.sockets[-1].close()

        async def is_counted() -> bool:
            labels = {"task": "receiver chat"}
            return bool(desk.metrics.registry.get_sample_value("margind_task_restarts_total", labels))

        await eventually(is_counted, "a crash to be counted")
        await desk.tell(RiskBand.CRITICAL)
    assert len(slack.roots) == 1


async def test_silenced_for_an_hour_over_signed_requests(tmp_path, slack, port) -> None:
    """Of this condition of this pool, by who pressed; and it is said that critical is told all the same."""
    async with night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.WARNING)
        assert await sent(port, *signed(slack.press(SILENCE), int(time.time()))) == 200
        assert "What is critical is told all the same" in (await whispered(slack, 1))[0]
        [silence] = desk.service.duty.listing().silences
    assert silence.author == f"slack:{ALICE}"
    assert silence.matchers == (f'pool="{ALPHA}"', 'condition="margin"')
    assert silence.ends_ns - silence.starts_ns == 3600 * 10**9


async def test_the_working_is_shown_in_the_thread(tmp_path, slack, port) -> None:
    """As `margind explain` tells it, escaped; the channel is not rung."""
    told: dict[str, list[str]] = {ALPHA: ["margin = size * rate", "  1 < 2 & 3"]}

    async def is_told() -> bool:
        return bool(slack.replies(next(iter(slack.roots))))

    async with night(tmp_path, slack, lambda pool: told.pop(pool, []), **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        assert await sent(port, *signed(slack.press(WORKING), int(time.time()))) == 200
        await eventually(is_told, "the working")
        assert await sent(port, *signed(slack.press(WORKING), int(time.time()) + 1)) == 200
        assert (await whispered(slack, 1))[0] == "Not done: the pool is not there any more"
    [reply] = slack.replies(next(iter(slack.roots)))
    assert reply["text"] == "margin = size * rate\n  1 &lt; 2 &amp; 3"
    assert "reply_broadcast" not in reply


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"user": MALLORY}, "you are not among the users"),
        ({"user": "<!here>"}, "you are not among the users"),
        ({"channel": {"id": "C9OTHER"}}, None),
        ({"message": {"ts": "1.000001"}}, "that is not the message"),
        ({"actions": [{"action_id": "margind_sell", "value": None}]}, None),
    ],
)
async def test_who_is_not_listed_and_what_is_not_ours_is_refused(tmp_path, slack, port, changes, why) -> None:
    """Told to who pressed alone, and nothing is done."""
    async with night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        who = {"user": changes["user"]} if "user" in changes else {}
        press = slack.press(ACKNOWLEDGE, **who) | (changes if not who else {})
        assert await sent(port, *signed(press, int(time.time()))) == 200

        async def is_over() -> bool:
            return bool(answered(desk, "refused") + answered(desk, "ignored"))

        await eventually(is_over, "a refusal")
        if why is not None:
            assert why in (await whispered(slack, 1))[0]
        [alert] = desk.service.duty.listing().alerts
        assert alert.acknowledged_by is None


async def test_a_button_of_an_incident_that_is_over(tmp_path, slack, port) -> None:
    """Says so, and acknowledges nothing that came later."""
    async with night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        old = slack.press(ACKNOWLEDGE)
        await desk.tell(RiskBand.CLEAR)
        await desk.tell(RiskBand.CRITICAL)
        assert await sent(port, *signed(old, int(time.time()))) == 200
        assert "that incident is over" in (await whispered(slack, 1))[0]
        [alert] = desk.service.duty.listing().alerts
        assert alert.acknowledged_by is None


async def test_what_is_forged_replayed_or_expired_is_not_taken(tmp_path, slack, port) -> None:
    """Wrong secret, other body, other time, none, twice, five minutes old, signed before our start."""
    async with night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        press, now = slack.press(ACKNOWLEDGE, user=MALLORY), int(time.time())
        body, headers = signed(press, now)
        assert await sent(port, body, headers) == 200
        assert await sent(port, body, headers) == 401  # replayed
        forged = [
            signed(press, now, "another-secret"),
            (body + b"&x=1", signed(press, now + 1)[1]),
            (body, {**signed(press, now + 1)[1], "x-slack-request-timestamp": str(now + 2)}),
            (body, {"content-type": headers["content-type"]}),
            (body, {**headers, "x-slack-request-timestamp": "soon"}),
            (body, {**headers, "x-slack-request-timestamp": "9" * 40}),
            (b"\xff\xfe", headers),
            signed(press, now - 301),
            signed(press, now + 302),
            signed(press, now - 60),
        ]
        for one in forged:
            assert await sent(port, *one) == 401
        assert answered(desk, "forged") == len(forged) + 1
        await whispered(slack, 1)
    assert len(slack.whispers) == 1


async def test_a_body_that_is_too_large_is_not_read(tmp_path, slack, port) -> None:
    """413, whatever it says; and what is signed and no press is 400 or passed over."""
    async with night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        body, headers = signed({"x": "y" * LARGEST}, int(time.time()))
        assert await sent(port, body, headers) == 413
        assert await sent(port, *signed({"type": "view_submission"}, int(time.time()))) == 200

        async def is_ignored() -> bool:
            return answered(desk, "ignored") == 1

        await eventually(is_ignored, "the press to be passed over")


@pytest.mark.parametrize(
    "content", [None, 7, [], {}, {"type": "block_actions"}, {"type": "block_actions", "user": {"id": 7}}]
)
def test_what_is_no_press_is_none(content) -> None:
    """Each field that is used is there and of its kind."""
    assert read(content) is None


@given(st.binary(max_size=300) | st.binary(max_size=300).map(b"payload=%5B".__add__))
def test_whatever_a_body_holds_it_is_read_or_not(body) -> None:
    """No bytes raise, signed as they may be."""
    assert read(payload_of(body)) is None


async def test_a_port_that_is_taken_costs_no_page(tmp_path: Path, slack, port) -> None:
    """The door is tried again; messages go out meanwhile."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server, night(tmp_path, slack, **by_requests(port)) as desk:
        await desk.tell(RiskBand.CRITICAL)
        assert len(slack.roots) == 1
        labels = {"task": "receiver chat"}

        async def is_tried() -> bool:
            value = desk.metrics.registry.get_sample_value("margind_task_restarts_total", labels)
            return bool(value)

        await eventually(is_tried, "a restart of the listener")
    assert msgspec.json.encode(slack.whispers) == b"[]"
