"""The one door into the engine. Marks conflate, account facts never do, and a full inbox costs a snapshot,
never a loss."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from monitor.domain.event import AssetPrice, Event, MarkPrice, StreamGap
from monitor.domain.identity import AccountId
from monitor.names import Metrics

LIMIT = 100_000  # account events of some 30 s of the worst hour


class Batch(msgspec.Struct, frozen=True):
    """All that arrived since the last turn: facts in order, then the newest price of each instrument."""

    facts: tuple[Event, ...]
    marks: tuple[MarkPrice, ...]
    assets: tuple[AssetPrice, ...]

    @property
    def oldest_received_ns(self) -> int | None:
        """The earliest of the batch, monotonic."""
        times = [event.received_ns for group in (self.facts, self.marks, self.assets) for event in group]
        return min(times, default=None)


class Inbox:
    """Bounded by meaning: the newest price per instrument, everything else in order up to `limit`."""

    def __init__(self, metrics: Metrics, limit: int = LIMIT) -> None:
        self._metrics = metrics
        self._limit = limit
        self._facts: deque[Event] = deque()
        self._marks: dict[str, MarkPrice] = {}
        self._assets: dict[tuple[str, str], AssetPrice] = {}
        self._overflowed: dict[tuple[str, AccountId | None], StreamGap] = {}
        self._arrived = asyncio.Event()
        self._conflated = 0  # since the last turn

    def post(self, event: Event) -> None:
        """Takes an event; never waits."""
        if isinstance(event, MarkPrice):
            self._post_mark(event)
        elif isinstance(event, AssetPrice):
            self._assets[event.venue, event.asset] = event
        elif len(self._facts) < self._limit:
            self._facts.append(event)
        else:
            self._overflow(event)
        self._arrived.set()

    async def wait(self, timeout_s: float) -> None:
        """Returns when something has arrived, or after `timeout_s`."""
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return

    def take(self) -> Batch:
        """Everything so far; the inbox is empty afterwards."""
        # Accounts whose events did not fit come last: their gap covers all that was lost before it.
        facts = (*self._facts, *self._overflowed.values())
        batch = Batch(facts, tuple(self._marks.values()), tuple(self._assets.values()))
        self._metrics.inbox_conflated.inc(self._conflated)
        self._conflated = 0
        self._metrics.inbox_depth.set(len(facts) + len(self._marks) + len(self._assets))
        self._facts.clear()
        self._marks.clear()
        self._assets.clear()
        self._overflowed.clear()
        self._arrived.clear()
        return batch

    def _post_mark(self, event: MarkPrice) -> None:
        before = self._marks.get(event.instrument)
        if before is not None:
            self._conflated += 1
            event = _merged(before, event)
        self._marks[event.instrument] = event

    def _overflow(self, event: Event) -> None:
        self._metrics.inbox_overflows.inc()
        account = getattr(event, "account", None)
        venue = account.split("/", 1)[0] if account is not None else getattr(event, "venue", "")
        self._overflowed[venue, account] = StreamGap(venue, account, "inbox full", event.received_ns)


def _merged(before: MarkPrice, after: MarkPrice) -> MarkPrice:
    """The newer of two, with what only the other one told; an older arrival changes nothing that the newer
    one says."""
    if after.venue_ns < before.venue_ns:
        before, after = after, before
    if after.mark is not None and after.index is not None and before.forward is None:
        return after
    return MarkPrice(
        after.instrument,
        before.mark if after.mark is None else after.mark,
        before.index if after.index is None else after.index,
        before.funding_rate if after.funding_rate is None else after.funding_rate,
        before.next_funding_ns if after.next_funding_ns is None else after.next_funding_ns,
        after.venue_ns,
        after.received_ns,
        before.forward if after.forward is None else after.forward,
        before.volatility if after.volatility is None else after.volatility,
    )
