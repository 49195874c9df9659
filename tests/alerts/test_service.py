"""The alerts whole: turns in at one end, messages at receivers on the other, a real ledger between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from alerts.alert import Condition, Kind, Level, Notification
from alerts.notify.notifier import Rejected, Retry
from alerts.vanished import PLACEHOLDER
from monitor.book import accounts
from monitor.clock import ManualClock, SystemClock
from monitor.config import Config, Route
from monitor.domain.assessment import MarginAssessment, RiskBand
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from tests.support.alerting import ALPHA, BETA, Desk, a_config, a_state, a_turn, alerting, of, words
from tests.support.notifications import a_contributor, an_assessment

PLACE = PoolId("binance_usdm/alpha/account")


async def _settled(config: Config, *states: Any, **turn: Any) -> list[Notification]:
    """What a fresh run tells of one turn, and of nothing else, until it has nothing more to do."""
    desk, clock = Desk(), SystemClock()
    async with alerting(config, desk, clock=clock) as service:
        service.on_turn(a_turn(clock, states, **turn))
        assert await service.drain()
    return desk.got


async def test_a_crossing_becomes_a_message(tmp_path: Path) -> None:
    """A state in a worse band is told, with the picture of the pool."""
    (told,) = await _settled(a_config(tmp_path), a_state(ALPHA, RiskBand.CRITICAL))
    assert words([told]) == ["margin raised critical"]
    assert told.assessment is not None and told.assessment.pool == ALPHA


async def test_a_restart_with_everything_as_it_was_is_silent(tmp_path: Path) -> None:
    """What was told and delivered is not told again by the next run."""
    config = a_config(tmp_path)
    assert len(await _settled(config, a_state(ALPHA, RiskBand.CRITICAL))) == 1
    assert await _settled(config, a_state(ALPHA, RiskBand.CRITICAL)) == []


async def test_what_resolved_while_down_is_told(tmp_path: Path) -> None:
    """The next run finds the pool well, and says so at once."""
    config = a_config(tmp_path)
    (raised,) = await _settled(config, a_state(ALPHA, RiskBand.CRITICAL))
    (ended,) = await _settled(config, a_state(ALPHA, RiskBand.CLEAR))
    assert words([ended]) == ["margin resolved clear"]
    assert (ended.incident, ended.occasion) == (raised.incident, raised.occasion + 1)


async def test_what_was_closed_while_down_is_told(tmp_path: Path) -> None:
    """A pool that its account's snapshot no longer lists is over; until the account is read nothing ends."""
    config = a_config(tmp_path)
    await _settled(config, a_state(ALPHA, RiskBand.CRITICAL))
    other = PoolId("binance_usdm/alpha/cross-USDC")
    assert await _settled(config, a_state(PLACE, RiskBand.CLEAR), listed=[PLACE]) == []
    assert await _settled(config, a_state(other, RiskBand.CLEAR), is_read=False) == []
    assert await _settled(config, a_state(BETA, RiskBand.CLEAR)) == []
    (ended,) = await _settled(config, a_state(other, RiskBand.CLEAR))
    assert (ended.key.pool, ended.kind) == (ALPHA, Kind.RESOLVED)
    assert "no longer lists" in ended.detail


async def test_an_account_that_holds_nothing_any_more_ends_its_incidents(tmp_path: Path) -> None:
    """The first snapshot names no pool: what was open of the account is over."""
    config = a_config(tmp_path)
    await _settled(config, a_state(ALPHA, RiskBand.CRITICAL))
    (ended,) = await _settled(config, removed=[PLACE])
    assert (ended.key.pool, ended.kind) == (ALPHA, Kind.RESOLVED)


async def test_an_account_that_left_the_config_ends_its_incidents(tmp_path: Path) -> None:
    """Nobody watches it any more, and its desk hears that, by the route of the desk."""
    routes = (Route(("first",), desk="basis"),)
    await _settled(a_config(tmp_path), a_state(PoolId("bybit/gone/unified"), RiskBand.CRITICAL))
    (ended,) = await _settled(a_config(tmp_path, routes=routes))
    assert (ended.kind, ended.desk) == (Kind.RESOLVED, "basis")
    assert "not in the config" in ended.detail


async def test_a_removed_pool_is_told_with_the_reason(tmp_path: Path) -> None:
    """Gone is an end, and the message says which: closed, or only named at last."""
    desk, clock = Desk(), SystemClock()
    began = {
        "unknown_since_ns": clock.monotonic_ns() - 10**11,
        "unknown_seen_ns": clock.monotonic_ns() - 10**10,
    }
    async with alerting(a_config(tmp_path), desk, clock=clock) as service:
        service.on_turn(
            a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL), a_state(PLACE, RiskBand.UNKNOWN, **began)])
        )
        await desk.has(2)
        service.on_turn(a_turn(clock, removed=[ALPHA, PLACE]))
        told = (await desk.has(4))[2:]
    details = {notification.key.pool: notification.detail for notification in told}
    assert "closed or liquidated" in details[ALPHA]
    assert "known now" in details[PLACE]


def test_the_placeholder_is_the_books() -> None:
    """The name that the alerts know is the one that the book gives."""
    assert PLACEHOLDER == accounts.PLACEHOLDER


async def test_unknown_is_told_because_time_passes(tmp_path: Path) -> None:
    """No turn is needed for a page that is due; the first look makes it at nine seconds, not before."""
    desk, clock = Desk(), ManualClock()
    now_ns = clock.monotonic_ns()
    state = a_state(ALPHA, RiskBand.UNKNOWN, unknown_since_ns=now_ns, unknown_seen_ns=now_ns)
    async with alerting(a_config(tmp_path), desk, clock=clock) as service:
        service.on_turn(a_turn(clock, [state, a_state(BETA, RiskBand.WARNING)]))
        assert words(await desk.has(1)) == ["margin raised warning"]
        clock.advance_s(9.0)
        told = await desk.has(2)
    assert words(told)[1:] == ["unknown raised critical"]


async def test_one_silent_venue_is_one_message(tmp_path: Path) -> None:
    """Forty pools that one fault made unknown are named in one message, after a restart too."""
    clock = SystemClock()
    since = {"unknown_since_ns": 0, "unknown_seen_ns": 0}
    pools = [PoolId(f"binance_usdm/alpha/isolated-{n}") for n in range(40)]
    config = a_config(tmp_path)
    desk, metrics = Desk(), Metrics()
    async with alerting(config, desk, clock=clock, metrics=metrics) as service:
        service.on_turn(a_turn(clock, [a_state(pool, RiskBand.UNKNOWN, **since) for pool in pools]))
        (told,) = await desk.has(1)
        assert await service.drain()
    assert (told.key.condition, set(told.others)) == (Condition.VENUE, set(pools))
    assert len(desk.got) == 1
    again = await _settled(config, *[a_state(pool, RiskBand.UNKNOWN, **since) for pool in pools])
    assert again == []


async def test_the_worst_of_a_storm_is_told_first(tmp_path: Path) -> None:
    """A thousand pools cross at once: every one is told, and the worst before the rest."""
    bands = [RiskBand.WARNING, RiskBand.MARGIN_CALL, RiskBand.CRITICAL, RiskBand.LIQUIDATION]
    states = [
        a_state(PoolId(f"binance_usdm/alpha/isolated-{n}"), bands[n % 100 if n % 100 < 4 else 0])
        for n in range(1000)
    ]
    told = await _settled(a_config(tmp_path), *states)
    assert len({notification.key.pool for notification in told}) == len(told) == 1000
    first = {notification.level for notification in told[:10]}
    assert first == {Level.LIQUIDATION}


async def test_a_page_is_on_the_disk_before_it_is_sent(tmp_path: Path) -> None:
    """A run that ends while its receivers are dead leaves the page to the next one, under the same id."""
    config = a_config(tmp_path)
    dead, clock = Desk(answer=lambda _: Retry("down")), SystemClock()
    async with alerting(config, dead, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await dead.was_tried(1)
        service._drain_until_s = 0.0  # no patience
    (told,) = await _settled(config)
    assert {told.id} == {attempt.id for attempt in dead.told}


async def test_a_page_nobody_had_goes_where_the_config_of_today_says(tmp_path: Path) -> None:
    """When the receivers of then are gone, those of now are told, once."""
    dead, clock = Desk("old", answer=lambda _: Rejected("gone")), SystemClock()
    async with alerting(a_config(tmp_path, routes=(Route(("old",)),)), dead, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await dead.was_tried(1)
        service._drain_until_s = 0.0
    assert words(await _settled(a_config(tmp_path))) == ["margin raised critical"]
    assert await _settled(a_config(tmp_path)) == []


async def test_a_renamed_receiver_does_not_bring_old_pages_back(tmp_path: Path) -> None:
    """What one receiver of a route had is told, whoever else stands in the config later."""
    first = Desk("first")
    clock = SystemClock()
    async with alerting(
        a_config(tmp_path, routes=(Route(("first", "second")),)), first, Desk("second")
    ) as run:
        run.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await first.has(1)
        await run.drain()
    second, renamed = Desk("second"), Desk("renamed")
    async with alerting(a_config(tmp_path, routes=(Route(("renamed", "second")),)), second, renamed) as run:
        await run.drain()
    assert (second.told, renamed.told) == ([], [])


async def test_cancelling_delivers_what_is_pending_first(tmp_path: Path) -> None:
    """A stop in the middle of a storm loses nothing and leaves nothing over."""
    config, clock = a_config(tmp_path), SystemClock()
    desk = Desk()
    states = [a_state(PoolId(f"binance_usdm/alpha/isolated-{n}"), RiskBand.CRITICAL) for n in range(100)]
    async with alerting(config, desk, clock=clock) as service:
        service.on_turn(a_turn(clock, states))
    assert len(desk.got) == 100
    assert await _settled(config, *states) == []


async def test_a_damaged_ledger_pages_and_ends(tmp_path: Path) -> None:
    """The desk hears that the record is damaged, whatever its routes match, and later that it is whole."""
    config = a_config(tmp_path, routes=(Route(("first",), desk="nobody"),), resolve_after_s=30.0)
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    desk, clock = Desk(), ManualClock()
    async with alerting(config, desk, clock=clock) as service:
        (told,) = await desk.has(1)
        assert service.damage
        clock.advance_s(1.0)
        await asyncio.sleep(0)
        await _resolves(desk, clock)
    assert told.key.condition is Condition.LEDGER
    assert words(desk.got) == ["ledger raised critical", "ledger resolved clear"]


async def _resolves(desk: Desk, clock: ManualClock) -> None:
    async with asyncio.timeout(20):
        while len(desk.got) < 2:
            clock.advance_s(10.0)
            await asyncio.sleep(0.05)


async def test_alerts_go_on_when_the_disk_takes_nothing(tmp_path: Path) -> None:
    """With no ledger at all every page is still told, and so is the loss."""
    (tmp_path / "ledger").write_text("a file where the folder should be")
    clock, desk, metrics = SystemClock(), Desk(), Metrics()
    async with alerting(a_config(tmp_path), desk, clock=clock, metrics=metrics) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        told = await desk.has(2)
    assert set(words(told)) == {"ledger raised critical", "margin raised critical"}
    assert "not kept" in of(told, Condition.LEDGER)[0].detail
    assert metrics.registry.get_sample_value("margind_ledger_errors_total") > 0  # type: ignore[operator]


async def test_the_first_send_is_measured_from_the_frame(tmp_path: Path) -> None:
    """One page on two routes is one measurement, from the oldest frame of its turn."""
    clock, metrics = SystemClock(), Metrics()
    routes = (Route(("first",), continue_=True), Route(("second",)))
    desks = Desk("first"), Desk("second")
    async with alerting(a_config(tmp_path, routes=routes), *desks, clock=clock, metrics=metrics) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        for desk in desks:
            await desk.has(1)
    assert metrics.registry.get_sample_value("margind_frame_to_send_seconds_count") == 1


async def test_a_pool_that_can_not_be_described_is_told_all_the_same(tmp_path: Path) -> None:
    """The picture may be missing; the page may not."""
    desk, clock = Desk(), SystemClock()

    def nothing(_: PoolId) -> MarginAssessment | None:
        return None

    async with alerting(a_config(tmp_path), desk, clock=clock, describe=nothing) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        (told,) = await desk.has(1)
    assert told.assessment is None


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
async def test_odd_figures_do_not_keep_a_page_from_the_next_run(tmp_path: Path, odd: float) -> None:
    """A figure that JSON has no word for costs the picture after a restart, not the page."""
    config, clock = a_config(tmp_path), SystemClock()
    dead = Desk(answer=lambda _: Retry("down"))
    position = a_contributor(mark_price=odd, notional=odd)

    def describe(pool: PoolId) -> MarginAssessment:
        return an_assessment(pool=pool, contributors=(position,))

    async with alerting(config, dead, clock=clock, describe=describe) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await dead.was_tried(1)
        service._drain_until_s = 0.0
    (told,) = await _settled(config)
    assert (told.id, told.assessment) == (dead.told[0].id, None)
