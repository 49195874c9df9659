"""An account feed in virtual time, with a session that needs no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from adapters.link import StreamBroken
from adapters.session import Alive, Broken, Opened, Session, Tell
from adapters.venue import (
    Stream,
)
from monitor.domain.identity import InstrumentId
from tests.support.fake_source import FakeSource, feed_of
from tests.support.fake_stream import Ear, WordCodec, tools
from tests.support.virtual_time import LoopClock

Step = Callable[["Stage"], Awaitable[None]]


class FakeSession(Session):
    """Connects without a socket whenever `define` gives it a stream; tells what a test tells it."""

    made: list[FakeSession]
    tell: Tell

    def __init__(self, venue: str, name: str, who: str, define: object, tell: Tell, *rest: object) -> None:
        super().__init__(venue, name, who, define, tell, *rest)  # type: ignore[arg-type]
        self.tell = tell
        self.reopened: list[str] = []
        FakeSession.made.append(self)

    async def run(self) -> None:
        """Opened at once, then a pong every two seconds."""
        broken = None
        while broken is None:
            try:
                await self._define()
            except StreamBroken as refused:
                self.tell(Broken(refused.reason, refused.detail, self._tools.clock.monotonic_ns()))
                await asyncio.sleep(refused.retry_after_s + 1)
                continue
            break
        self.tell(Opened(self._tools.clock.monotonic_ns()))
        while True:
            self.tell(Alive(self._tools.clock.monotonic_ns()))
            await asyncio.sleep(2)

    def reopen(self, detail: str) -> None:
        """Written down."""
        self.reopened.append(detail)


class Stage:
    """A feed in virtual time, with everything around it."""

    def __init__(self) -> None:
        self.kit = tools(clock=LoopClock())
        self.ear = Ear()
        self.held: set[InstrumentId] = set()
        self.source = FakeSource(lambda: Stream("private", "", WordCodec()), self.kit.clock)
        self.feed = feed_of(self.source, self.ear, self.kit, self.held)

    @property
    def session(self) -> FakeSession:
        """The feed's newest session."""
        return FakeSession.made[-1]
