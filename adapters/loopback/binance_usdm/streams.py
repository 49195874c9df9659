"""The websocket face: /market, /public and /private paths, subscriptions, publication and user events.

The undivided paths /ws and /stream were retired by the venue on 2026-04-23 and are not served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.listen_keys import ListenKeys
from adapters.loopback.binance_usdm.publication import Frame
from adapters.loopback.faults import Faults, StreamKind
from adapters.loopback.sockets import POLICY_VIOLATION, Hub, Socket

CATEGORIES = ("public", "market", "private")
STREAMS_PER_SOCKET = 200
MESSAGES_PER_SECOND = 10


class Command(msgspec.Struct):
    """What a client sends."""

    method: str
    id: int | str | None = None
    params: list[Any] = []


class StreamFace:
    """Every websocket path of the venue."""

    def __init__(self, hub: Hub, faults: Faults, keys: ListenKeys, now_ms: Callable[[], int]) -> None:
        self._hub = hub
        self._faults = faults
        self._keys = keys
        self._now_ms = now_ms
        self._decoder = msgspec.json.Decoder(Command)

    def add_routes(self, application: web.Application) -> None:
        """/CATEGORY/ws, /CATEGORY/ws/NAME and /CATEGORY/stream."""
        for category in CATEGORIES:
            for path in (f"/{category}/ws", f"/{category}/ws/{{names:.+}}", f"/{category}/stream"):
                application.router.add_get(path, self._handler(category))

    def _handler(self, category: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return web.Response(status=400)
            kind: StreamKind = "private" if category == "private" else "public"

            def on_open(socket: Socket) -> None:
                self._open(socket, category, request)

            return await self._hub.serve(request, kind, on_open, self._on_text)

        return handle

    def _open(self, socket: Socket, category: str, request: web.Request) -> None:
        combined = request.path.endswith("/stream")
        socket.context = {"category": category, "combined": "yes" if combined else ""}
        named = request.query.get("streams", "") if combined else request.match_info.get("names", "")
        names = [name for name in named.split("/") if name]
        if category != "private":
            self._subscribe(socket, names)
            return
        key = request.query.get("listenKey") or next(iter(names), "")
        # An unknown key is accepted and stays silent, as on the venue.
        socket.account = self._keys.owner(key)
        socket.context |= {"key": key, "events": request.query.get("events", "")}

    # --- commands ---------------------------------------------------------------------------------

    async def _on_text(self, socket: Socket, text: str) -> None:
        if self._is_too_fast(socket):
            socket.close(POLICY_VIOLATION)
            return
        try:
            command = self._decoder.decode(text)
        except msgspec.DecodeError as wrong:
            socket.send(_encode({"error": {"code": 3, "msg": f"Invalid JSON: {wrong}"}}))
            return
        socket.send(_encode(self._obey(socket, command)))

    def _obey(self, socket: Socket, command: Command) -> dict[str, Any]:
        names = [name for name in command.params if isinstance(name, str)]
        if command.method == "SUBSCRIBE":
            self._subscribe(socket, names)
        elif command.method == "UNSUBSCRIBE":
            socket.subscriptions.difference_update(names)
        elif command.method == "LIST_SUBSCRIPTIONS":
            return {"result": sorted(socket.subscriptions), "id": command.id}
        else:
            words = f"Invalid request: unknown variant {command.method}"
            return {"error": {"code": 2, "msg": words}, "id": command.id}
        return {"result": None, "id": command.id}

    def _subscribe(self, socket: Socket, names: Iterable[str]) -> None:
        socket.subscriptions.update(names)
        if len(socket.subscriptions) > STREAMS_PER_SOCKET:
            socket.close(POLICY_VIOLATION)

    def _is_too_fast(self, socket: Socket) -> bool:
        second = str(self._now_ms() // 1000)
        count = int(socket.context["sent"]) + 1 if socket.context.get("second") == second else 1
        socket.context |= {"second": second, "sent": str(count)}
        return count > MESSAGES_PER_SECOND

    # --- publication ------------------------------------------------------------------------------

    def publish(self, frames: Iterable[Frame]) -> None:
        """Sends each frame to the sockets that subscribed its stream; marks live under /market only."""
        if self._faults.of(VENUE).is_silent("public"):
            return
        readers = [
            socket for socket in self._hub.of_kind(["public"]) if socket.context["category"] == "market"
        ]
        for frame in frames:
            for socket in readers:
                if frame.stream in socket.subscriptions:
                    socket.send(frame.combined if socket.context["combined"] else frame.raw)

    def tell(self, account: str, event: dict[str, Any]) -> None:
        """Sends a user event to the account's sockets, as often as the faults say."""
        copies = self._faults.event_copies(account)
        for socket in self._hub.of_kind(["private"]):
            if socket.account == account and _wants(socket, event["e"]):
                for _ in range(copies):
                    socket.send(self._wrapped(socket, event))

    def forget(self, account: str) -> None:
        """The listen key is over: its sockets stay open and carry nothing more."""
        for socket in self._hub.of_kind(["private"]):
            if socket.account == account:
                socket.account = None

    @staticmethod
    def _wrapped(socket: Socket, event: dict[str, Any]) -> str:
        if socket.context["combined"]:
            return _encode({"stream": socket.context["key"], "data": event})
        return _encode(event)


def _wants(socket: Socket, event: str) -> bool:
    events = socket.context["events"]
    return not events or event in events.split("/")


def _encode(body: Any) -> str:
    return msgspec.json.encode(body).decode()
