"""Slack: what its answers mean, and that nothing of ours becomes a mention, a link or a format."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web
from hypothesis import given, settings

from alerts.notify.destination import ForbiddenDestination
from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.slack import SlackNotifier, payload_of
from alerts.notify.slack_api import API
from alerts.notify.slack_blocks import TEXT_LIMIT, escaped, text_of
from monitor.config import Secret
from tests.support.notifications import a_large_notification, a_notification, hostile_notifications
from tests.support.receivers import CHANNEL, SLACK_TOKEN, HttpServer, SlackDesk, http_desk

TOKEN = Secret(SLACK_TOKEN, "the test")


async def answered_by(handler):
    """The outcome of one attempt at a server with this handler."""
    async with HttpServer(handler) as server:
        notifier = SlackNotifier(
            "chat",
            TOKEN,
            CHANNEL,
            url=f"http://127.0.0.1:{server.port}/api/",
            allow_private_destinations=True,
        )
        try:
            return await notifier.notify(a_notification())
        finally:
            await notifier.close()


async def answered(status: int = 200, headers: dict[str, str] | None = None, **body):
    """The outcome of one attempt that is answered so."""

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return await answered_by(handler)


async def answered_as(text: bytes, content_type: str, status: int = 200):
    """The outcome of one attempt that is answered with something else than JSON."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=text, content_type=content_type, status=status)

    return await answered_by(handler)


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "fatal_error", "service_unavailable"])
async def test_an_error_that_passes_is_tried_again(error) -> None:
    """Slack says 200 and ok:false for what passes, too."""
    assert await answered(ok=False, error=error) == Retry(error)


async def test_the_delay_of_a_limit_is_kept() -> None:
    """Retry-After counts with 429 and with 200."""
    limited = {"ok": False, "error": "ratelimited"}
    assert await answered(429, {"Retry-After": "30"}, **limited) == Retry("HTTP 429", 30.0)
    assert await answered(200, {"Retry-After": "30"}, **limited) == Retry("ratelimited", 30.0)


@pytest.mark.parametrize(
    "error",
    ["invalid_auth", "token_revoked", "channel_not_found", "not_in_channel", "is_archived", "msg_too_long"],
)
async def test_an_error_that_stays_is_rejected(error) -> None:
    """A wrong token or channel answers the same again."""
    assert await answered(ok=False, error=error) == Rejected(error)


@pytest.mark.parametrize(
    "error", [f"bad token {SLACK_TOKEN}", "x" * 5000, "\x1b[2J", 7, None, ["invalid_auth"]]
)
async def test_only_a_code_of_slack_is_repeated(error) -> None:
    """What stands in an answer reaches a reason only in the form of Slack's codes."""
    assert await answered(ok=False, error=error) == Retry("an answer that is not Slack's")


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_tried_again(status) -> None:
    """5xx passes, whatever its body is."""
    assert await answered(status, ok=False, error="invalid_auth") == Retry(f"HTTP {status}")
    assert await answered_as(b"<html>canary</html>", "text/html", status) == Retry(f"HTTP {status}")


async def test_a_client_error_is_rejected_with_its_code() -> None:
    """4xx stays."""
    assert await answered(403, ok=False, error="invalid_auth") == Rejected("HTTP 403 invalid_auth")


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (b"<html>maintenance</html>", "text/html"),
        (b"maintenance", "text/plain"),
        (b"{canary", "application/json"),
        (b"[1, 2]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"", "application/json"),
        (b"\x1f\x8b", "application/gzip"),
    ],
)
async def test_an_answer_that_is_not_slacks_is_no_delivery(text, content_type) -> None:
    """200 with anything but ok:true, from a proxy say, is tried again and not repeated."""
    outcome = await answered_as(text, content_type)
    assert isinstance(outcome, Retry), outcome
    assert "canary" not in outcome.reason


async def test_a_redirect_is_not_followed() -> None:
    """The token goes nowhere else."""
    elsewhere = SlackDesk()

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": f"http://127.0.0.1:{elsewhere.port}/api/"})

    async with http_desk(elsewhere):
        assert await answered_by(handler) == Rejected("redirects are not followed")
    assert elsewhere.payloads == []


async def test_one_session_serves_every_message() -> None:
    """Twenty messages, one after the other, go over one connection."""
    connections = set()
    desk = SlackDesk()

    async def handler(request: web.Request) -> web.StreamResponse:
        connections.add(request.transport)
        return await desk.handle(request)

    async with HttpServer(handler) as server:
        desk.port = server.port
        notifier = SlackNotifier(
            "chat", TOKEN, CHANNEL, url=desk.receiver().url, allow_private_destinations=True
        )
        for _ in range(20):
            assert await notifier.notify(a_notification()) == Delivered()
        await notifier.close()
    assert len(connections) == 1


async def test_no_log_holds_a_message_or_the_token(caplog) -> None:
    """slack_sdk would write whole messages at DEBUG; even with everything logged it does not."""
    with caplog.at_level(logging.DEBUG):
        await answered(ok=True)
    assert "cross-USDT" not in caplog.text
    assert SLACK_TOKEN not in caplog.text


def test_another_base_is_for_inside_only() -> None:
    """The token is sent to Slack over https, or to another base when private ones are allowed."""
    for url in ("http://slack.example/api/", "https://127.0.0.1/api/"):
        with pytest.raises(ForbiddenDestination):
            SlackNotifier("chat", TOKEN, CHANNEL, url=url)
    assert API == "https://slack.com/api/"


def test_the_payload_asks_for_no_parsing() -> None:
    """No formats, mentions, links or previews; the id stands in the metadata."""
    told = a_notification()
    payload = payload_of(text_of(told), told.id, CHANNEL)
    assert payload["mrkdwn"] is payload["link_names"] is False
    assert payload["unfurl_links"] is payload["unfurl_media"] is False
    assert payload["parse"] == "none"
    assert payload["metadata"]["event_payload"] == {"id": a_notification().id}


def test_an_escape_reads_back_as_it_was() -> None:
    """`& < >` become entities, once."""
    assert escaped("<!here> & <@U1>") == "&lt;!here&gt; &amp; &lt;@U1&gt;"
    assert escaped("&lt;") == "&amp;lt;"


@settings(max_examples=40)
@given(hostile_notifications)
def test_no_notification_holds_a_mention_or_link(page) -> None:
    """Slack's markup needs `<`, and none is left; the text is under the limit, the count included."""
    text = text_of(page)
    assert "<" not in text
    assert ">" not in text
    assert text.count("&") == sum(text.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))
    assert 0 < len(text) <= TEXT_LIMIT


def test_a_text_that_is_too_long_counts_what_was_cut() -> None:
    """Lines go from the end, and the last one says how many."""
    page = a_large_notification(400)
    whole, cut = text_of(page, 10**6).split("\n"), text_of(page, 700).split("\n")
    assert cut[:-1] == whole[: len(cut) - 1]
    assert cut[-1] == f"({len(whole) - len(cut) + 1} more lines were cut)"
    assert len("\n".join(cut)) <= 700


async def test_cancelling_an_attempt_is_no_outcome() -> None:
    """A shutdown passes through, and is not taken for a time-out."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        asked.set()
        await release.wait()
        return web.Response()

    attempt = asyncio.create_task(answered_by(handler))
    async with asyncio.timeout(20):
        await asked.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
    release.set()
