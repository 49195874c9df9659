"""The other side of the frame benchmark, a process of its own: a venue's sockets and the desk's webhook.

It sends Bybit's linear tickers at a steady rate, rendered beforehand down to the websocket frame (the time
is written in as each leaves). A fall is one frame in which one contract loses much at once, a crash the same
of all of them. What to do it reads line by line on stdin, and answers in JSON on stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import struct
import sys
import time
from typing import NamedTuple

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SYMBOLS = 500  # each ten times a second, as the venue tells them
RATE = 5_000  # frames a second, until another is asked for
SLICE_S = 0.002  # so often a handful leaves
PRICE = 100.0
FALL = 0.92  # of the price, at once
WOBBLE = 0.0002
VARIANTS = 20  # frames rendered for each contract, before and after its fall
TIME_DIGITS = 13
OPEN_FILES = 8_192


class Ready(NamedTuple):
    """Ports of the process, in its first line."""

    sockets: int
    webhook: int


class Report(NamedTuple):
    """What the process saw; times are of the machine's monotonic clock."""

    sent: int
    sent_s: float
    fell_ns: dict[str, int]  # by symbol: when the frame of its fall was written
    told_ns: dict[str, int]  # by pool: when the message of its crossing was read


def symbol(number: int) -> str:
    """A name of ten characters, so that all frames are of one length."""
    return f"C{number:03d}USDT"


class Replayer:
    """Frames of all contracts in turn, at the rate, until it is stopped."""

    def __init__(self, seed: int = 1) -> None:
        rng = random.Random(seed)
        self._frames = [_rendered(number, PRICE, rng) for number in range(SYMBOLS)]
        self._fallen = [_rendered(number, PRICE * FALL, rng) for number in range(SYMBOLS)]
        self._crashed = [_rendered(number, PRICE * FALL**2, rng) for number in range(SYMBOLS)]
        self._next = 0
        self._began_s = 0.0
        self._rate = RATE
        self._open: ServerConnection | None = None
        self.sent = 0
        self.fell_ns: dict[str, int] = {}

    async def follow(self, connection: ServerConnection) -> None:
        """Sends on this connection for as long as it lives."""
        self._open = connection
        self._began_s, self.sent = time.monotonic(), 0
        while connection.transport and not connection.transport.is_closing():
            due = int((time.monotonic() - self._began_s) * self._rate)
            self._send([self._frame() for _ in range(due - self.sent)])
            await asyncio.sleep(SLICE_S)

    def restart_count(self, rate: int) -> None:
        """It goes on at this rate, counted from here."""
        self._rate = rate
        self._began_s, self.sent = time.monotonic(), 0

    def sent_s(self) -> float:
        """How long it has been counted."""
        return time.monotonic() - self._began_s

    def fall(self, number: int) -> None:
        """One contract loses much; it stays there."""
        self._frames[number] = self._fallen[number]
        self.fell_ns[symbol(number)] = time.monotonic_ns()
        self._send([_stamped(self._frames[number][0])])

    def crash(self) -> None:
        """All contracts lose as much again, in one burst of frames."""
        self._frames = self._crashed
        self._send([_stamped(frames[0]) for frames in self._frames])

    def _frame(self) -> bytes:
        number = self._next % SYMBOLS
        variant = self._next // SYMBOLS % VARIANTS
        self._next += 1
        return _stamped(self._frames[number][variant])

    def _send(self, frames: list[bytes]) -> None:
        if frames and self._open is not None:
            self._open.transport.write(b"".join(frames))
            self.sent += len(frames)


def _rendered(number: int, price: float, rng: random.Random) -> list[tuple[bytes, bytes]]:
    """What stands before and after the time, in frames of one contract around a price."""
    found = []
    for _ in range(VARIANTS):
        mark, index = (price * rng.uniform(1 - WOBBLE, 1 + WOBBLE) for _ in range(2))
        name = symbol(number)
        data = {"symbol": name, "markPrice": f"{mark:08.4f}", "indexPrice": f"{index:08.4f}"}
        data |= {"bid1Price": f"{mark:08.4f}", "bid1Size": "5.954", "openInterest": "59891.732"}
        message = {"topic": f"tickers.{name}", "type": "delta", "data": data, "cs": 753_843_900_397}
        before = json.dumps(message, separators=(",", ":"))[:-1].encode() + b',"ts":'
        length = len(before) + TIME_DIGITS + 1
        assert 126 <= length < 1 << 16
        found.append((struct.pack("!BBH", 0x81, 126, length) + before, b"}"))  # one text frame, unmasked
    return found


def _stamped(frame: tuple[bytes, bytes]) -> bytes:
    return frame[0] + b"%d" % (time.time_ns() // 1_000_000) + frame[1]


class Webhook:
    """Takes every message, and remembers when it first heard of a pool."""

    def __init__(self) -> None:
        self.told_ns: dict[str, int] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Takes it."""
        at_ns = time.monotonic_ns()
        content = json.loads(await request.read())
        if content["condition"] == "margin":
            self.told_ns.setdefault(content["pool"]["id"], at_ns)
        return web.Response(status=204)


async def main() -> None:
    """Serves until stdin says `stop`. `count R` goes on at R frames a second and counts from here, `fall N`
    lets contract N fall, `report` answers what was seen since."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    replayer, webhook = Replayer(), Webhook()

    async def connected(connection: ServerConnection) -> None:
        is_public = connection.request is not None and connection.request.path.endswith("/linear")
        if is_public:
            sending = asyncio.create_task(replayer.follow(connection))
        with contextlib.suppress(ConnectionClosed):
            while True:  # subscriptions and pings in text; a ping of the protocol answers itself
                await connection.recv()
        if is_public:
            await sending

    application = web.Application()
    application.router.add_post("/", webhook.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with serve(connected, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=2048) as server:
        sockets: int = next(iter(server.sockets)).getsockname()[1]
        _say(Ready(sockets, runner.addresses[0][1]))
        await _obey(replayer, webhook)
        for connection in server.connections:
            connection.transport.abort()
    await runner.cleanup()


async def _obey(replayer: Replayer, webhook: Webhook) -> None:
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        match words:
            case ["count", rate]:
                replayer.restart_count(int(rate))
            case ["fall", number]:
                replayer.fall(int(number))
            case ["crash"]:
                replayer.crash()
            case ["report"]:
                _say(Report(replayer.sent, replayer.sent_s(), replayer.fell_ns, webhook.told_ns))
            case _:
                return


def _say(what: Ready | Report) -> None:
    print(json.dumps(what._asdict()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
