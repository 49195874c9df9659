"""Webhooks: signed as Standard Webhooks says, bounded both ways, and every status has one meaning."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme
from aiohttp import web
from hypothesis import given, settings
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from alerts.notify.answers import LONGEST_WAIT_S, outcome_of, retry_after_s
from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.table import notifier_for
from alerts.notify.webhook import BODY_LIMIT, WebhookNotifier, body_of
from monitor.config import Secret
from monitor.domain.identity import PoolId
from tests.support.notifications import a_large_notification, a_notification, hostile_notifications
from tests.support.receivers import SIGNING_SECRET, HttpServer, WebhookDesk, http_desk, raw_server

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def webhook(port: int, scheme: str = "http", **changes) -> WebhookNotifier:
    """A webhook to this machine."""
    return WebhookNotifier(
        "hook",
        f"{scheme}://127.0.0.1:{port}/hook",
        Secret(SIGNING_SECRET, "the test"),
        allow_private_destinations=True,
        **changes,
    )


async def answered_by(handler):
    """The outcome of one attempt at a server with this handler."""
    async with HttpServer(handler) as server:
        notifier = webhook(server.port)
        try:
            return await notifier.notify(a_notification())
        finally:
            await notifier.close()


async def test_each_attempt_is_signed_anew_under_the_same_id() -> None:
    """The id stays, the time moves, and the signature holds for both."""
    desk, seconds = WebhookDesk(), iter((10, 25))
    base_s = int(datetime.now(UTC).timestamp())
    async with http_desk(desk):
        notifier = webhook(desk.port, wall_ns=lambda: (base_s + next(seconds)) * 10**9)
        for _ in range(2):
            assert await notifier.notify(a_notification()) == Delivered()
        await notifier.close()
    first, second = desk.requests
    assert first["webhook-id"] == second["webhook-id"] == a_notification().id
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 15
    assert first["webhook-signature"] != second["webhook-signature"]
    assert desk.bodies[0] == desk.bodies[1]
    assert first["Content-Type"] == "application/json"


async def test_while_a_secret_changes_both_receivers_verify() -> None:
    """Who still has the previous secret and who already has the new one accept the same message."""
    new = "whsec_" + base64.b64encode(b"a new secret of thirty-two bytes").decode()
    desk = WebhookDesk()
    async with http_desk(desk):
        both = replace(
            desk.receiver(), secret=Secret(new, "new"), secret_previous=Secret(SIGNING_SECRET, "old")
        )
        notifier = notifier_for(both)
        assert await notifier.notify(a_notification()) == Delivered()
        await notifier.close()
    [headers], [body] = desk.requests, desk.bodies
    for secret in (new, SIGNING_SECRET):
        assert Webhook(secret).verify(body, headers)["id"] == a_notification().id
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"another secret of thirty-two byt").decode()).verify(
            body, headers
        )


async def test_a_changed_body_does_not_verify() -> None:
    """The signature covers the body: the receiver's library refuses one changed byte."""
    desk = WebhookDesk()
    async with http_desk(desk):
        notifier = webhook(desk.port)
        await notifier.notify(a_notification())
        await notifier.close()
    [headers], [body] = desk.requests, desk.bodies
    receiver = Webhook(SIGNING_SECRET)
    assert receiver.verify(body, headers)["kind"] == "raised"
    with pytest.raises(WebhookVerificationError):
        receiver.verify(body.replace(b"raised", b"Raised"), headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_delivered(status) -> None:
    """Any success is one."""
    assert outcome_of(status, None) == Delivered()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_passes_is_tried_again(status) -> None:
    """Time-outs, limits and failures of the server pass, after the delay that it names."""
    assert outcome_of(status, "30") == Retry(f"HTTP {status}", 30.0)
    assert outcome_of(status, None) == Retry(f"HTTP {status}", None)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 413, 422])
def test_what_stays_is_rejected(status) -> None:
    """Redirects, a gone receiver and all other 4xx would answer the same again."""
    outcome = outcome_of(status, "30")
    assert isinstance(outcome, Rejected)
    assert f"HTTP {status}" in outcome.reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("1e9", LONGEST_WAIT_S),
        ("999999999999999999999", LONGEST_WAIT_S),
        ("1e999", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("7" * 100, None),
        (None, None),
    ],
)
def test_the_servers_delay_is_read_in_seconds_or_as_a_date(text, seconds) -> None:
    """RFC 9110 knows both forms; anything else is no wish, and none is longer than an hour."""
    assert retry_after_s(text, NOW) == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status) -> None:
    """A receiver can't send us elsewhere, least of all to a private address."""
    inside = WebhookDesk()

    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"location": f"http://127.0.0.1:{inside.port}/hook"})

    async with http_desk(inside):
        assert isinstance(await answered_by(elsewhere), Rejected)
    assert inside.requests == []


async def test_an_endless_answer_is_not_read() -> None:
    """An answer may be as long as it likes: the status counts, and the rest is left."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
                sent += 65536
        except (ConnectionError, asyncio.CancelledError):
            return response

    assert await answered_by(endless) == Delivered()
    assert sent < 64 * 2**20


async def test_an_answer_that_drips_does_not_hold_the_line() -> None:
    """A body that never ends after a good status is still delivered."""
    ended = asyncio.Event()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        await ended.wait()
        return response

    async with HttpServer(dripping) as server:
        notifier = webhook(server.port)
        outcome = await notifier.notify(a_notification())
        await notifier.close()
        ended.set()
    assert outcome == Delivered()


async def test_garbage_instead_of_http_is_tried_again() -> None:
    """What does not speak HTTP is a broken receiver, not a refusal."""

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x00\xff220 canary ESMTP\r\n\r\n")

    async with raw_server(garbage) as port:
        notifier = webhook(port)
        outcome = await notifier.notify(a_notification())
        await notifier.close()
    assert isinstance(outcome, Retry)
    assert "canary" not in outcome.reason


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted() -> None:
    """Over https nothing is sent to a server whose certificate does not hold, and it is tried again."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    desk = WebhookDesk()
    async with HttpServer(desk.handle, tls) as server:
        notifier = webhook(server.port, scheme="https")
        outcome = await notifier.notify(a_notification())
        await notifier.close()
    assert outcome == Retry("the receiver's certificate is not trusted")
    assert desk.requests == []


def test_a_large_pool_is_cut_under_the_limit_contributors_first() -> None:
    """The body stays below 20 KB, what was cut is counted, and what matters more is kept."""
    page = a_large_notification(400)
    body = body_of(page)
    content = json.loads(body)
    assert len(body) < BODY_LIMIT
    for name in ("contributors", "moves", "rescue"):
        assert len(content[name]) + content["cut"][name] == 400
    assert content["cut"]["contributors"] > content["cut"]["moves"]
    assert content["lines"] == json.loads(body_of(page, 10**6))["lines"]


def test_a_thousand_pools_in_one_message_are_counted() -> None:
    """A message of a whole venue names as many pools as fit, and counts the rest."""
    others = tuple(PoolId(f"binance_usdm/account-{n}/cross-USDT") for n in range(1000))
    content = json.loads(body_of(a_notification(described=False, others=others)))
    assert len(content["others"]) + content["cut"]["others"] == 1000
    assert len(content["others"]) >= 250


def test_the_lines_go_last() -> None:
    """When even the lists are empty, lines are cut and counted, never the headline."""
    page = a_large_notification(400)
    whole = json.loads(body_of(page, 10**6))
    content = json.loads(body_of(page, 2000))
    assert content["contributors"] == content["moves"] == content["rescue"] == []
    assert content["headline"] == whole["headline"]
    assert len(content["lines"]) + content["cut"]["lines"] == len(whole["lines"])


@settings(max_examples=40)
@given(hostile_notifications)
def test_every_body_is_json_under_the_limit(page) -> None:
    """Whatever stands in it, the body is JSON below 20 KB that holds id, kind and headline."""
    body = body_of(page)
    content = json.loads(body)
    assert len(body) < BODY_LIMIT
    assert content["id"] == page.id
    assert content["headline"].isprintable()
