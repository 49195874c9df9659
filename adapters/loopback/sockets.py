"""The websocket connections of one venue: each has a bounded queue of its own, and can be frozen or torn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiohttp import WSCloseCode, WSMsgType, web

from adapters.loopback.faults import StreamKind

QUEUE_LIMIT = 20_000  # frames; a reader that falls further behind is cut off, as venues do
POLICY_VIOLATION = 1008
CLOSE_TIMEOUT_S = 1.0

OnText = Callable[["Socket", str], Awaitable[None]]


class Socket:
    """One connection. Frames leave in order; a frozen socket neither reads nor writes."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, kind: StreamKind) -> None:
        self.kind = kind
        self.subscriptions: set[str] = set()
        self.account: str | None = None
        self.context: dict[str, str] = {}  # what the face wants to remember about it
        self._ws = ws
        self._transport = request.transport
        self._queue: asyncio.Queue[str | bytes | int] = asyncio.Queue(QUEUE_LIMIT)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._dead = False

    def send(self, frame: str | bytes) -> None:
        """Puts a frame in the queue; a full queue ends the connection."""
        if not self._dead:
            self._put(frame)

    def close(self, code: int) -> None:
        """Closes after what is queued."""
        self._put(code)

    def ping(self) -> None:
        """A websocket ping, after what is queued."""
        if not self._dead:
            self._put(-1)

    def freeze(self, *, for_ever: bool = False) -> None:
        """Stops reading and writing; the connection stays open."""
        self._dead = self._dead or for_ever
        self._flowing.clear()
        if self._transport is not None:
            self._transport.pause_reading()

    def thaw(self) -> None:
        """Goes on, unless frozen for ever."""
        if not self._dead:
            self._flowing.set()
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def abort(self) -> None:
        """Resets the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _put(self, item: str | bytes | int) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.abort()

    async def write(self) -> None:
        """Sends what is queued until told to close."""
        while True:
            item = await self._queue.get()
            await self._flowing.wait()
            try:
                if isinstance(item, str):
                    await self._ws.send_str(item)
                elif isinstance(item, bytes):
                    await self._ws.send_bytes(item)
                elif item == -1:
                    await self._ws.ping()
                else:
                    await self._ws.close(code=item)
                    return
            except ConnectionError:  # the other side is gone; the reader ends this connection
                return

    async def read(self, on_text: OnText) -> None:
        """Hands every text message to `on_text` until the connection ends."""
        async for message in self._ws:
            if message.type is WSMsgType.TEXT:
                await on_text(self, message.data)
            elif message.type is WSMsgType.BINARY:
                self.close(WSCloseCode.UNSUPPORTED_DATA)


class Hub:
    """All connections of one venue."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self.opened = 0  # connections since the start

    def of_kind(self, kinds: Iterable[StreamKind]) -> list[Socket]:
        """The connections of these kinds."""
        wanted = set(kinds)
        return [socket for socket in self._sockets if socket.kind in wanted]

    def __iter__(self) -> Iterator[Socket]:
        return iter(tuple(self._sockets))

    def __len__(self) -> int:
        return len(self._sockets)

    async def serve(
        self,
        request: web.Request,
        kind: StreamKind,
        on_open: Callable[[Socket], None],
        on_text: OnText,
    ) -> web.WebSocketResponse:
        """Upgrades the request and lives with the connection until it ends."""
        ws = web.WebSocketResponse(compress=False, timeout=CLOSE_TIMEOUT_S)
        await ws.prepare(request)
        socket = Socket(ws, request, kind)
        self._sockets.add(socket)
        self.opened += 1
        try:
            on_open(socket)
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(socket.write())
                await socket.read(on_text)
                writer.cancel()
        finally:
            self._sockets.discard(socket)
        return ws
