"""Delivery: who is told, in which order, and what happens when a receiver can't or won't."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from alerts.alert import Incident, Kind, Level, Notice, Notification, notification_of
from alerts.deliver import MOST_OF_A_KEY, says_as_well
from alerts.ledger import Intent, OpenRoute
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from monitor.domain.identity import PoolId
from tests.support.alerting import Desk
from tests.support.delivering import delivering
from tests.support.ledgers import an_intent, ids_of, reopened
from tests.support.waiting import eventually


def _answers(*outcomes: Outcome) -> Iterator[Outcome]:
    yield from outcomes
    while True:
        yield Delivered()


def _scripted(name: str, *outcomes: Outcome) -> Desk:
    script = _answers(*outcomes)
    return Desk(name, lambda _: next(script))


def _page(pool: str = "alpha", level: Level = Level.CRITICAL, *receivers: str) -> Intent:
    return an_intent(pool=f"binance_usdm/{pool}/cross-USDT", level=level, routes=(receivers or ("first",),))


async def test_the_first_receiver_of_a_route_is_told(tmp_path: Path) -> None:
    """The others hear nothing while the first one takes it, and the ledger knows."""
    first, second = Desk("first"), Desk("second")
    async with delivering(tmp_path, first, second) as delivery:
        await delivery.tell(_page("alpha", Level.CRITICAL, "first", "second"), received_ns=5)
        await first.has(1)
        await eventually(delivery.is_idle, "delivery")
    assert (len(first.told), second.told, delivery.first_sends) == (1, [], [5])
    assert reopened(tmp_path).unsettled == ()


async def test_a_retry_is_the_same_message(tmp_path: Path) -> None:
    """Until it is taken the same id is sent again, and only the first attempt is measured."""
    desk = _scripted("first", Retry("HTTP 503"), Retry("HTTP 503"))
    async with delivering(tmp_path, desk) as delivery:
        await delivery.tell(_page(), received_ns=1)
        await desk.has(1)
    assert len({notification.id for notification in desk.told}) == 1
    assert (len(desk.told), delivery.first_sends) == (3, [1])
    sample = delivery.metrics.registry.get_sample_value
    assert sample("margind_notify_total", {"receiver": "first", "result": "retry"}) == 2
    assert sample("margind_notify_total", {"receiver": "first", "result": "delivered"}) == 1


async def test_a_rejection_goes_to_the_next_at_once(tmp_path: Path) -> None:
    """Nobody waits for a receiver that will never take it, whatever the level."""
    first, second = _scripted("first", Rejected("HTTP 410")), Desk("second")
    async with delivering(tmp_path, first, second) as delivery:
        await delivery.tell(_page("alpha", Level.WARNING, "first", "second"))
        await second.has(1)
        await eventually(delivery.is_idle, "delivery")
    assert len(first.told) == 1


async def test_a_critical_page_falls_through_in_time(tmp_path: Path) -> None:
    """A receiver that hangs or asks for patience does not hold a critical page; both may have it then."""
    first, second = Desk("first", lambda _: Retry("HTTP 429", after_s=3600)), Desk("second")
    async with delivering(tmp_path, first, second, fall_through_after_s=0.1) as delivery:
        await delivery.tell(_page("alpha", Level.CRITICAL, "first", "second"))
        await second.has(1)
        await eventually(delivery.is_idle, "delivery")
    assert [attempt.id for attempt in first.told] == [second.got[0].id]


async def test_a_hanging_receiver_does_not_hold_a_critical_page(tmp_path: Path) -> None:
    """While the first attempt is still under way the next receiver is told."""
    first, second = Desk("first"), Desk("second")
    first.hold = asyncio.Event()
    async with delivering(tmp_path, first, second, fall_through_after_s=0.1) as delivery:
        await delivery.tell(_page("alpha", Level.CRITICAL, "first", "second"))
        await second.has(1)
        assert first.got == []


async def test_a_warning_is_more_patient(tmp_path: Path) -> None:
    """What is not critical waits ten times as long, and is not lost behind a dead receiver either."""
    first, second = Desk("first", lambda _: Retry("HTTP 429", after_s=3600)), Desk("second")
    async with delivering(tmp_path, first, second, fall_through_after_s=0.1) as delivery:
        await delivery.tell(
            _page("mild", Level.WARNING, "first", "second"), _page("bad", Level.CRITICAL, "first", "second")
        )
        told = await second.has(2)
    assert [notification.level for notification in told] == [Level.CRITICAL, Level.WARNING]


async def test_every_route_is_told_by_itself(tmp_path: Path) -> None:
    """Delivered on one route is not delivered on the other."""
    first, second = Desk("first"), Desk("second", lambda _: Retry("HTTP 503", after_s=3600))
    intent = an_intent(routes=(("first",), ("second",)))
    async with delivering(tmp_path, first, second) as delivery:
        await delivery.tell(intent)
        await first.has(1)
        await second.was_tried(1)
        assert not await delivery.is_idle()
    (unsettled,) = reopened(tmp_path).unsettled
    assert unsettled.routes == (OpenRoute(1, ("second",)),)


async def test_the_worst_is_sent_first(tmp_path: Path) -> None:
    """What waits for a receiver leaves by level, whoever came first."""
    desk = Desk("first")
    levels = [Level.WARNING] * 30 + [Level.LIQUIDATION, Level.MARGIN_CALL, Level.CRITICAL]
    pages = [_page(f"a{number}", level) for number, level in enumerate(levels)]
    async with delivering(tmp_path, desk, before=pages):
        told = (await desk.was_tried(3))[:3]
    assert [notification.level for notification in told] == [
        Level.LIQUIDATION,
        Level.CRITICAL,
        Level.MARGIN_CALL,
    ]


async def test_a_receiver_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    """After a 429 nothing at all is sent to it before its time, also no other message."""
    desk = _scripted("first", Retry("HTTP 429", after_s=0.4))
    loop = asyncio.get_running_loop()
    async with delivering(tmp_path, desk) as delivery:
        began_s = loop.time()
        await delivery.tell(_page("a"))
        await desk.was_tried(1)
        await delivery.tell(_page("b"))
        await desk.has(2)
        assert loop.time() - began_s >= 0.4  # a lower bound: how busy the machine is does not matter


async def test_when_all_reject_all_are_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that nobody takes stays pending and is tried again, everywhere."""
    monkeypatch.setattr("alerts.deliver.LONGEST_PAUSE_S", 0.05)
    first, second = _scripted("first", *[Rejected("no")] * 3), _scripted("second", *[Rejected("no")] * 2)
    async with delivering(tmp_path, first, second) as delivery:
        await delivery.tell(_page("alpha", Level.WARNING, "first", "second"))
        await second.has(1)
    assert len(first.told) >= 2


async def test_a_crash_of_a_channel_is_a_rejection(tmp_path: Path) -> None:
    """A bug in one channel sends the page to the next one, and ends nothing."""

    def broken(_: Notification) -> Outcome:
        raise ZeroDivisionError

    first, second = Desk("first", broken), Desk("second")
    async with delivering(tmp_path, first, second) as delivery:
        await delivery.tell(_page("alpha", Level.WARNING, "first", "second"))
        await second.has(1)


async def test_an_attempt_has_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that never answers is asked again."""
    monkeypatch.setattr("alerts.deliver.ATTEMPT_S", 0.05)
    desk = Desk("first")
    desk.hold = asyncio.Event()
    async with delivering(tmp_path, desk) as delivery:
        await delivery.tell(_page())
        await desk.was_tried(2)
        desk.hold.set()
        await desk.has(1)


def _notice(number: int, level: Level, occasion: int, kind: Kind) -> Intent:
    incident = msgspec.structs.replace(
        an_intent(number, level=level).incidents[0], occasion=occasion, worst=Level.LIQUIDATION
    )
    notice = Notice(incident, kind, "basis", "")
    return Intent(notification_of(notice, None, occasion), (incident,), (("first",),))


async def _never_sent(folder: Path, *intents: Intent) -> list[tuple[int, int]]:
    """What is told, by incident and occasion, of notices that piled up before anything was sent."""
    desk = Desk("first")
    async with delivering(folder, desk, before=intents) as delivery:
        await eventually(delivery.is_idle, "delivery")
    assert ids_of(reopened(folder)) == []
    return sorted((n.incident, n.occasion) for n in desk.got)


async def test_an_escalation_replaces_what_was_never_sent(tmp_path: Path) -> None:
    """The newer and worse notice says it all; the older one is written down as superseded."""
    warned = _notice(1, Level.WARNING, 1, Kind.RAISED)
    worse = _notice(1, Level.CRITICAL, 2, Kind.ESCALATED)
    assert await _never_sent(tmp_path, warned, worse) == [(1, 2)]


async def test_an_end_does_not_replace_what_it_ends(tmp_path: Path) -> None:
    """Who was never told of the trouble is told of both."""
    raised = _notice(1, Level.CRITICAL, 1, Kind.RAISED)
    ended = _notice(1, Level.CLEAR, 2, Kind.RESOLVED)
    again = _notice(2, Level.CRITICAL, 1, Kind.RAISED)
    assert await _never_sent(tmp_path, raised, ended, again) == [(1, 1), (1, 2), (2, 1)]


async def test_what_piles_up_about_one_thing_is_bounded(tmp_path: Path) -> None:
    """A pool that comes and goes for hours while nobody can be told leaves its newest notices, not all."""
    flapping = [
        notice
        for number in range(1, 40)
        for notice in (
            _notice(number, Level.CRITICAL, 1, Kind.RAISED),
            _notice(number, Level.CLEAR, 2, Kind.RESOLVED),
        )
    ]
    told = await _never_sent(tmp_path, *flapping)
    assert len(told) == MOST_OF_A_KEY
    assert told[-1] == (39, 2)


def _of(number: int, level: Level, occasion: int, others: tuple[str, ...] = ()) -> Notification:
    base = an_intent(number)
    incident: Incident = msgspec.structs.replace(base.incidents[0], level=level, occasion=occasion)
    pools = tuple(map(PoolId, others))
    return notification_of(Notice(incident, Kind.RAISED, "", ""), None, 0, pools)


@pytest.mark.parametrize(
    ("newer", "older", "says"),
    [
        (_of(1, Level.CRITICAL, 2), _of(1, Level.WARNING, 1), True),
        (_of(1, Level.CRITICAL, 2), _of(1, Level.CRITICAL, 1), True),
        (_of(1, Level.WARNING, 2), _of(1, Level.CRITICAL, 1), False),
        (_of(1, Level.CRITICAL, 1), _of(1, Level.WARNING, 2), False),
        (_of(2, Level.CRITICAL, 2), _of(1, Level.WARNING, 1), False),
        (_of(1, Level.CRITICAL, 2, ("v/a/x",)), _of(1, Level.WARNING, 1), True),
        (_of(1, Level.CRITICAL, 2), _of(1, Level.WARNING, 1, ("v/a/x",)), False),
    ],
)
def test_a_newer_notice_speaks_for_an_older_one(newer: Notification, older: Notification, says: bool) -> None:
    """Only of the same incident, later, as bad or worse, and of every pool that the older one names."""
    assert says_as_well(newer, older) is says


async def test_the_oldest_pending_message_is_a_metric(tmp_path: Path) -> None:
    """A desk that can't be reached shows in the metrics, and stops showing when it is."""
    desk = _scripted("first", Retry("down", after_s=0.5))
    async with delivering(tmp_path, desk) as delivery:
        sample = delivery.metrics.registry.get_sample_value

        async def shows(count: float) -> bool:
            return sample("margind_notify_pending") == count

        await delivery.tell(_page())
        await eventually(lambda: shows(1), "one pending")
        await eventually(lambda: shows(0), "none pending")
