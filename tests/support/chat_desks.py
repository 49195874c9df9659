"""Services that show messages, on this machine; with those that keep incidents, the table of all services."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from monitor.config import Receiver
from tests.support.receivers import CANARY, DELAY_S
from tests.support.service_desks import AlertmanagerDesk, OpsgenieDesk, PagerDutyDesk, ServiceDesk

BOT_TOKEN = "123456:canary-bot-token"
CHAT = "-1001234567890"


class TelegramDesk(ServiceDesk):
    """sendMessage of the Bot API."""

    def receiver(self) -> Receiver:
        """A bot and a chat."""
        token = self.secret(BOT_TOKEN)
        return Receiver(
            "tg", "telegram", url=self.base, secret=token, channel=CHAT, allow_private_destinations=True
        )

    def check(self, request: web.Request, body: Any) -> str:
        """As "sendMessage" says."""
        assert request.path == f"/bot{BOT_TOKEN}/sendMessage"
        assert body["chat_id"] == CHAT
        assert body["link_preview_options"] == {"is_disabled": True}
        assert "parse_mode" not in body
        assert 0 < len(body["text"].encode("utf-16-le")) // 2 <= 4096
        return id_in(body["text"])

    def told(self, body: Any) -> str:
        """As it is."""
        return str(body["text"])

    def taken(self) -> web.Response:
        """`ok`, and a message that may be long."""
        return web.json_response({"ok": True, "result": {"message_id": 7, "text": "x" * 5000}})

    def refused(self, status: int, headers: dict[str, str]) -> web.Response:
        """The delay is in the answer and not in a header."""
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": f"{BOT_TOKEN} {self.base}"}
        if headers:
            body["parameters"] = {"retry_after": int(DELAY_S)}
        return web.json_response(body, status=status)


class DiscordDesk(ServiceDesk):
    """A channel's webhook."""

    def receiver(self) -> Receiver:
        """Its URL is the secret."""
        url = self.secret(f"{self.base}api/webhooks/1/{CANARY}?thread_id=5")
        return Receiver("dc", "discord", secret=url, allow_private_destinations=True)

    def check(self, request: web.Request, body: Any) -> str:
        """As "Execute webhook" says."""
        assert request.path == f"/api/webhooks/1/{CANARY}"
        assert dict(request.query) == {"thread_id": "5", "wait": "true"}
        assert body["allowed_mentions"] == {"parse": []}
        (embed,) = body["embeds"]
        assert 0 < len(body["content"]) <= 2000
        assert 0 < len(embed["description"]) <= 4096
        assert embed["description"].count("```") == 2
        assert len(embed["description"]) + len(embed["footer"]["text"]) <= 6000
        return str(embed["footer"]["text"])

    def told(self, body: Any) -> str:
        """As Discord shows it: an escaped character is that character."""
        (embed,) = body["embeds"]
        content = re.sub(r"\\(.)", r"\1", body["content"])
        return "\n".join((content, embed["description"].strip("`\n"), embed["footer"]["text"]))

    def refused(self, status: int, headers: dict[str, str]) -> web.Response:
        """The finer delay is in the answer."""
        body = {"message": f"{CANARY} {self.base}", "retry_after": DELAY_S, "global": False}
        return web.json_response(body, status=status)


class TeamsDesk(ServiceDesk):
    """A workflow that begins with a webhook."""

    def receiver(self) -> Receiver:
        """Its URL is the secret."""
        url = self.secret(f"{self.base}workflows/{CANARY}/triggers/manual/paths/invoke?sig={CANARY}")
        return Receiver("ms", "teams", secret=url, allow_private_destinations=True)

    def check(self, request: web.Request, body: Any) -> str:
        """A message with one Adaptive Card of text runs."""
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= 28_000
        assert body["type"] == "message"
        (attached,) = body["attachments"]
        assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert attached["content"]["type"] == "AdaptiveCard"
        blocks = attached["content"]["body"]
        assert {block["type"] for block in blocks} == {"RichTextBlock"}
        assert all(run["type"] == "TextRun" for block in blocks for run in block["inlines"])
        return id_in(self.told(body))

    def told(self, body: Any) -> str:
        """The runs, one a line."""
        blocks = body["attachments"][0]["content"]["body"]
        return "\n".join(run["text"] for block in blocks for run in block["inlines"])

    def taken(self) -> web.Response:
        """Begun."""
        return web.Response(status=202)


class AppriseDesk(ServiceDesk):
    """What `json://` of apprise posts to."""

    def receiver(self) -> Receiver:
        """Its URL is the secret."""
        url = self.secret(f"json://user:{CANARY}@127.0.0.1:{self.port}/hook")
        return Receiver("any", "apprise", secret=url)

    def check(self, request: web.Request, body: Any) -> str:
        """Title, message and type."""
        assert request.headers["authorization"].startswith("Basic ")
        assert len(body["message"]) <= 4000 and len(body["title"]) <= 250
        return id_in(body["message"])

    def told(self, body: Any) -> str:
        """Title and message."""
        return f"{body['title']}\n{body['message']}"

    def taken(self) -> web.Response:
        """Yes."""
        return web.Response(status=200)


def id_in(text: str) -> str:
    """The id of the notification, as a person finds it."""
    found = re.search(r"\bid ((?:msg|dig)_[0-9a-f]{32})", text)
    assert found is not None, text
    return found[1]


SERVICES: dict[str, type[ServiceDesk]] = {
    "pagerduty": PagerDutyDesk,
    "opsgenie": OpsgenieDesk,
    "alertmanager": AlertmanagerDesk,
    "telegram": TelegramDesk,
    "discord": DiscordDesk,
    "teams": TeamsDesk,
    "apprise": AppriseDesk,
}
