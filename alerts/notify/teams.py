"""Microsoft Teams, through a workflow that begins with a webhook; its URL is the secret.

learn.microsoft.com, "Create incoming webhooks with Workflows" and "Microsoft Teams connector", 2026-11: an
Adaptive Card, about 28 KB a message, four requests a second. Lines are text runs, in which nothing is markup
and which mention nobody. A workflow answers 202 when it has begun and says nothing of its end; the connectors
of old answer 200 with a failure in words. A message that is sent twice shows twice, with the same id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.alert import Level, Notification
from alerts.digest import digest_id, digest_lines
from alerts.message import headline, lines
from alerts.notify.answers import outcome_of
from alerts.notify.fitting import fitted
from alerts.notify.http import Poster
from alerts.notify.notifier import Delivered, Outcome, Retry
from alerts.wording import NAME_LIMIT, plain
from monitor.config import Secret

MESSAGE_LIMIT = 28_000  # bytes
ROOM_FOR_CARD = 1_500  # what is around the lines
CARD = "application/vnd.microsoft.card.adaptive"
FAILED_STATUS = re.compile(rb"HTTP error (\d{3})")
COLOURS = {Level.CLEAR: "good", Level.WARNING: "warning", Level.MARGIN_CALL: "warning"}


class TeamsNotifier:
    """Posts to one workflow."""

    every_s = 1.0
    burst = 4
    room = 12_000  # characters of lines: with what JSON adds to each they stay below the limit

    def __init__(self, name: str, url: Secret, *, allow_private_destinations: bool = False) -> None:
        self.name = name
        self._poster = Poster(allow_private=allow_private_destinations)
        self._url = self._poster.checked(url.reveal())

    async def notify(self, notification: Notification) -> Outcome:
        """One POST of at most five seconds."""
        told = (headline(notification), *lines(notification))
        return await self._post(payload_of(told, notification.id, notification.level))

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """The same of many."""
        level = max(one.level for one in notifications)
        return await self._post(payload_of(digest_lines(notifications), digest_id(notifications), level))

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    async def _post(self, payload: dict[str, Any]) -> Outcome:
        return await self._poster.post(self._url, msgspec.json.encode(payload), {}, meaning_of)


def meaning_of(status: int, retry_after: str | None, answer: bytes) -> Outcome:
    """The status, and what an old connector writes below a 200."""
    outcome = outcome_of(status, retry_after)
    if not isinstance(outcome, Delivered) or b"message delivery failed" not in answer:
        return outcome
    found = FAILED_STATUS.search(answer)
    inner = outcome_of(int(found[1]), None) if found else None
    return inner if inner is not None and not isinstance(inner, Delivered) else Retry("delivery failed there")


def payload_of(told: Sequence[str], id_: str, level: Level) -> dict[str, Any]:
    """A message with one card."""
    head = _run(told[0], size="Medium", weight="Bolder", color=COLOURS.get(level, "attention"))
    rest = (*told[1:], f"id {plain(id_, NAME_LIMIT)}")
    kept = fitted(rest[:-1], MESSAGE_LIMIT - ROOM_FOR_CARD - _bytes(rest[-1]) - _bytes(told[0]), _bytes)
    body = [head, *map(_run, (*kept, rest[-1]))]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": told[0],
        "body": body,
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _run(text: str, **looks: str) -> dict[str, Any]:
    run = {"type": "TextRun", "text": text, **looks}
    return {"type": "RichTextBlock", "spacing": "None", "inlines": [run]}


def _bytes(line: str) -> int:
    return len(msgspec.json.encode(_run(line)))
