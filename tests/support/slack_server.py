"""A Slack workspace on this machine: channels, threads, edits, and presses over both ways that Slack has.

What it is sent is checked against the documented limits; what it answers is what docs.slack.dev shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from monitor.config import Receiver, Secret
from tests.support.block_kit import mistakes
from tests.support.receivers import CHANNEL, SLACK_TOKEN, HttpServer
from tests.support.waiting import eventually

APP_TOKEN = "xapp-canary-app-token"
SIGNING = "canary-signing-secret"
ELSEWHERE = "C0ELSEWHERE"
ALICE, MALLORY = "U0ALICE", "U0MALLORY"
FIRST_TS = 1_793_588_400


class SlackWorkspace:
    """One channel; `errors` are answered next, by method."""

    def __init__(self) -> None:
        self.port = 0
        self.messages: dict[str, dict[str, Any]] = {}  # by ts: what is shown now
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: dict[str, list[tuple[str, dict[str, str]]]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.acknowledged: list[str] = []  # envelopes
        self.sockets: list[web.WebSocketResponse] = []
        self._next = 0

    def receiver(self, **changes: Any) -> Receiver:
        """A bot token and this API."""
        usual: dict[str, Any] = {
            "url": f"http://127.0.0.1:{self.port}/api/",
            "secret": Secret(SLACK_TOKEN, "the test"),
            "channel": CHANNEL,
            "allow_private_destinations": True,
        }
        return Receiver("chat", "slack", **{**usual, **changes})

    @property
    def roots(self) -> dict[str, dict[str, Any]]:
        """The messages of the channel."""
        return {ts: each for ts, each in self.messages.items() if "thread_ts" not in each}

    def replies(self, ts: str) -> list[dict[str, Any]]:
        """The thread under one."""
        return [each for each in self.messages.values() if each.get("thread_ts") == ts]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every path."""
        if request.path == "/socket":
            return await self._socket(request)
        method = request.path.removeprefix("/api/")
        token = APP_TOKEN if method == "apps.connections.open" else SLACK_TOKEN
        assert request.headers["authorization"] == f"Bearer {token}"
        payload = await request.json() if request.content_type == "application/json" else {}
        self.calls.append((method, payload))
        if self.errors.get(method):
            error, headers = self.errors[method].pop(0)
            status = 429 if error == "ratelimited" else 200
            return web.json_response({"ok": False, "error": error}, status=status, headers=headers)
        return web.json_response(self._answer(method, payload))

    def _answer(self, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        if method == "apps.connections.open":
            return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/socket?ticket=canary"}
        assert payload["channel"] in (CHANNEL, ELSEWHERE)
        assert mistakes(payload) == []
        if method == "chat.postEphemeral":
            self.whispers.append(payload)
            return {"ok": True}
        if method == "chat.update":
            if payload["ts"] not in self.messages:
                return {"ok": False, "error": "message_not_found"}
            self.messages[payload["ts"]] |= payload
            return {"ok": True, "channel": CHANNEL, "ts": payload["ts"]}
        assert method == "chat.postMessage"
        if "thread_ts" in payload and payload["thread_ts"] not in self.messages:
            return {"ok": False, "error": "thread_not_found"}
        self._next += 1
        ts = f"{FIRST_TS + self._next}.000100"
        self.messages[ts] = dict(payload)  # an edit changes what is shown, not what was sent
        return {"ok": True, "channel": payload["channel"], "ts": ts}

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": "hello"})
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.acknowledged.append(json.loads(message.data)["envelope_id"])
        return socket

    def press(
        self, action: str, *, ts: str | None = None, user: str = ALICE, **changes: Any
    ) -> dict[str, Any]:
        """The payload of a press under the message, the first one of the channel unless told otherwise."""
        ts = ts or next(iter(self.roots))
        buttons = [block for block in self.messages[ts]["blocks"] if block["type"] == "actions"]
        value = buttons[0]["elements"][0]["value"] if buttons else "gone"
        return {
            "type": "block_actions",
            "user": {"id": user, "username": "someone", "team_id": "T1"},
            "channel": {"id": CHANNEL, "name": "risk"},
            "message": {"ts": ts, "type": "message"},
            "response_url": "http://127.0.0.1:1/never",
            "actions": [{"type": "button", "action_id": action, "value": value, "action_ts": "1.2"}],
            **changes,
        }

    async def send(self, payload: dict[str, Any], envelope: str) -> None:
        """Over the socket that margind opened; waits until it is acknowledged."""

        async def is_open() -> bool:
            return any(not socket.closed for socket in self.sockets)

        async def is_acknowledged() -> bool:
            return envelope in self.acknowledged

        await eventually(is_open, "a socket")
        living = [socket for socket in self.sockets if not socket.closed]
        await living[-1].send_json({"type": "interactive", "envelope_id": envelope, "payload": payload})
        await eventually(is_acknowledged, "an acknowledgement")


def signed(payload: dict[str, Any], stamp: int, secret: str = SIGNING) -> tuple[bytes, dict[str, str]]:
    """Body and headers as Slack sends them."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(stamp), body=body)
    return body, {
        "x-slack-request-timestamp": str(stamp),
        "x-slack-signature": str(signature),
        "content-type": "application/x-www-form-urlencoded",
    }


@contextlib.asynccontextmanager
async def workspace() -> AsyncIterator[SlackWorkspace]:
    """Running on a port of its own."""
    slack = SlackWorkspace()
    async with HttpServer(slack.handle) as server:
        slack.port = server.port
        yield slack
        for socket in slack.sockets:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await socket.close()
