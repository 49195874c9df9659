"""One websocket connection from opening to its end. It never retries: `session` does.

Three watchers run beside the reader, because each kind of silence looks different: no data (the venue's
feed died), no pong (the socket is half open), and a heartbeat that the venue wants from us.
A link that is found dead is aborted: a polite close waits for the dead to answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from adapters.venue import Stream
from monitor.clock import Clock

AT_ONCE_S = 1.0
GRACE_S = 0.05  # after a stall of ours, what waits in the socket is read before silence is believed
SERVICE_RESTART = {1001, 1012, 1013}  # the venue goes away in order, and is back at another address
TOO_BIG = 1009
RATE_LIMITED_STATUS = {418, 429}
RATE_LIMITED_PAUSE_S = 60.0  # where the venue names no time

# The library writes request lines, and with them listen keys, at level DEBUG.
_QUIET = logging.getLogger("margind.websockets")
_QUIET.setLevel(logging.CRITICAL)


class StreamBroken(Exception):
    """A stream ended. `reason` is of a small set, for counting; `detail` is for people, no address in it."""

    def __init__(
        self,
        reason: str,
        detail: str,
        since_ns: int | None = None,  # the last good datum, where there was one
        at_once: bool = False,  # the venue asked us to come again
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.since_ns = since_ns
        self.at_once = at_once
        self.retry_after_s = retry_after_s


class Link:
    """`hear(frame, received_ns)` answers whether the frame was data; it may raise StreamBroken."""

    def __init__(
        self,
        stream: Stream,
        clock: Clock,
        hear: Callable[[Link, bytes, int], bool],
        alive: Callable[[int], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.stream = stream
        self.opened_ns = 0
        self.first_sign: asyncio.Future[None] = loop.create_future()  # data, or a pong where data may be rare
        self.leaving: asyncio.Future[None] = loop.create_future()  # the venue announced that it will cut
        self._clock = clock
        self._hear = hear
        self._alive = alive
        self._socket: ClientConnection | None = None
        self._rest: tuple[str, ...] = ()  # subscriptions that are still to be sent
        self._data_ns = 0
        self._frame_ns = 0  # any frame, data or not
        self._heard_ns = 0  # a frame or a pong
        self._failure: asyncio.Future[StreamBroken] = loop.create_future()

    async def open(self) -> None:
        """Connects and subscribes; raises StreamBroken. The data deadline runs from here."""
        stream = self.stream
        try:
            async with asyncio.timeout(stream.open_timeout_s):
                self._socket = await connect(
                    stream.url,
                    compression=None,
                    ping_interval=None,
                    open_timeout=None,
                    close_timeout=1,
                    max_size=stream.max_frame_bytes,
                    logger=_QUIET,
                )
        except TimeoutError:
            raise StreamBroken("refused", "no connection in time") from None
        except InvalidStatus as refused:
            broken = _refusal(refused.response.status_code, refused.response.headers.get("Retry-After"))
        except (OSError, EOFError, WebSocketException) as failed:
            broken = StreamBroken("refused", f"no connection: {type(failed).__name__}")
        else:
            self.opened_ns = self._data_ns = self._frame_ns = self._heard_ns = self._clock.monotonic_ns()
            # A second's worth at once; while the rest is sent, what comes is read, or the socket would fill.
            at_once = max(2, round(stream.sends_per_s * AT_ONCE_S))
            self._rest = stream.subscribe[at_once:]
            await self.send(stream.subscribe[:at_once])
            return
        raise broken  # outside of `except`: the library's error names the address

    @property
    def asking_s(self) -> float:
        """How long the subscriptions that are left take to be sent."""
        return len(self._rest) / self.stream.sends_per_s

    async def send(self, frames: tuple[str, ...]) -> None:
        """Sends frames, not faster than the venue allows; raises StreamBroken when the socket takes none."""
        for number, frame in enumerate(frames):
            if number:
                await asyncio.sleep(1 / self.stream.sends_per_s)
            try:
                async with asyncio.timeout(self.stream.open_timeout_s):
                    await self._open_socket().send(frame)
            except TimeoutError:
                raise StreamBroken("half_open", "the socket takes nothing", self._heard_ns) from None
            except ConnectionClosed as closed:
                raise self._closed(closed) from None

    async def run(self) -> None:
        """Reads until the link breaks; always ends with StreamBroken, and with the socket gone."""
        watchers = [self._read, self._watch_pongs, self._watch_failure, self._subscribe_rest]
        if self.stream.data_deadline_s is not None:
            watchers.append(self._watch_data)
        if self.stream.heartbeat is not None:
            watchers.append(self._send_heartbeats)
        try:
            async with asyncio.TaskGroup() as group:
                for watcher in watchers:
                    group.create_task(watcher())
        except ExceptionGroup as failed:
            broken, others = failed.split(StreamBroken)
            if others is not None or broken is None:
                raise
            first = broken.exceptions[0]
        finally:
            self.abort()
        raise first

    def fail(self, broken: StreamBroken) -> None:
        """Ends the link from outside."""
        if not self._failure.done():
            self._failure.set_result(broken)

    def abort(self) -> None:
        """Drops the socket without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _read(self) -> None:
        socket = self._open_socket()
        try:
            while True:
                frame = await socket.recv(decode=False)
                self._frame_ns = self._heard_ns = received_ns = self._clock.monotonic_ns()
                if self._hear(self, frame, received_ns):
                    self._data_ns = received_ns
                    self._signs()
        except ConnectionClosed as closed:
            raise self._closed(closed) from None

    async def _subscribe_rest(self) -> None:
        for frame in self._rest:
            await asyncio.sleep(1 / self.stream.sends_per_s)
            await self.send((frame,))
        self._rest = ()

    async def _watch_failure(self) -> None:
        raise await self._failure

    async def _watch_data(self) -> None:
        deadline_s = self.stream.data_deadline_s
        assert deadline_s is not None
        graced = False
        while True:
            left_s = deadline_s - (self._clock.monotonic_ns() - self._data_ns) / 1e9
            if left_s > 0:
                graced = False
                await asyncio.sleep(left_s)
            elif not graced:
                graced = True
                await asyncio.sleep(GRACE_S)
            else:
                reason = "heartbeat_only" if self._frame_ns > self._data_ns else "silent"
                raise StreamBroken(reason, f"no data for {deadline_s - left_s:.1f} s", self._data_ns)

    async def _watch_pongs(self) -> None:
        while True:
            pong = await self._ping()
            if pong is None:
                return  # the reader knows why
            await asyncio.wait({pong}, timeout=self.stream.pong_timeout_s)
            if not pong.done():
                await asyncio.sleep(GRACE_S)
            if not pong.done():
                raise StreamBroken("half_open", "no pong", self._heard_ns)
            if pong.cancelled() or pong.exception() is not None:
                return
            self._heard_ns = self._clock.monotonic_ns()
            self._alive(self._heard_ns)
            if self.stream.data_deadline_s is None:
                self._signs()
            await asyncio.sleep(self.stream.ping_every_s)

    async def _ping(self) -> asyncio.Future[float] | None:
        try:
            async with asyncio.timeout(self.stream.pong_timeout_s):
                return asyncio.ensure_future(await self._open_socket().ping())
        except TimeoutError:
            raise StreamBroken("half_open", "the socket takes no ping", self._heard_ns) from None
        except ConnectionClosed:
            return None

    async def _send_heartbeats(self) -> None:
        assert self.stream.heartbeat is not None
        while True:
            await asyncio.sleep(self.stream.heartbeat_every_s)
            await self.send((self.stream.heartbeat,))

    def _signs(self) -> None:
        """Life counts once everything is asked for: a link that takes over must not leave symbols behind."""
        if not self._rest and not self.first_sign.done():
            self.first_sign.set_result(None)

    def _open_socket(self) -> ClientConnection:
        assert self._socket is not None
        return self._socket

    def _closed(self, closed: ConnectionClosed) -> StreamBroken:
        sent = closed.sent.code if closed.sent is not None else None
        code = closed.rcvd.code if closed.rcvd is not None else None
        if sent == TOO_BIG:
            return StreamBroken("too_big", "a frame above the size limit", self._heard_ns)
        if code in SERVICE_RESTART:
            return StreamBroken("service_restart", f"closed with {code}", self._heard_ns, at_once=True)
        detail = "cut without a word" if code is None else f"closed with {code}"
        return StreamBroken("closed", detail, self._heard_ns)


def _refusal(status: int, retry_after: str | None) -> StreamBroken:
    if status not in RATE_LIMITED_STATUS:
        return StreamBroken("refused", f"handshake answered {status}")
    named = retry_after is not None and retry_after.isascii() and retry_after.isdigit()
    pause_s = float(retry_after) if named and retry_after is not None else RATE_LIMITED_PAUSE_S
    return StreamBroken("rate_limited", f"handshake answered {status}", retry_after_s=pause_s)
