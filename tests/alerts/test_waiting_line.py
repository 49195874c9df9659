"""What waits for a receiver that takes so many messages a second: in which order, and when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from alerts.alert import Level, Notification
from alerts.digest import digest_line
from alerts.notify.notifier import Delivered, Notifier, Outcome
from alerts.notify.slack import SlackNotifier
from alerts.waiting_line import Budget, Job, WaitingLine
from monitor.config import Secret
from tests.support.notifications import a_notification
from tests.support.virtual_time import run_virtual

EVERY_S, BURST = 1.0, 3
Left = list[tuple[float, Level]]


class _Desk:
    """Takes anything."""

    name = "desk"

    async def notify(self, notification: object) -> Outcome:
        """Nobody calls it here."""
        return Delivered()

    async def close(self) -> None:
        """Holds nothing."""


class _PacedDesk(_Desk):
    every_s = EVERY_S
    burst = BURST


def put(line: WaitingLine, level: Level, count: int = 1) -> None:
    """Queues so many pages of a level, due at once."""
    for _ in range(count):
        job = Job(a_notification(level=level), 0, ("desk",), 0.0)
        line.put(job, asyncio.get_running_loop().time())


def left(
    desk: Notifier,
    scene: Callable[[WaitingLine], Awaitable[None]],
    count: int,
    workers: int = 8,
    budget: Budget | None = None,
) -> Left:
    """When what left, in virtual time, with several takers as the dispatcher has them."""

    async def main() -> Left:
        line, gone, all_gone = WaitingLine(desk, budget), list[tuple[float, Level]](), asyncio.Event()
        now_s = asyncio.get_running_loop().time

        async def take() -> None:
            while True:
                for job in await line.next(now_s):
                    gone.append((round(now_s(), 2), job.notification.level))
                if len(gone) == count:
                    all_gone.set()

        takers = [asyncio.create_task(take()) for _ in range(workers)]
        await scene(line)
        await all_gone.wait()
        for taker in takers:
            taker.cancel()
        await asyncio.gather(*takers, return_exceptions=True)
        return gone

    return run_virtual(main())


def test_a_receiver_without_a_pace_gets_everything_at_once() -> None:
    """A webhook takes what comes."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 20)

    assert left(_Desk(), scene, 20) == [(0.0, Level.WARNING)] * 20


def test_what_can_wait_keeps_the_pace() -> None:
    """Five warnings at once leave one a second."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 5)

    assert [at_s for at_s, _ in left(_PacedDesk(), scene, 5)] == [0, 1, 2, 3, 4]


def test_a_critical_page_waits_for_no_lower_one() -> None:
    """It leaves at once though a warning has just left and others wait; those make up for it."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 3)
        await asyncio.sleep(0.5)
        put(line, Level.CRITICAL)

    assert left(_PacedDesk(), scene, 4) == [
        (0.0, Level.WARNING),
        (0.5, Level.CRITICAL),
        (2.0, Level.WARNING),
        (3.0, Level.WARNING),
    ]


def test_many_critical_pages_are_a_short_burst_and_then_the_pace() -> None:
    """The receiver's own refusal would cost more than the pace does."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.CRITICAL, 6)

    assert [at_s for at_s, _ in left(_PacedDesk(), scene, 6)] == [0, 0, 0, 1, 2, 3]


def test_when_a_place_is_free_the_worst_takes_it() -> None:
    """A critical page that comes last leaves before warnings that came first."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.CRITICAL, BURST)
        await asyncio.sleep(0.1)
        put(line, Level.WARNING, 2)
        put(line, Level.CRITICAL)

    assert [level for _, level in left(_PacedDesk(), scene, 6)][BURST:] == [
        Level.CRITICAL,
        Level.WARNING,
        Level.WARNING,
    ]


def test_a_pause_holds_for_critical_pages_too() -> None:
    """A receiver that said when to come back is not asked before, whatever the pace would allow."""

    async def scene(line: WaitingLine) -> None:
        line.pause(7.0)
        put(line, Level.CRITICAL, 2)

    assert [at_s for at_s, _ in left(_PacedDesk(), scene, 2)] == [7, 7]


def test_a_quiet_time_saves_nothing_up() -> None:
    """After a minute of silence warnings still leave one a second."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING)
        await asyncio.sleep(60)
        put(line, Level.WARNING, 2)

    assert [at_s for at_s, _ in left(_PacedDesk(), scene, 3)] == [0, 60, 61]


def test_a_retry_that_comes_due_wakes_a_line_that_keeps_its_pace() -> None:
    """A critical page that is tried again later is not held by a warning that waits for its second."""

    async def scene(line: WaitingLine) -> None:
        put(line, Level.WARNING, 2)
        job = Job(a_notification(level=Level.CRITICAL), 0, ("desk",), 0.0)
        line.put(job, 0.25)

    assert left(_PacedDesk(), scene, 3)[1] == (0.25, Level.CRITICAL)


class _Digester(_PacedDesk):
    room = 4_000

    async def digest(self, _: Sequence[Notification]) -> Outcome:
        """Nobody calls it here."""
        return Delivered()


def pages(count: int, level: Level = Level.CRITICAL) -> list[Job]:
    """One page each of so many pools."""
    told = (a_notification(level=level, pool=f"bybit/desk-{n:04}/unified") for n in range(count))
    return [Job(each, 0, ("desk",), 0.0) for each in told]


def taken(jobs: Sequence[Job], desk: Notifier) -> list[tuple[float, list[Job]]]:
    """What leaves together, and when, of jobs that are all due at once; nothing of what is settled."""

    async def main() -> list[tuple[float, list[Job]]]:
        line, now_s = WaitingLine(desk), asyncio.get_running_loop().time
        for job in jobs:
            line.put(job, 0.0)
        gone: list[tuple[float, list[Job]]] = []
        while sum(len(together) for _, together in gone) < sum(not job.is_settled for job in jobs):
            together = await line.next(now_s)
            gone.append((now_s(), together))
        return gone

    return run_virtual(main())


def test_a_storm_is_a_few_digests() -> None:
    """Of a thousand critical pages at one message a second the ten worst leave at once, and all within half
    a minute, each once, none in a message that is too long."""
    worst, others = pages(10, Level.LIQUIDATION), pages(1_000)[10:]
    gone = taken([*others, *worst], _Digester())
    assert gone[0][0] == 0
    assert set(worst) <= set(gone[0][1])
    assert gone[-1][0] <= 30
    left = [job for _, together in gone for job in together]
    assert len(set(left)) == len(left) == 1_000
    for _, together in gone:
        assert sum(len(digest_line(job.notification)) + 1 for job in together) <= _Digester.room


def test_ten_are_told_one_by_one() -> None:
    """With all that a page says; more than that is a storm. A receiver that takes no digest gets none."""
    assert {len(together) for _, together in taken(pages(10), _Digester())} == {1}
    assert len(taken(pages(11), _Digester())) == 1
    assert {len(together) for _, together in taken(pages(30), _PacedDesk())} == {1}


def test_what_somebody_has_already_is_in_no_digest() -> None:
    """Told elsewhere meanwhile, it is left out."""
    jobs = pages(20)
    for job in jobs[:5]:
        job.is_settled = True
    ((_, together),) = taken(jobs, _Digester())
    assert together == jobs[5:]


def test_slack_takes_one_message_a_second() -> None:
    """Its rule for a channel is the pace of its line."""
    notifier = SlackNotifier("chat", Secret("xoxb-1", "the test"), "C1")
    assert WaitingLine(notifier).every_s == 1.0
