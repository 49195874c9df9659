"""One venue's public side: what its instruments are, and what they cost now. Shared by its accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from adapters.backoff import Backoff
from adapters.session import Alive, Broken, Flowing, Misheard, Moved, Opened, Session, Signal, Tools
from adapters.venue import (
    KeyRefused,
    Post,
    RateLimited,
    Stream,
    UnsupportedMode,
    VenueSpec,
    VenueUnavailable,
)
from monitor.config import Account
from monitor.domain.event import Event, Instruments, StreamGap, StreamReady
from monitor.domain.identity import InstrumentId

log = structlog.get_logger()
DEFINITIONS_S = 300.0  # tiers change with notice; five minutes is the promise (FAULTS D11)
DEFINITIONS_SOON_S = 10.0  # at least between two readings because of an instrument that nobody knew
DEFINITIONS_TIMEOUT_S = 60.0
SLOWLY_S = 60.0


class PublicFeed:
    """Run one per venue and endpoints (`gate.market_key`), supervised, with all accounts that share them.

    Definitions need a key at some venues; any account's will do, so a refused one costs a try, not the venue.
    """

    def __init__(self, accounts: Sequence[Account], spec: VenueSpec, post: Post, tools: Tools) -> None:
        self._accounts = accounts
        self._spec = spec
        self._post = post
        self._tools = tools
        self._clock = tools.clock
        self._watched: set[InstrumentId] = set()
        self._defined: frozenset[InstrumentId] = frozenset()
        self._grown = asyncio.Event()
        self._unknown = asyncio.Event()
        self._sessions: dict[str, Session] = {}
        self._sent: dict[str, tuple[str, ...]] = {}
        self._broken: dict[str, str] = {}

    def watch(self, instruments: Iterable[InstrumentId]) -> None:
        """Marks of these are wanted; one that is not defined yet makes the definitions be read again."""
        more = set(instruments) - self._watched
        if more:
            self._watched |= more
            self._grown.set()
            if self._defined and not more <= self._defined:
                self._unknown.set()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_definitions())
            group.create_task(self._keep_streams(group))

    async def _keep_definitions(self) -> None:
        backoff = Backoff(self._tools.rng, first_s=1.0)
        turn = 0
        while True:
            defined, pause_s = await self._define(self._accounts[turn % len(self._accounts)])
            if defined is None:
                turn += 1
                # With one account left to ask, a refusal is waited out; with more, the next is asked soon.
                is_last = turn % len(self._accounts) == 0
                await asyncio.sleep(max(pause_s, backoff.next_s()) if is_last else backoff.next_s())
                continue
            backoff.reset()
            self._defined = frozenset(instrument.id for instrument in defined.instruments)
            self._post(defined)
            await self._until_definitions_are_old()

    async def _until_definitions_are_old(self) -> None:
        self._unknown.clear()
        await asyncio.sleep(DEFINITIONS_SOON_S)
        try:
            async with asyncio.timeout(DEFINITIONS_S * self._tools.rng.uniform(0.8, 1) - DEFINITIONS_SOON_S):
                await self._unknown.wait()
        except TimeoutError:
            return

    async def _define(self, account: Account) -> tuple[Instruments | None, float]:
        source = self._spec.source(account, self._clock, self._tools.metrics, self._tools.gate)
        try:
            async with asyncio.timeout(DEFINITIONS_TIMEOUT_S):
                return await source.instruments(), 0.0
        except RateLimited as limited:
            return None, limited.retry_after_s
        except (KeyRefused, UnsupportedMode) as refused:
            log.warning("definitions_refused", venue=self._spec.name, error=str(refused))
            return None, SLOWLY_S
        except (VenueUnavailable, TimeoutError) as failed:
            log.warning("definitions_failed", venue=self._spec.name, error=str(failed) or "time-out")
            return None, 0.0
        finally:
            await source.close()

    async def _keep_streams(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._grown.clear()
            for stream in self._streams():
                await self._keep(group, stream)
            await self._grown.wait()

    async def _keep(self, group: asyncio.TaskGroup, stream: Stream) -> None:
        session = self._sessions.get(stream.name)
        if session is not None:
            await self._subscribe_more(session, stream)
            return
        session = Session(
            self._spec.name,
            stream.name,
            self._spec.name,
            lambda: self._latest(stream.name),
            lambda news: self._tell(stream, news),
            self._tools.gate.public_connects,
            self._tools,
        )
        self._sessions[stream.name] = session
        group.create_task(session.run())

    async def _subscribe_more(self, session: Session, stream: Stream) -> None:
        """Sends what the open connection does not have yet; one being opened says Opened first."""
        sent = set(self._sent.get(stream.name, ()))
        more = tuple(frame for frame in stream.subscribe if frame not in sent)
        if more and await session.send(more):
            self._sent[stream.name] = stream.subscribe

    def _streams(self) -> tuple[Stream, ...]:
        return self._spec.public_streams(self._accounts[0], sorted(self._watched))

    async def _latest(self, name: str) -> Stream:
        """The stream as it is wanted now, with a codec of its own."""
        stream = next(stream for stream in self._streams() if stream.name == name)
        self._sent[name] = stream.subscribe
        return stream

    def _tell(self, stream: Stream, news: Sequence[Event] | Signal) -> None:
        if not isinstance(news, msgspec.Struct):  # nearly all that is told: looked at before the rest
            for event in news:
                self._post(event)
            return
        match news:
            case Opened() | Moved():
                self._grown.set()  # the list may have grown since it was read for this connection
            case Alive() | Misheard():
                return
            case Flowing(at_ns):
                if stream.carries_marks:
                    self._mend(stream.name, at_ns)
            case Broken(_, detail, since_ns):
                if stream.carries_marks:
                    self._break(stream.name, detail, since_ns)

    def _break(self, name: str, detail: str, since_ns: int) -> None:
        """All marks of the venue are unknown while one stream is down: who was on it, nobody says."""
        known = self._broken.get(name)
        self._broken[name] = detail
        if known != detail:
            self._post(StreamGap(self._spec.name, None, detail, since_ns))

    def _mend(self, name: str, at_ns: int) -> None:
        self._broken.pop(name, None)
        if not self._broken:
            self._post(StreamReady(self._spec.name, None, at_ns))
