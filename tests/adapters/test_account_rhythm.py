"""One account's feed in virtual time: how often it looks, what it waits for, what it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from adapters import account_feed as account_feed_module
from adapters.session import Moved
from adapters.venue import (
    KeyRefused,
    RateLimited,
    StreamExpired,
    UnsupportedMode,
    VenueUnavailable,
)
from monitor.domain.assessment import Reason
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    StreamAlive,
    StreamGap,
    StreamReady,
)
from monitor.domain.identity import InstrumentId
from tests.support.fake_stream import ACCOUNT, VENUE, counted
from tests.support.feed_stage import FakeSession, Stage, Step
from tests.support.virtual_time import run_virtual


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Step], Stage]:
    """Runs a step beside a feed, with no sockets, in no time."""
    FakeSession.made = []
    monkeypatch.setattr(account_feed_module, "Session", FakeSession)

    async def run(step: Step) -> Stage:
        stage = Stage()
        task = asyncio.create_task(stage.feed.run())
        await step(stage)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()
        return stage

    return lambda step: run_virtual(run(step))


Play = Callable[[Step], Stage]


async def minutes(stage: Stage, count: float) -> None:
    """Lets virtual time pass."""
    await asyncio.sleep(60 * count)


def test_the_account_is_read_again_before_a_minute_is_over(play: Play) -> None:
    """Ages of the last full snapshot stay under the 60 s at which the book calls it stale."""
    stage = play(lambda stage: minutes(stage, 60))
    times_s = stage.source.times_s("snapshot")
    gaps_s = [later - first for first, later in pairwise(times_s)]
    assert 80 <= len(times_s) <= 92
    assert max(gaps_s) <= 45.0 and len(set(gaps_s)) > 50


def test_requests_are_answered_soon_but_at_most_one_in_two_seconds(play: Play) -> None:
    """A hundred wishes within ten seconds are six snapshots, and a wish for confirmation is not forgotten."""

    async def step(stage: Stage) -> None:
        await asyncio.sleep(10)
        before = stage.source.count("snapshot")
        for number in range(100):
            stage.feed.reconcile_soon("worried", confirm=number == 50)
            await asyncio.sleep(0.1)
        assert 5 <= stage.source.count("snapshot") - before <= 6

    stage = play(step)
    assert stage.source.confirms.count(True) == 1


def test_a_key_that_may_trade_is_refused_before_anything_is_read(play: Play) -> None:
    """No stream, no snapshot: AccountRefused names the scope, and the key is looked at again slowly."""

    async def step(stage: Stage) -> None:
        stage.source.key_answers = [KeyRefused("the key may do more than read: enableFutures")]
        await asyncio.sleep(600)

    stage = play(step)
    assert stage.source.count("snapshot") == stage.source.count("private_stream") == 0
    refused = stage.ear.of(AccountRefused)
    assert refused[0].reason is Reason.REJECTED and "enableFutures" in refused[0].detail
    assert 8 <= stage.source.count("check_key") <= 14
    assert counted(stage.kit.metrics, "auth_failures", venue=VENUE) == len(refused)


def test_a_key_that_was_mended_is_taken_without_a_restart(play: Play) -> None:
    """When the operator takes the right away, the account is watched from the next look on."""

    async def step(stage: Stage) -> None:
        stage.source.key_answers = [KeyRefused("may trade"), KeyRefused("may trade"), None]
        await asyncio.sleep(200)

    stage = play(step)
    assert stage.ear.of(StreamReady)
    assert stage.ear.names(StreamAlive)[:2] == ["AccountRefused", "AccountRefused"]


def test_a_right_that_is_added_later_stops_the_watching(play: Play) -> None:
    """The key is looked at every six hours; one that has become dangerous is refused and its stream ends."""

    async def step(stage: Stage) -> None:
        stage.source.key_answers = [None, KeyRefused("may withdraw")]
        await asyncio.sleep(6 * 3600 + 30)
        before = stage.source.count("snapshot")
        await asyncio.sleep(300)
        assert stage.source.count("snapshot") == before

    stage = play(step)
    assert "may withdraw" in stage.ear.of(AccountRefused)[0].detail


def test_a_check_that_the_venue_cannot_answer_does_not_blind_us(play: Play) -> None:
    """Three tries, then the account is watched while the check goes on every minute."""

    async def step(stage: Stage) -> None:
        down = VenueUnavailable("sapi answered 503")
        stage.source.key_answers = [down, down, down, down, None]
        await asyncio.sleep(300)

    stage = play(step)
    assert stage.ear.of(StreamReady)
    times_s = stage.source.times_s("check_key")
    assert len(times_s) == 5 and times_s[3] - times_s[2] >= 60 and times_s[4] - times_s[3] >= 60


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyRefused("-2015"), Reason.REJECTED), (UnsupportedMode("portfolio margin"), Reason.UNSUPPORTED)],
)
def test_a_refused_snapshot_is_told_and_tried_again_slowly(
    play: Play, error: Exception, reason: Reason
) -> None:
    """A revoked key or an unknown mode is a page, not a storm of calls; a snapshot that succeeds ends it."""

    async def step(stage: Stage) -> None:
        stage.source.snapshot_answers = [error, error, error, None]
        await asyncio.sleep(400)

    stage = play(step)
    names = stage.ear.names(StreamAlive)
    assert names[:4] == ["AccountRefused"] * 3 + ["AccountSnapshot"]
    assert {refused.reason for refused in stage.ear.of(AccountRefused)} == {reason}
    first, second = stage.source.times_s("snapshot")[:2]
    assert 45 <= second - first <= 80


def test_a_rate_limit_is_waited_out(play: Play) -> None:
    """Not one snapshot is asked for before Retry-After is over."""

    async def step(stage: Stage) -> None:
        stage.source.snapshot_answers = [RateLimited("418", 120.0), None]
        await asyncio.sleep(300)

    stage = play(step)
    first, second = stage.source.times_s("snapshot")[:2]
    assert 120 <= second - first <= 123


def test_snapshots_that_fail_are_tried_again_with_back_off_until_the_stream_is_whole(play: Play) -> None:
    """5xx and time-outs cost tries; StreamReady waits for the snapshot that succeeds."""

    async def step(stage: Stage) -> None:
        stage.source.snapshot_answers = [VenueUnavailable("503")] * 6 + [None]
        await asyncio.sleep(60)

    stage = play(step)
    assert stage.ear.names(StreamAlive)[:2] == ["AccountSnapshot", "StreamReady"]
    assert stage.source.count("snapshot") >= 7
    assert stage.source.times_s("snapshot")[6] < 40


def test_a_snapshot_that_never_answers_is_given_up(play: Play) -> None:
    """A call that hangs costs 20 s, not the account."""

    async def step(stage: Stage) -> None:
        stage.source.hold = asyncio.Event()
        await asyncio.sleep(30)
        stage.source.hold.set()
        await asyncio.sleep(30)

    stage = play(step)
    assert stage.ear.of(StreamReady)
    assert counted(stage.kit.metrics, "snapshots", venue=VENUE, result="unavailable") >= 1


def test_a_listen_key_that_is_gone_gets_a_new_stream(play: Play) -> None:
    """Renewals come every ten minutes; -1125 reopens the stream at once, a 5xx is only tried again."""

    async def step(stage: Stage) -> None:
        stage.source.keep_alive_answers = [None, VenueUnavailable("503"), None, StreamExpired("gone"), None]
        await asyncio.sleep(2_500)

    stage = play(step)
    assert stage.session.reopened == ["gone"]
    times_s = stage.source.times_s("keep_alive")
    assert times_s[0] == pytest.approx(600, abs=5)
    assert times_s[2] - times_s[1] < 10


def test_a_key_that_is_refused_at_a_renewal_is_told_at_once(play: Play) -> None:
    """The venue's refusal is news whoever hears it first: the account is unknown before the next snapshot."""

    async def step(stage: Stage) -> None:
        stage.source.keep_alive_answers = [KeyRefused("the key was revoked"), None]
        await asyncio.sleep(601)
        assert [event.detail for event in stage.ear.of(AccountRefused)] == ["the key was revoked"]

    play(step)


def test_no_stream_is_no_reason_to_look_away(play: Play) -> None:
    """While no stream can be had the account is still read every 45 s, under an open gap."""

    async def step(stage: Stage) -> None:
        stage.source.stream_answers = [VenueUnavailable("no listen key")]
        await asyncio.sleep(300)

    stage = play(step)
    assert stage.source.count("snapshot") >= 6
    assert stage.ear.of(StreamGap) and not stage.ear.of(StreamReady)


def test_what_the_account_holds_is_told_to_whom_it_concerns(play: Play) -> None:
    """The public side learns of every instrument that a snapshot shows."""

    async def step(stage: Stage) -> None:
        stage.source.held = ("BTC", "ETH")
        await asyncio.sleep(10)

    assert play(step).held == {InstrumentId("words:BTC"), InstrumentId("words:ETH")}


def test_a_move_of_the_stream_is_followed_by_a_look(play: Play) -> None:
    """Nothing was lost when the stream moved, and one snapshot proves it; the account stays known."""

    async def step(stage: Stage) -> None:
        await asyncio.sleep(10)
        before = stage.source.count("snapshot")
        stage.session.tell(Moved(stage.kit.clock.monotonic_ns()))
        await asyncio.sleep(3)
        assert stage.source.count("snapshot") == before + 1

    assert not play(step).ear.of(StreamGap)


def test_a_buffer_that_overflows_costs_a_snapshot_and_not_the_memory(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many messages during one snapshot: what did not fit is covered by the next snapshot."""
    monkeypatch.setattr(account_feed_module, "BUFFER_LIMIT", 5)

    async def step(stage: Stage) -> None:
        stage.source.hold = asyncio.Event()
        await asyncio.sleep(3)
        for number in range(12):
            stage.session.tell([AccountDelta(ACCOUNT, (), (), 200 + number, 0)])
            assert len(stage.feed._buffer) <= 5
        stage.source.hold.set()
        await asyncio.sleep(3)

    stage = play(step)
    assert stage.ear.names(StreamAlive)[:2] == ["AccountSnapshot"] * 2
    assert len(stage.ear.of(StreamReady)) == 1
