"""Services that alerts go to, on this machine: they check what the real ones check, and answer as told."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from monitor.config import Receiver, Secret
from tests.support.receivers import CANARY, DELAY_S, Answer, Scripted

ROUTING_KEY = "canary0123456789abcdef0123456789"
API_KEY = "canary-genie-key"
BEARER = "canary-bearer"
STATUS = {Answer.BUSY: 429, Answer.BROKEN: 500, Answer.REFUSE: 400}


class ServiceDesk(Scripted):
    """Remembers the JSON of each request; `answer` says with what the service takes one."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.paths: list[str] = []
        self.bodies: list[Any] = []  # of what was taken
        self.sizes: list[int] = []

    @property
    def base(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"

    def secret(self, text: str) -> Secret:
        """Something that no reason may hold."""
        return Secret(text, "the test")

    def check(self, request: web.Request, body: Any) -> str:
        """Raises where the service would refuse; answers the id of the notification in it."""
        raise NotImplementedError

    def told(self, body: Any) -> str:
        """What a person sees of it."""
        raise NotImplementedError

    def taken(self) -> web.Response:
        """The service's word for yes."""
        return web.json_response({"status": "success"}, status=202)

    def refused(self, status: int, headers: dict[str, str]) -> web.Response:
        """The service's word for no."""
        return web.json_response({"message": f"{CANARY} {self.base}"}, status=status, headers=headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Checked first, then answered as told."""
        content = await request.read()
        body = json.loads(content)
        if seen := self.check(request, body):
            self.seen.append(seen)
        answer = self.next_answer()
        if answer is Answer.ACCEPT:
            self.paths.append(request.path)
            self.bodies.append(body)
            self.sizes.append(len(content))
            if text := self.told(body):
                self.texts.append(text)
            return self.taken()
        if answer is Answer.HANG:
            await self.released.wait()
        headers = {"retry-after": f"{DELAY_S:g}"} if answer is Answer.BUSY else {}
        return self.refused(STATUS.get(answer, 500), headers)


class PagerDutyDesk(ServiceDesk):
    """Events API v2, with its limits. `open` are the keys that ring or rang, by whether somebody has them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, str] = {}
        self.rung: list[str] = []  # the keys that somebody was woken for

    def receiver(self) -> Receiver:
        """An integration key."""
        key = self.secret(ROUTING_KEY)
        url = f"{self.base}v2/enqueue"
        return Receiver("pager", "pagerduty", url=url, secret=key, allow_private_destinations=True)

    def check(self, request: web.Request, body: Any) -> str:
        """As "Send an alert event" says."""
        assert request.path == "/v2/enqueue"
        assert body["routing_key"] == ROUTING_KEY
        assert body["event_action"] in ("trigger", "acknowledge", "resolve")
        assert 0 < len(body["dedup_key"]) <= 255
        if body["event_action"] != "trigger":
            return ""
        payload = body["payload"]
        assert 0 < len(payload["summary"]) <= 1024
        assert payload["severity"] in ("critical", "error", "warning", "info")
        assert payload["source"]
        return str(payload["custom_details"]["id"])

    def told(self, body: Any) -> str:
        """Keeps incidents as PagerDuty does; answers the page."""
        key, action = body["dedup_key"], body["event_action"]
        if action == "resolve":
            self.open.pop(key, None)
        elif action == "acknowledge":
            self.open |= {key: "acknowledged"} if key in self.open else {}
        elif key not in self.open:
            self.open[key] = "triggered"
            self.rung.append(key)
        if action != "trigger":
            return ""
        details = body["payload"]["custom_details"]
        return "\n".join((body["payload"]["summary"], *details["lines"]))


class OpsgenieDesk(ServiceDesk):
    """The Alert API, with its limits."""

    def receiver(self) -> Receiver:
        """An API integration."""
        key = self.secret(API_KEY)
        return Receiver("genie", "opsgenie", url=self.base, secret=key, allow_private_destinations=True)

    def check(self, request: web.Request, body: Any) -> str:
        """As "Alert API" says."""
        assert request.headers["authorization"] == f"GenieKey {API_KEY}"
        assert request.path.startswith("/v2/alerts")
        if request.path != "/v2/alerts":
            assert request.query["identifierType"] == "alias"
            assert request.path.rsplit("/", 1)[1] in ("close", "acknowledge")
            return ""
        assert 0 < len(body["message"]) <= 130
        assert 0 < len(body["alias"]) <= 512
        assert len(body["description"]) <= 15_000
        assert body["priority"] in ("P1", "P2", "P3", "P4", "P5")
        assert all(0 < len(tag) <= 50 for tag in body["tags"])
        assert sum(map(len, body["details"].values())) <= 8_000
        return str(body["details"]["id"])

    def told(self, body: Any) -> str:
        """The description, which begins with the headline."""
        return str(body.get("description", ""))


class AlertmanagerDesk(ServiceDesk):
    """The API v2; the real one is asked in test_notifiers_alertmanager."""

    def receiver(self) -> Receiver:
        """Behind a token."""
        url, token = self.base, self.secret(BEARER)
        return Receiver("am", "alertmanager", url=url, secret=token, allow_private_destinations=True)

    def check(self, request: web.Request, body: Any) -> str:
        """What its OpenAPI says of a postable alert."""
        assert request.path == "/api/v2/alerts"
        assert request.headers["authorization"] == f"Bearer {BEARER}"
        for alert in body:
            assert alert["labels"]["alertname"]
            assert all(alert["labels"].values())
            assert alert["startsAt"] <= alert["endsAt"]
        return str(body[0]["annotations"]["id"])

    def told(self, body: Any) -> str:
        """The annotations."""
        notes = body[0]["annotations"]
        return f"{notes['summary']}\n{notes['description']}"

    def taken(self) -> web.Response:
        """Nothing but the status."""
        return web.Response(status=200)
