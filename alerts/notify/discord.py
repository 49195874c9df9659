"""Discord, through a channel's webhook, whose URL is the secret.

docs.discord.com, "Execute webhook" and "Rate limits", 2026-11: a content of 2,000 characters, a description
of 4,096 in an embed, five messages in two seconds to one webhook, thirty a minute to a channel; a 429 names
its delay in `retry_after`. The lines stand in a code block, where nothing is markup; the headline is escaped,
and nobody may be mentioned. A message that is sent twice shows twice, with the same id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from yarl import URL

from alerts.alert import Level, Notification
from alerts.digest import digest_id, digest_lines
from alerts.message import headline, lines
from alerts.notify.fitting import cut, fitted, inert
from alerts.notify.http import Poster, by_status_and_wish
from alerts.notify.notifier import Outcome
from alerts.wording import NAME_LIMIT, plain
from monitor.config import Secret

CONTENT_LIMIT, DESCRIPTION_LIMIT = 2000, 4096
HEADLINE_LIMIT = CONTENT_LIMIT // 2  # each character may be escaped
FENCE = 8  # characters around the lines
MARKUP = re.compile(r"([\\*_~|>#\[\]()<-])")
COLOURS = {
    Level.CLEAR: 0x2E_A0_43,
    Level.WARNING: 0xD2_99_22,
    Level.MARGIN_CALL: 0xDB_6D_28,
    Level.CRITICAL: 0xDA_36_33,
    Level.LIQUIDATION: 0x8B_00_00,
}


class DiscordNotifier:
    """Posts to one webhook."""

    every_s = 2.0
    burst = 5
    room = DESCRIPTION_LIMIT - FENCE

    def __init__(self, name: str, url: Secret, *, allow_private_destinations: bool = False) -> None:
        self.name = name
        self._poster = Poster(allow_private=allow_private_destinations)
        self._url: URL = self._poster.checked(url.reveal()).update_query(wait="true")  # said when it is kept

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
    """The status, and the delay of a 429."""
    return by_status_and_wish(status, retry_after, answer, "retry_after")


def payload_of(told: Sequence[str], id_: str, level: Level) -> dict[str, Any]:
    """The headline, and below it the rest as it stands."""
    first, *rest = told
    below = "\n".join(fitted(map(inert, rest), DESCRIPTION_LIMIT - FENCE))
    return {
        "content": MARKUP.sub(r"\\\1", inert(cut(first, HEADLINE_LIMIT))),
        "embeds": [
            {
                "description": f"```\n{below}\n```",
                "color": COLOURS[level],
                "footer": {"text": plain(id_, NAME_LIMIT)},
            }
        ],
        "allowed_mentions": {"parse": []},
    }
