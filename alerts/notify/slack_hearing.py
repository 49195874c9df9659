"""How presses reach us: over a socket that we open (Socket Mode), or as signed requests to a local port.

Slack wants its answer within 3 s, so what was pressed is queued and answered at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alerts.aids import Aids
from alerts.notify.destination import open_session
from alerts.notify.slack_api import SlackApi, client_of, quiet
from alerts.notify.slack_pressed import Presses
from alerts.notify.slack_signed import SignedDoor
from alerts.notify.slack_threads import SlackThreads
from monitor.config import Secret

log = structlog.get_logger()
WAITING = 100  # presses; further ones are not acknowledged, and Slack says so to who pressed
PING_S = 10.0
CONNECT_S = 60.0  # slack_sdk tries for ever and says nothing: past this it is a crash, counted and logged
LOOK_S = 30.0
Check = Callable[[], Awaitable[None]]  # raises ConnectionError where nothing is heard any more


class Hearing(NamedTuple):
    """Who may press, and which way it comes: one of the two is given."""

    users: frozenset[str]
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    listen: str | None = None


async def hearing(hears: Hearing, receiver: str, api: SlackApi, threads: SlackThreads, aids: Aids) -> None:
    """Takes presses in until it is cancelled."""
    presses = Presses(receiver, hears.users, api, threads, aids)
    queue: asyncio.Queue[object] = asyncio.Queue(WAITING)

    def offer(content: object) -> bool:
        try:
            queue.put_nowait(content)
        except asyncio.QueueFull:
            aids.metrics.answered.labels(receiver, "too_many").inc()
            return False
        return True

    if hears.app_token is not None:
        way = _socket(hears.app_token, api, offer)
    else:
        assert hears.signing_secret is not None and hears.listen is not None
        door = SignedDoor(hears.signing_secret, hears.listen, aids.clock, offer)
        door.on_refusal = lambda: aids.metrics.answered.labels(receiver, "forged").inc()
        way = door.opened()
    async with way as check:
        log.info("slack_listens", receiver=receiver)
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    content = await queue.get()
            except TimeoutError:
                await check()
            else:
                await presses.take(content)


@contextlib.asynccontextmanager
async def _socket(token: Secret, api: SlackApi, offer: Callable[[object], bool]) -> AsyncIterator[Check]:
    """slack_sdk keeps it open, and opens it anew."""

    async def on_request(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        is_press = request.type == "interactive"
        if not is_press or offer(request.payload):
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

    session = open_session(allow_private=api.allow_private)
    client = SocketModeClient(
        token.reveal(),
        logger=quiet,
        web_client=client_of("", api.url, session),
        ping_interval=PING_S,
    )
    client.proxy = None
    unguarded, client.aiohttp_client_session = client.aiohttp_client_session, session
    await unguarded.close()
    client.socket_mode_request_listeners.append(on_request)
    try:
        async with asyncio.timeout(CONNECT_S):
            await client.connect()  # type: ignore[no-untyped-call]
        yield _checking(client)
    finally:
        await client.close()  # type: ignore[no-untyped-call]
        await session.close()


def _checking(client: SocketModeClient) -> Check:
    """Fails where the socket was found closed twice in a row."""
    missed = 0

    async def check() -> None:
        nonlocal missed
        missed = 0 if await client.is_connected() else missed + 1
        if missed > 1:
            raise ConnectionError("the socket to Slack is closed, and is not opened again")

    return check
