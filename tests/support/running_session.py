"""A session that runs beside a test, with times of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.session import Session, Tools
from adapters.venue import Stream
from tests.support.fake_stream import VENUE, Ear, StreamServer, WordCodec, tools


def stream_to(server: StreamServer, **changed: Any) -> Stream:
    """A stream with times of a test."""
    plain = Stream(name="public", url=server.url, codec=WordCodec(), data_deadline_s=None, ping_every_s=0.1)
    return msgspec.structs.replace(plain, **changed)


@asynccontextmanager
async def session(
    stream: Stream, ear: Ear, kit: Tools | None = None, name: str = "public"
) -> AsyncIterator[Session]:
    """A running session that always connects to this stream."""
    kit = kit or tools()

    async def define() -> Stream:
        return stream

    running = Session(VENUE, name, VENUE, define, ear.tell, kit.gate.public_connects, kit)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()
