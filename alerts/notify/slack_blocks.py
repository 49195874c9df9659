"""What a Slack channel sees of an incident: one message in blocks, all of it plain text.

Limits are those of docs.slack.dev, "Blocks" and "Block elements", 2026-11: 50 blocks, a header of 150
characters, 3000 in a section, 75 on a button and 2000 behind it. Escaped is what "Formatting text for app
surfaces" names; nothing is mrkdwn, so that no name becomes a format, a mention or a link.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from alerts.alert import Ack, AlertKey, Condition, Kind, Level, Notification
from alerts.message import headline, lines
from alerts.wording import NAME_LIMIT, plain, utc
from monitor.domain.identity import PoolId

HEADER_LIMIT = 150
BODY_LIMIT = 2900  # of 3000
CONTEXT_LIMIT = 300
TEXT_LIMIT = 4000  # of the text beside the blocks
ROOM_FOR_COUNT = 40
MARKS = {
    Level.CLEAR: "\N{WHITE HEAVY CHECK MARK}",
    Level.WARNING: "\N{LARGE YELLOW CIRCLE}",
    Level.MARGIN_CALL: "\N{LARGE ORANGE CIRCLE}",
    Level.CRITICAL: "\N{LARGE RED CIRCLE}",
    Level.LIQUIDATION: "\N{OCTAGONAL SIGN}",
}
ACKNOWLEDGE, SILENCE, WORKING = "margind_acknowledge", "margind_silence", "margind_working"
BUTTONS = {ACKNOWLEDGE: "Acknowledge", SILENCE: "Silence 1 h", WORKING: "Show working"}


class Card(msgspec.Struct, frozen=True):
    """What is shown of an incident; it outlives a restart."""

    pool: str
    condition: str
    number: int
    occasion: int
    level: int
    kind: str
    id: str
    headline: str
    lines: tuple[str, ...]

    @property
    def key(self) -> AlertKey:
        """What the incident is about."""
        return AlertKey(PoolId(self.pool), Condition(self.condition))

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self.level


def card_of(notification: Notification) -> Card:
    """The card of the newest notice of an incident, already of a bounded size."""
    return Card(
        notification.key.pool.encode("utf-8", "replace").decode(),
        notification.key.condition.value,
        notification.incident,
        notification.occasion,
        int(notification.level),
        notification.kind.value,
        notification.id,
        headline(notification),
        tuple(fitted(lines(notification), BODY_LIMIT)),
    )


def blocks_of(card: Card, ack: Ack | None, button_value: str | None) -> list[dict[str, Any]]:
    """The message; without buttons where nobody would hear them, or nothing is left to do."""
    header = _header(card)
    body = list(card.lines)
    if header != escaped(_marked(card)):
        body = fitted((card.headline, *body), BODY_LIMIT)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _text(header)},
        {"type": "section", "text": _text("\n".join(map(escaped, body)) or "-")},
    ]
    if ack is not None:
        who = f"acknowledged by {plain(ack.author, NAME_LIMIT)} at {utc(ack.at_ns)}"
        blocks.append({"type": "context", "elements": [_text(_cut(who, CONTEXT_LIMIT))]})
    if button_value is not None and not card.is_over:
        blocks.append({"type": "actions", "block_id": "margind", "elements": _buttons(ack, button_value)})
    return blocks


def _buttons(ack: Ack | None, value: str) -> list[dict[str, Any]]:
    names = [name for name in BUTTONS if name != ACKNOWLEDGE or ack is None]
    return [
        {"type": "button", "action_id": name, "text": _text(BUTTONS[name]), "value": value} for name in names
    ]


def _marked(card: Card) -> str:
    return f"{MARKS[Level(card.level)]} {card.headline}"


def _header(card: Card) -> str:
    return _cut(_marked(card), HEADER_LIMIT)


def _text(written: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": written, "emoji": False}


def _cut(text: str, limit: int) -> str:
    """Escaped, and under the limit as it is sent."""
    whole = escaped(text)
    if len(whole) <= limit:
        return whole
    kept = text[:limit]
    while len(escaped(kept)) > limit - 1:
        kept = kept[: -max(1, (len(escaped(kept)) - limit) // 5)]
    return f"{escaped(kept)}\N{HORIZONTAL ELLIPSIS}"


def text_of(notification: Notification, limit: int = TEXT_LIMIT) -> str:
    """Headline and lines, escaped, as many as fit; the rest is counted."""
    return "\n".join(map(escaped, fitted((headline(notification), *lines(notification)), limit)))


def fitted(told: Iterable[str], limit: int) -> list[str]:
    """As many lines as fit when they are escaped, with a count of the rest."""
    given = list(told)
    size, kept = 0, []
    for line in given:
        size += len(escaped(line)) + 1
        if size > limit - ROOM_FOR_COUNT:
            break
        kept.append(line)
    if len(kept) < len(given):
        kept.append(f"({len(given) - len(kept)} more lines were cut)")
    return kept


def escaped(text: str) -> str:
    """What Slack shows as `text` and as nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def is_worse(notification: Notification) -> bool:
    """Whether people must hear of it, and not only those who read along."""
    return notification.kind not in (Kind.EASED, Kind.RESOLVED)
