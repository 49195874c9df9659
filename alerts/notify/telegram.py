"""Telegram, through sendMessage of its Bot API.

core.telegram.org/bots/api and /bots/faq, 2026-11: 4,096 characters (UTF-16 code units), a message a second to
one chat with short bursts, 20 a minute to a group; a 429 names its delay in `parameters.retry_after`. No
parse mode is used, so nothing in a name is markup; mentions and links, which it finds in plain text, are made
inert. A message that is sent twice shows twice, with the same id. The bot's token is part of the URL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.message import headline, lines
from alerts.notify.fitting import fitted, inert, utf16
from alerts.notify.http import Poster, by_status_and_wish
from alerts.notify.notifier import Delivered, Outcome, Retry
from alerts.wording import NAME_LIMIT, plain
from monitor.config import Secret

API = "https://api.telegram.org/"
TEXT_LIMIT = 4096
EVERY_S, GROUP_EVERY_S = 1.0, 3.0
OK = re.compile(
    rb'\s*\{\s*"ok"\s*:\s*true\b'
)  # its first word; the message after it may be longer than is read
NOT_TELEGRAMS = "an answer that is not Telegram's"


class TelegramNotifier:
    """Posts text to one chat."""

    burst = 3
    room = TEXT_LIMIT

    def __init__(
        self,
        name: str,
        token: Secret,
        chat: str,
        *,
        url: str | None = None,
        allow_private_destinations: bool = False,
    ) -> None:
        self.name = name
        self.every_s = GROUP_EVERY_S if chat.startswith(("-", "@")) else EVERY_S
        self._chat = chat
        self._poster = Poster(allow_private=allow_private_destinations)
        self._url = self._poster.checked(url or API) / f"bot{token.reveal()}" / "sendMessage"

    async def notify(self, notification: Notification) -> Outcome:
        """One call of at most five seconds."""
        told = (headline(notification), *lines(notification))
        return await self._post(text_of(told, notification.id))

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """The same of many."""
        return await self._post(text_of(digest_lines(notifications), digest_id(notifications)))

    async def close(self) -> None:
        """Closes the connections."""
        await self._poster.close()

    async def _post(self, text: str) -> Outcome:
        body = msgspec.json.encode(payload_of(text, self._chat))
        return await self._poster.post(self._url, body, {}, meaning_of)


def meaning_of(status: int, retry_after: str | None, answer: bytes) -> Outcome:
    """A 200 must also say `ok`: a proxy's page says nothing of a message."""
    outcome = by_status_and_wish(status, retry_after, answer, "parameters", "retry_after")
    if isinstance(outcome, Delivered) and not OK.match(answer):
        return Retry(NOT_TELEGRAMS)
    return outcome


def text_of(told: Sequence[str], id_: str, limit: int = TEXT_LIMIT) -> str:
    """As many lines as fit, and the id whatever is cut."""
    last = f"id {plain(id_, NAME_LIMIT)}"
    kept = fitted(map(inert, told), limit - utf16(last) - 1, utf16)
    return "\n".join((*kept, last))


def payload_of(text: str, chat: str) -> dict[str, Any]:
    """The arguments of sendMessage."""
    return {"chat_id": chat, "text": text, "link_preview_options": {"is_disabled": True}}
