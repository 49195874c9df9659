"""The websocket face: /v5/public/CATEGORY and /v5/private, with the venue's own ping, auth and subscribe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from adapters.loopback.bybit.auth import Doorkeeper, Refused
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.bybit.publication import Frame, Publication
from adapters.loopback.faults import Faults, StreamKind
from adapters.loopback.sockets import Hub, Socket
from adapters.loopback.world import World

CATEGORIES = ("linear", "spot")
PRIVATE_TOPICS = ("wallet", "position", "position.linear", "order", "execution", "greeks")
Body = dict[str, Any]


class Command(msgspec.Struct):
    """What a client sends."""

    op: str
    args: list[Any] = []
    req_id: str | int = ""


class StreamFace:
    """Every websocket path of the venue."""

    def __init__(
        self, hub: Hub, world: World, faults: Faults, door: Doorkeeper, publication: Publication
    ) -> None:
        self._hub = hub
        self._world = world
        self._faults = faults
        self._door = door
        self._publication = publication
        self._decoder = msgspec.json.Decoder(Command)

    def add_routes(self, application: web.Application) -> None:
        """/v5/public/CATEGORY and /v5/private."""
        for category in CATEGORIES:
            application.router.add_get(f"/v5/public/{category}", self._handler("public", category))
        application.router.add_get("/v5/private", self._handler("private", "private"))

    def _handler(
        self, kind: StreamKind, category: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return web.Response(status=404)

            def on_open(socket: Socket) -> None:
                socket.context = {"category": category, "conn_id": f"conn-{self._hub.opened}"}

            return await self._hub.serve(request, kind, on_open, self._on_text)

        return handle

    # --- commands ---------------------------------------------------------------------------------

    async def _on_text(self, socket: Socket, text: str) -> None:
        try:
            command = self._decoder.decode(text)
        except msgspec.DecodeError:
            self._reply(socket, Command(""), success=False, ret_msg="error:invalid op")
            return
        match command.op:
            case "ping":
                self._pong(socket, command)
            case "auth" if socket.kind == "private":
                self._sign_in(socket, command)
            case "subscribe":
                self._subscribe(socket, command)
            case "unsubscribe":
                socket.subscriptions.difference_update(map(str, command.args))
                self._reply(socket, command, success=True, ret_msg="")
            case _:
                self._reply(socket, command, success=False, ret_msg="error:invalid op")

    def _pong(self, socket: Socket, command: Command) -> None:
        if socket.kind == "public":
            self._reply(socket, command, success=True, ret_msg="pong")
        else:
            now = [str(self._door.venue_ms())]
            body = {"req_id": str(command.req_id), "op": "pong", "args": now}
            socket.send(_encode({**body, "conn_id": socket.context["conn_id"]}))

    def _sign_in(self, socket: Socket, command: Command) -> None:
        try:
            key, expires, signature = map(str, command.args)
            socket.account = self._door.account_of_connection(key, expires, signature).id
        except (ValueError, Refused) as refused:
            words = refused.words if isinstance(refused, Refused) else "Params Error"
            self._reply(socket, command, success=False, ret_msg=words)
            return
        self._reply(socket, command, success=True, ret_msg="")

    def _subscribe(self, socket: Socket, command: Command) -> None:
        topics = [str(topic) for topic in command.args]
        if socket.kind == "private" and socket.account is None:
            self._reply(socket, command, success=False, ret_msg="Request not authorized")
            return
        unknown = [topic for topic in topics if not self._exists(socket, topic)]
        if unknown:
            words = f"error:handler not found,topic:{unknown[0]}"
            self._reply(socket, command, success=False, ret_msg=words)
            return
        self._reply(socket, command, success=True, ret_msg="")
        for topic in topics:
            snapshot = self._snapshot(socket, topic)
            if snapshot is not None:
                socket.send(snapshot)
        socket.subscriptions.update(topics)

    def _exists(self, socket: Socket, topic: str) -> bool:
        if socket.kind == "private":
            return topic in PRIVATE_TOPICS
        name, _, symbol = topic.partition(".")
        if socket.context["category"] == "spot":
            assets = set(self._world.assets_of(VENUE)) - {"USDT"}
            return name == "tickers" and symbol.removesuffix("USDT") in assets
        return name == "tickers" and (VENUE, symbol) in self._world.contracts

    def _snapshot(self, socket: Socket, topic: str) -> str | None:
        if socket.kind == "private":
            return None
        return self._publication.snapshot(socket.context["category"], topic.partition(".")[2])

    def _reply(self, socket: Socket, command: Command, *, success: bool, ret_msg: str) -> None:
        body = {"success": success, "ret_msg": ret_msg, "conn_id": socket.context["conn_id"]}
        socket.send(_encode({**body, "req_id": str(command.req_id), "op": command.op}))

    # --- publication ------------------------------------------------------------------------------

    def publish(self, frames: Iterable[Frame]) -> None:
        """Sends each frame to the sockets of its category that subscribed its topic."""
        readers = self._hub.of_kind(["public"])
        for frame in frames:
            for socket in readers:
                if frame.topic in socket.subscriptions and socket.context["category"] == frame.category:
                    socket.send(frame.text)

    def tell(self, account: str, topic: str, data: list[Body]) -> None:
        """Sends a private message to the account's sockets, as often as the faults say."""
        copies = self._faults.event_copies(account)
        created_ms = self._door.venue_ms() - self._faults.of(VENUE).event_age_ms
        body = {"id": f"{created_ms}-{topic}", "topic": topic, "creationTime": created_ms, "data": data}
        text = _encode(body)
        for socket in self._hub.of_kind(["private"]):
            wants = any(name.partition(".")[0] == topic for name in socket.subscriptions)
            if socket.account == account and wants:
                for _ in range(copies):
                    socket.send(text)


def _encode(body: Body) -> str:
    return msgspec.json.encode(body).decode()
