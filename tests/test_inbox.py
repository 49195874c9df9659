"""The door into the engine."""

from __future__ import annotations

import asyncio

import pytest

from monitor.domain.event import StreamAlive, StreamGap
from monitor.inbox import Inbox
from monitor.names import Metrics
from tests.support.facts import ACCOUNT, delta, mark


def test_the_newest_mark_of_an_instrument_wins() -> None:
    """A burst of marks becomes one a symbol."""
    inbox = Inbox(Metrics())
    for at in range(1, 100):
        inbox.post(mark("BTCUSDT", float(at), at))
        inbox.post(mark("ETHUSDT", float(at), at))
    assert {(event.instrument[-7:], event.mark) for event in inbox.take().marks} == {
        ("BTCUSDT", 99.0),
        ("ETHUSDT", 99.0),
    }


def test_a_confirming_delta_does_not_hide_the_mark_before_it() -> None:
    """Conflation keeps what only the older frame told."""
    inbox = Inbox(Metrics())
    inbox.post(mark("BTCUSDT", 100.0, 1, index=101.0))
    inbox.post(mark("BTCUSDT", None, 2))
    (event,) = inbox.take().marks
    assert (event.mark, event.index, event.venue_ns) == (100.0, 101.0, 2)


def test_account_events_never_conflate() -> None:
    """Every account event arrives, in order."""
    inbox = Inbox(Metrics())
    for at in range(1000):
        inbox.post(delta(at, [], []))
    assert [event.received_ns for event in inbox.take().facts] == list(range(1000))


def test_a_full_inbox_costs_a_gap_and_never_a_silent_loss() -> None:
    """What does not fit becomes one gap of its account, after all that did fit (N10)."""
    metrics = Metrics()
    inbox = Inbox(metrics, limit=2)
    for at in range(5):
        inbox.post(delta(at, [], []))
    facts = inbox.take().facts
    assert [event.venue_ns for event in facts[:2]] == [0, 1]  # type: ignore[union-attr]
    assert isinstance(facts[2], StreamGap)
    assert (len(facts), facts[2].account) == (3, ACCOUNT)
    assert metrics.inbox_overflows._value.get() == 3


def test_the_oldest_arrival_is_known() -> None:
    """Latency is measured from the earliest frame of the batch."""
    inbox = Inbox(Metrics())
    inbox.post(StreamAlive(ACCOUNT, 7))
    inbox.post(mark("BTCUSDT", 1.0, 5))
    assert inbox.take().oldest_received_ns == 5
    assert inbox.take().oldest_received_ns is None


async def test_waiting_ends_when_something_arrives_or_the_time_is_up() -> None:
    """The engine wakes for an event, and for its tick without one."""
    inbox = Inbox(Metrics())
    await inbox.wait(0.001)
    inbox.post(StreamAlive(ACCOUNT, 1))
    await inbox.wait(3600)
    assert inbox.take().facts


@pytest.mark.parametrize("steps", range(5))
async def test_who_is_stopped_as_something_arrives_is_stopped(steps: int) -> None:
    """Python 3.11's wait_for loses a cancellation that comes with the event: the engine would never end."""
    inbox = Inbox(Metrics())

    async def engine() -> None:
        while True:
            await inbox.wait(20.0)
            inbox.take()

    running = asyncio.create_task(engine())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    inbox.post(mark("BTCUSDT", 1.0, 1))
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running}, timeout=1.0)
    assert running.cancelled()
