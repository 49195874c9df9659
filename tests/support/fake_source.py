"""A snapshot source and a venue that answer what a test puts in their mouth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from adapters.account_feed import AccountFeed
from adapters.gate import ConnectLimit, VenueGate
from adapters.session import Tools
from adapters.venue import SnapshotSource, Stream
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import (
    AccountSnapshot,
    BalanceFact,
    Instruments,
    PoolFact,
    PositionFact,
)
from monitor.domain.identity import InstrumentId
from monitor.names import Metrics
from tests.support.fake_stream import ACCOUNT, MANY, VENUE, Ear

Answer = Exception | None


class FakeSource:
    """Answers come from lists, the last one for ever; None is success. `hold` makes snapshots wait."""

    def __init__(self, stream: Callable[[], Stream], clock: Clock) -> None:
        self.clock = clock
        self.stream = stream
        self.key_answers: list[Answer] = [None]
        self.snapshot_answers: list[Answer] = [None]
        self.stream_answers: list[Answer] = [None]
        self.keep_alive_answers: list[Answer] = [None]
        self.instrument_answers: list[Answer] = [None]
        self.calls: list[tuple[str, float]] = []
        self.confirms: list[bool] = []
        self.hold: asyncio.Event | None = None
        self.venue_ns = 100
        self.held: tuple[str, ...] = ("BTC",)
        self.closed = 0

    def count(self, name: str) -> int:
        """How often a method was called."""
        return sum(called == name for called, _ in self.calls)

    def times_s(self, name: str) -> list[float]:
        """When it was called, on the loop's clock."""
        return [at_s for called, at_s in self.calls if called == name]

    async def check_key(self) -> None:
        """As told."""
        self._answer("check_key", self.key_answers)

    async def instruments(self) -> Instruments:
        """Nothing is listed."""
        self._answer("instruments", self.instrument_answers)
        return Instruments(VENUE, (), (), self.clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """One pool with a position in each of `held`."""
        self.confirms.append(confirm)
        self._answer("snapshot", self.snapshot_answers)
        venue_ns = self.venue_ns
        if self.hold is not None:
            await self.hold.wait()
        return AccountSnapshot(
            account=ACCOUNT,
            pools=(PoolFact("cross", "tiered", "USD"),),
            balances=(BalanceFact("cross", "USD", Decimal(10)),),
            positions=tuple(
                PositionFact(
                    "cross", InstrumentId(f"{VENUE}:{symbol}"), "", Decimal(1), Decimal(1), Decimal(1)
                )
                for symbol in self.held
            ),
            marks={},
            venue_ns=venue_ns,
            received_ns=self.clock.monotonic_ns(),
            confirmed=confirm,
        )

    async def private_stream(self) -> Stream:
        """As told."""
        self._answer("private_stream", self.stream_answers)
        return self.stream()

    async def keep_alive(self) -> None:
        """As told."""
        self._answer("keep_alive", self.keep_alive_answers)

    async def close(self) -> None:
        """Counts."""
        self.closed += 1

    def _answer(self, name: str, answers: list[Answer]) -> None:
        self.calls.append((name, asyncio.get_running_loop().time()))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is not None:
            raise answer


class FakeVenue:
    """A VenueSpec around one source."""

    name = VENUE
    models: tuple[str, ...] = ("tiered",)
    needs_key = True
    keep_alive_every_s = 600.0
    connects: ConnectLimit = MANY

    def __init__(
        self, source: FakeSource, streams: Callable[[Sequence[InstrumentId]], tuple[Stream, ...]]
    ) -> None:
        self._source = source
        self._streams = streams

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> SnapshotSource:
        """The one."""
        return self._source

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """As told."""
        return self._streams(instruments)


DESK = Account("desk", VENUE, "desk")


def feed_of(source: FakeSource, ear: Ear, kit: Tools, held: set[InstrumentId] | None = None) -> AccountFeed:
    """A feed over a fake source; `held` collects what it says that the account holds."""
    seen = held if held is not None else set()

    def hold(instruments: Iterable[InstrumentId]) -> None:
        seen.update(instruments)

    return AccountFeed(DESK, FakeVenue(source, lambda _: ()), ear.post, kit, hold)
