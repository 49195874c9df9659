"""The websocket face: /ws, where a connection subscribes markets, an address, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from aiohttp import web

from adapters.loopback.faults import Faults
from adapters.loopback.hyperliquid.catalog import VENUE, dex_of
from adapters.loopback.hyperliquid.info import Oracle
from adapters.loopback.sockets import Hub, Socket
from adapters.loopback.world import World

USERS_PER_ADDRESS = 10  # unique users that one IP address may track
MARKET_TYPES = frozenset({"activeAssetCtx", "allDexsAssetCtxs", "allMids"})
USER_TYPES = frozenset(
    {
        "webData2",
        "clearinghouseState",
        "allDexsClearinghouseState",
        "spotState",
        "orderUpdates",
        "userEvents",
        "userFills",
    }
)
Body = dict[str, Any]


class Subscription(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client wants to hear."""

    type: str
    coin: str = ""
    user: str = ""
    dex: str = ""


class Command(msgspec.Struct, frozen=True):
    """What a client sends."""

    method: str
    subscription: Subscription | None = None


class StreamFace:
    """The websocket path of the venue. A connection that tracks a user is a private one."""

    def __init__(self, hub: Hub, world: World, faults: Faults, oracle: Oracle) -> None:
        self._hub = hub
        self._world = world
        self._faults = faults
        self._oracle = oracle
        self._command = msgspec.json.Decoder(Command)
        self._subscription = msgspec.json.Decoder(Subscription)

    def add_routes(self, application: web.Application) -> None:
        """/ws"""
        application.router.add_get("/ws", self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=400)
        return await self._hub.serve(request, "public", lambda _: None, self._on_text)

    # --- commands ---------------------------------------------------------------------------------

    async def _on_text(self, socket: Socket, text: str) -> None:
        try:
            command = self._command.decode(text)
        except msgspec.DecodeError:
            self._say(socket, "error", f"Error parsing JSON into valid websocket request: {text}")
            return
        if command.method == "ping":
            socket.send('{"channel":"pong"}')
        elif command.method == "subscribe" and command.subscription is not None:
            self._subscribe(socket, command.subscription)
        elif command.method == "unsubscribe" and command.subscription is not None:
            socket.subscriptions.discard(_encode(command.subscription))
            self._acknowledge(socket, command.method, command.subscription)
        else:
            self._say(socket, "error", f"Error parsing JSON into valid websocket request: {text}")

    def _subscribe(self, socket: Socket, wanted: Subscription) -> None:
        key = _encode(wanted)
        if not self._exists(wanted):
            self._say(socket, "error", f"Invalid subscription {key}")
        elif key in socket.subscriptions:
            self._say(socket, "error", f"Already subscribed: {key}")
        elif wanted.user and wanted.user not in (users := self._users()) and len(users) >= USERS_PER_ADDRESS:
            self._say(socket, "error", f"Cannot track more than {USERS_PER_ADDRESS} total users.")
        else:
            socket.subscriptions.add(key)
            if wanted.user:
                socket.kind = "private"
            self._acknowledge(socket, "subscribe", wanted)
            for channel, data in self._messages(wanted):
                self._say(socket, channel, data)

    def _exists(self, wanted: Subscription) -> bool:
        if wanted.type == "activeAssetCtx":
            return (VENUE, wanted.coin) in self._world.contracts
        if wanted.dex and wanted.dex not in self._oracle.dexes():
            return False
        return wanted.type in MARKET_TYPES or (wanted.type in USER_TYPES and bool(wanted.user))

    def _users(self) -> set[str]:
        return {wanted.user for socket in self._hub for wanted in self._wanted(socket) if wanted.user}

    def _wanted(self, socket: Socket) -> list[Subscription]:
        return [self._subscription.decode(key) for key in sorted(socket.subscriptions)]

    def _acknowledge(self, socket: Socket, method: str, wanted: Subscription) -> None:
        self._say(socket, "subscriptionResponse", {"method": method, "subscription": wanted})

    # --- publication ------------------------------------------------------------------------------

    def publish(self, symbols: Sequence[str] | None = None) -> None:
        """Market contexts of now, of some coins or of all; with all, the states of every watched user too."""
        said: dict[str, list[str]] = {}
        for socket in self._hub:
            for wanted in self._wanted(socket):
                if wanted.user or (symbols is not None and wanted.coin not in symbols):
                    continue
                key = _encode(wanted)
                if key not in said:
                    said[key] = [_message(*message) for message in self._messages(wanted)]
                for text in said[key]:
                    socket.send(text)
        if symbols is None:
            for account in self._world.accounts_of(VENUE):
                self.tell(account.id, account.address)

    def tell(self, account: str, address: str) -> None:
        """The states of one user to whoever watches it, as often as the faults say."""
        watching = [
            (socket, wanted)
            for socket in self._hub
            for wanted in self._wanted(socket)
            if wanted.user.lower() == address
        ]
        if not watching:
            return
        copies = self._faults.event_copies(account)
        for socket, wanted in watching:
            for channel, data in self._messages(wanted) if copies else ():
                for _ in range(copies):
                    self._say(socket, channel, data)

    def _messages(self, wanted: Subscription) -> Iterator[tuple[str, Any]]:
        """What a subscription hears at this moment: nothing while it is muted."""
        state = self._faults.of(VENUE)
        if state.is_silent("private" if wanted.user else "public"):
            return
        make: dict[str, Callable[[], Any]] = {
            "webData2": lambda: self._oracle.web_data(wanted.user),
            "clearinghouseState": lambda: {
                "dex": wanted.dex,
                "user": wanted.user,
                "clearinghouseState": self._oracle.state(wanted.user, wanted.dex, "stream"),
            },
            "allDexsClearinghouseState": lambda: self._oracle.all_states(wanted.user),
            "allDexsAssetCtxs": lambda: {"ctxs": self._all_contexts()},
            "allMids": lambda: {"mids": self._oracle.answer({"type": "allMids", "dex": wanted.dex})},
        }
        if wanted.type == "activeAssetCtx":
            if wanted.coin not in state.muted_symbols:
                contract = self._world.contracts[VENUE, wanted.coin]
                yield wanted.type, {"coin": wanted.coin, "ctx": self._oracle.context(contract)}
        elif wanted.type in make:
            yield wanted.type, make[wanted.type]()

    def _all_contexts(self) -> list[list[Any]]:
        contexts: dict[str, list[Body]] = {dex: [] for dex in self._oracle.dexes()}
        for contract in self._oracle.contracts():
            contexts[dex_of(contract.symbol)].append(self._oracle.context(contract))
        return [[dex, rows] for dex, rows in contexts.items()]

    @staticmethod
    def _say(socket: Socket, channel: str, data: Any) -> None:
        socket.send(_message(channel, data))


def _message(channel: str, data: Any) -> str:
    return _encode({"channel": channel, "data": data})


def _encode(body: Any) -> str:
    return msgspec.json.encode(body).decode()
