"""Past its messages of an hour a receiver gets digests: nothing is lost, what is critical hardly waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alerts.alert import Level, Notification
from alerts.notify.notifier import Delivered, Outcome
from alerts.waiting_line import Budget, WaitingLine
from tests.alerts.test_waiting_line import _Desk, left, put


class _Mailbox(_Desk):
    every_s = 0.0
    burst = 1
    room = 10_000

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """Nobody calls it here."""
        return Delivered()


def test_past_its_budget_a_receiver_gets_one_message_of_everything() -> None:
    """The messages of the hour leave as they come; after them one in a minute tells of all that waits."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 3)
        await asyncio.sleep(10)
        put(line, Level.WARNING, 4)
        await asyncio.sleep(100)
        put(line, Level.WARNING)

    gone = left(_Mailbox(), scene, 8, budget=Budget(3, 60.0))
    assert [at_s for at_s, _ in gone] == [0.0] * 3 + [60.0] * 4 + [120.0]


def test_past_the_budget_what_is_critical_and_new_takes_the_rest_along() -> None:
    """A critical page waits five seconds at most, and its digest names everything, the worst first."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 3)
        await asyncio.sleep(2)
        put(line, Level.WARNING, 2)
        put(line, Level.CRITICAL)

    gone = left(_Mailbox(), scene, 6, budget=Budget(3, 60.0))
    assert gone[3:] == [(5.0, Level.CRITICAL), (5.0, Level.WARNING), (5.0, Level.WARNING)]


def test_the_budget_is_of_an_hour() -> None:
    """An hour after the messages that spent it, they leave one by one again."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 3)
        await asyncio.sleep(3601)
        put(line, Level.WARNING, 2)

    gone = left(_Mailbox(), scene, 5, budget=Budget(3, 60.0))
    assert [at_s for at_s, _ in gone[3:]] == [3601.0, 3601.0]


def test_a_receiver_of_single_messages_has_no_budget() -> None:
    """A program or a pager that takes no digest is told of everything."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 9)

    assert left(_Desk(), scene, 9, budget=Budget(3, 60.0)) == [(0.0, Level.WARNING)] * 9


def test_past_the_budget_a_storm_is_told_as_fast_as_ever() -> None:
    """What one digest has no room for leaves in the next ones at the pace of the receiver."""
    desk = _Mailbox()
    desk.room, desk.every_s = 1_000, 1.0

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 3)
        await asyncio.sleep(10)
        put(line, Level.CRITICAL, 60)

    gone = left(desk, scene, 63, budget=Budget(3, 60.0))
    times = sorted({at_s for at_s, _ in gone[3:]})
    assert times == [10.0 + second for second in range(len(times))]
    assert len(times) > 2
