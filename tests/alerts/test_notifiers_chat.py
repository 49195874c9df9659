"""Telegram, Discord and Teams: under their limits, nothing alive in it, each answer with one meaning."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given

from alerts.digest import HEAD_ROOM, digest_id, digest_line, digest_lines
from alerts.message import headline, lines
from alerts.notify import discord, teams, telegram
from alerts.notify.fitting import cut, fitted, inert, utf16
from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.teams import MESSAGE_LIMIT
from alerts.notify.telegram import NOT_TELEGRAMS, TelegramNotifier
from monitor.config import Secret
from tests.support.notifications import a_large_notification, a_notification, hostile_notifications

DISCORD_MARKUP = re.compile(r"(?<!\\)(?:\\\\)*[*_~|>#\[\]()<`-]")


def told(notification) -> tuple[str, ...]:
    """What all of them tell."""
    return (headline(notification), *lines(notification))


@given(hostile_notifications)
def test_telegram_finds_no_mention_and_no_link(notification) -> None:
    """Names can't mention anybody, link anywhere or exceed the limit; the id is there whatever is cut."""
    text = telegram.text_of(told(notification), notification.id)
    assert 0 < utf16(text) <= 4096
    assert "@" not in text and "://" not in text
    assert text.endswith(f"id {notification.id}")


@given(hostile_notifications)
def test_discord_shows_no_markup_and_mentions_nobody(notification) -> None:
    """Every sign of markup in the headline is escaped; the lines can't leave their code block."""
    payload = discord.payload_of(told(notification), notification.id, notification.level)
    (embed,) = payload["embeds"]
    assert payload["allowed_mentions"] == {"parse": []}
    assert not DISCORD_MARKUP.search(payload["content"]) and "@" not in payload["content"]
    assert len(payload["content"]) <= 2000 and len(embed["description"]) <= 4096
    assert "`" not in embed["description"][3:-3]


@given(hostile_notifications)
def test_a_card_is_text_under_the_limit(notification) -> None:
    """Teams gets text runs only, in less than it takes, with the id."""
    payload = teams.payload_of(told(notification), notification.id, notification.level)
    assert len(msgspec.json.encode(payload)) <= MESSAGE_LIMIT
    assert notification.id in json.dumps(payload)


def test_a_card_of_a_large_pool_says_what_is_cut() -> None:
    """A line too many is counted, and the id stays."""
    long = ("head", *("ü" * 300 for _ in range(200)))
    payload = teams.payload_of(long, "msg_1", a_notification().level)
    texts = [block["inlines"][0]["text"] for block in payload["attachments"][0]["content"]["body"]]
    assert len(msgspec.json.encode(payload)) <= MESSAGE_LIMIT
    assert texts[-1] == "id msg_1"
    assert texts[-2] == f"({200 - len(texts) + 3} more lines were cut)"


PAGE = a_notification(pool="venue/" + "a" * 60 + "/cross", detail="")
RENDERED = {
    "telegram": telegram.text_of,
    "discord": lambda said, id_: json.dumps(discord.payload_of(said, id_, PAGE.level)),
    "teams": lambda said, id_: json.dumps(teams.payload_of(said, id_, PAGE.level)),
}
ROOMS = {
    "telegram": TelegramNotifier.room,
    "discord": discord.DiscordNotifier.room,
    "teams": teams.TeamsNotifier.room,
}


@pytest.mark.parametrize("kind", RENDERED)
def test_a_full_digest_loses_no_line(kind) -> None:
    """As many lines as the waiting line packs into one message are all in it."""
    pages = [PAGE] * ((ROOMS[kind] - HEAD_ROOM) // (len(digest_line(PAGE)) + 1))
    assert len(pages) > 15
    assert "were cut" not in RENDERED[kind](digest_lines(pages), digest_id(pages))


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (200, b'{"ok":true,"result":{}}', Delivered()),
        (200, b' { "ok" : true }', Delivered()),
        (200, b"<html>a proxy's page</html>", Retry(NOT_TELEGRAMS)),
        (200, b'{"ok":false}', Retry(NOT_TELEGRAMS)),
        (429, b'{"ok":false,"parameters":{"retry_after":35}}', Retry("HTTP 429", 35.0)),
        (429, b'{"parameters":{"retry_after":"soon"}}', Retry("HTTP 429")),
        (429, b'{"parameters":{"retry_after":-1}}', Retry("HTTP 429")),
        (429, b'{"parameters":{"retry_after":1e999}}', Retry("HTTP 429")),
        (429, b'{"parameters":[]}', Retry("HTTP 429")),
        (429, b"\xff", Retry("HTTP 429")),
        (429, b"[" * 4000, Retry("HTTP 429")),
        (403, b'{"ok":false,"description":"bot was kicked"}', Rejected("HTTP 403")),
    ],
)
def test_telegrams_answers(status, answer, outcome) -> None:
    """`ok` means delivered, a 429 waits as it says, whatever else stands there."""
    assert telegram.meaning_of(status, None, answer) == outcome


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (202, b"", Delivered()),
        (200, b"1", Delivered()),
        (
            200,
            b"Webhook message delivery failed with error: x returned HTTP error 429 with",
            Retry("HTTP 429"),
        ),
        (200, b"Webhook message delivery failed with error: x returned HTTP error 413", Rejected("HTTP 413")),
        (200, b"Webhook message delivery failed with error", Retry("delivery failed there")),
        (429, b"", Retry("HTTP 429", 9.0)),
        (404, b"", Rejected("HTTP 404")),
    ],
)
def test_teams_answers(status, answer, outcome) -> None:
    """A 200 of an old connector that tells of a failure is one."""
    assert teams.meaning_of(status, "9", answer) == outcome


def test_a_finer_delay_counts_and_never_shortens_the_header() -> None:
    """Discord's answer and its header: the longer one."""
    assert discord.meaning_of(429, None, b'{"retry_after": 0.65}') == Retry("HTTP 429", 0.65)
    assert discord.meaning_of(429, "3", b'{"retry_after": 0.65}') == Retry("HTTP 429", 3.0)


def test_a_group_is_asked_less_often_than_a_person() -> None:
    """Telegram takes twenty messages a minute in a group."""
    paces = [TelegramNotifier("t", Secret("1:a", "test"), chat).every_s for chat in ("5", "-100", "@desk")]
    assert paces == [1.0, 3.0, 3.0]


def test_what_is_made_inert_reads_the_same() -> None:
    """Mentions, links and code are there to be read."""
    assert inert("@here https://x `code`") == "＠here https：//x ˋcodeˋ"
    assert inert("BTC -1.9 %") == "BTC -1.9 %"


def test_lines_that_do_not_fit_are_counted() -> None:
    """The first ones stay; a text that is too long for its line says how much is missing."""
    assert fitted(["abc"] * 3, 1000) == ["abc"] * 3
    assert fitted(["x" * 50] * 10, 200) == ["x" * 50] * 3 + ["(7 more lines were cut)"]
    assert len(cut("y" * 5000, 1024)) <= 1024
    assert "cut" in cut("y" * 5000, 1024)


def test_a_large_pool_stays_within_every_limit() -> None:
    """Four hundred positions."""
    page = a_large_notification(400)
    assert utf16(telegram.text_of(told(page), page.id)) <= 4096
    assert len(msgspec.json.encode(teams.payload_of(told(page), page.id, page.level))) <= MESSAGE_LIMIT
