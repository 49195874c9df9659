"""The feeds of an account against the venue's streams, its bans, and its ways to lose a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import structlog

from adapters.gate import Gates
from adapters.loopback import LoopbackExchange, World
from adapters.venue import KeyRefused, StreamExpired, VenueUnavailable
from monitor.clock import SystemClock
from monitor.domain.assessment import Reason
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    AccountSnapshot,
    AssetPrice,
    Instruments,
    LeverageChanged,
    MarkPrice,
    StreamAlive,
    StreamGap,
    StreamReady,
    VenueWarning,
)
from tests.support.binance_desk import VENUE, Desk, Make
from tests.support.fake_stream import counted
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def _is_closed(desk: Desk) -> bool:
    return desk.tools.gate.rest.remaining_s() > 0


@pytest.mark.parametrize(
    ("right", "scope"), [("can_trade", "enableFutures"), ("can_withdraw", "enableWithdrawals")]
)
async def test_a_key_that_may_do_more_than_read_is_refused_by_scope(
    desk: Make, right: str, scope: str
) -> None:
    """The refusal names the right, never the key, and nothing else is asked of the venue."""
    one = desk(**{right: True})
    async with one.watched() as ear:
        refused = await ear.until(AccountRefused)
    assert refused.reason is Reason.REJECTED and scope in refused.detail
    assert one.held.key not in refused.detail
    assert not ear.of(AccountSnapshot, StreamReady)
    assert set(one.exchange.gate(VENUE).requests) == {"GET /sapi/v1/account/apiRestrictions"}


async def test_nothing_is_sent_during_a_ban_and_all_goes_on_after_it(
    desk: Make, exchange: LoopbackExchange
) -> None:
    """A 429 of one account stops all of them until Retry-After; not one request breaks the ban."""
    gates = Gates(SystemClock())
    one, two = desk("one", gates), desk("two", gates)
    assert one.tools.gate is two.tools.gate
    async with one.watched(public=True), two.watched():
        await one.ear.until(StreamReady, 2)
        await two.ear.until(StreamReady)
        count = len(one.ear.of(AccountSnapshot)), len(two.ear.of(AccountSnapshot))
        assert one.feed is not None and two.feed is not None
        exchange.faults.rate_limit(VENUE, 2.0)
        one.feed.reconcile_soon("test")
        await eventually(lambda: _is_closed(one), "the ban")
        two.feed.reconcile_soon("test")
        await two.ear.until(AccountSnapshot, count[1] + 1, timeout_s=20)
        await one.ear.until(AccountSnapshot, count[0] + 1, timeout_s=20)
    assert exchange.gate(VENUE).requests_while_blocked == 0
    assert (
        counted(one.tools.metrics, "rate_limited", venue=VENUE)
        + counted(two.tools.metrics, "rate_limited", venue=VENUE)
        == 1
    )
    assert not any(each.ear.of(StreamGap) for each in (one, two))


async def test_everything_runs_from_definitions_to_marks(desk: Make, world: World) -> None:
    """Instruments, marks and collateral prices on the public side, snapshot and ready on the private one."""
    one = desk()
    world.set_position(one.held, "BTCUSDT", "0.5")
    async with one.watched(public=True) as ear:
        for kind in (Instruments, MarkPrice, AssetPrice, AccountSnapshot):
            await ear.until(kind)
        await ear.until(StreamReady, 2)
    mark = next(mark for mark in ear.of(MarkPrice) if mark.instrument == "binance_usdm:BTCUSDT")
    assert mark.mark == mark.index == 95_000.0
    assert not ear.of(StreamGap, AccountRefused)


async def test_what_the_stream_tells_is_what_the_next_snapshot_shows(desk: Make, world: World) -> None:
    """Fills, an isolated leg and a leverage change arrive as events, and a snapshot agrees with all."""
    one = desk()
    async with one.watched() as ear:
        await ear.until(StreamReady)
        world.trade(one.held, "BTCUSDT", "0.3", 95_100)
        fill = await ear.until(AccountDelta)
        world.set_leverage(one.held, "BTCUSDT", 25)
        assert (await ear.until(LeverageChanged)).leverage == 25
        world.trade(one.held, "BTCUSDT", "-0.8", 95_200)
        flip = await ear.until(AccountDelta, 2)
        world.set_isolated(one.held, "BTCUSDT", 3_000)
        isolated = await ear.until(AccountDelta, 3)
        assert one.feed is not None
        one.feed.reconcile_soon("test")
        snapshot = await ear.until(AccountSnapshot, 2)
    assert fill.positions[0].quantity == Decimal("0.3") and fill.positions[0].pool == "cross-USDT"
    assert flip.positions[0].quantity == Decimal("-0.5")
    assert isolated.positions == snapshot.positions
    assert isolated.positions[0].pool == "isolated-BTCUSDT" and isolated.positions[0].leverage == 25
    told = {(fact.pool, fact.asset): fact.wallet for fact in isolated.balances}
    assert told == {(fact.pool, fact.asset): fact.wallet for fact in snapshot.balances}
    assert snapshot.venue_ns >= isolated.venue_ns


async def test_an_expired_listen_key_costs_one_short_gap(desk: Make, exchange: LoopbackExchange) -> None:
    """The venue tells it: gap, new key, new stream, snapshot, ready, without waiting for a renewal."""
    one = desk()
    async with one.watched() as ear:
        await ear.until(StreamReady)
        exchange.faults.expire_listen_key(one.held.id)
        await ear.until(StreamReady, 2)
    assert ear.names(StreamAlive)[2:] == ["StreamGap", "AccountSnapshot", "StreamReady"]
    assert ear.of(StreamGap)[0].detail == "listen key expired"


async def test_a_renewal_of_a_key_that_is_gone_asks_for_a_new_stream(
    desk: Make, exchange: LoopbackExchange
) -> None:
    """-1125 is no outage: the stream is expired, and the next one gets a new key."""
    one = desk()
    async with one.source() as source:
        first = await source.private_stream()
        await source.keep_alive()
        exchange.faults.expire_listen_key(one.held.id)
        with pytest.raises(StreamExpired):
            await source.keep_alive()
        assert (await source.private_stream()).url != first.url


async def test_a_listen_key_that_still_lives_is_used_while_rest_is_down(
    desk: Make, exchange: LoopbackExchange
) -> None:
    """The stream can come back before REST does."""
    one = desk()
    async with one.source() as source:
        first = await source.private_stream()
        source._mode_ns = None
        exchange.faults.fail(VENUE, 503)
        assert (await source.private_stream()).url == first.url


async def test_a_mode_switch_is_one_gap_into_the_other_cut(desk: Make, world: World) -> None:
    """Multi-assets on: the stream says so, and the snapshot that ends the gap is cut the new way."""
    one = desk()
    async with one.watched() as ear:
        await ear.until(StreamReady)
        world.set_modes(one.held, multi_assets=True)
        await ear.until(StreamReady, 2)
        world.trade(one.held, "BTCUSDT", "0.1", 95_000)
        delta = await ear.until(AccountDelta)
    assert ear.of(AccountSnapshot)[-1].pools[0].pool == "multi-assets"
    assert {fact.pool for fact in (*delta.balances, *delta.positions)} == {"multi-assets"}


async def test_the_venues_margin_call_is_passed_on(desk: Make, world: World) -> None:
    """MARGIN_CALL becomes a warning that names the position."""
    one = desk()
    world.set_position(one.held, "BTCUSDT", "1", entry=95_000)
    async with one.watched() as ear:
        await ear.until(StreamReady)
        world.set_mark("BTCUSDT", "85400")
        warning = await ear.until(VenueWarning)
    assert "BTCUSDT" in warning.detail


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_every_kind_of_cut_ends_in_a_whole_stream(
    desk: Make, exchange: LoopbackExchange, how: str
) -> None:
    """1012 and a torn connection: private and public come back by themselves."""
    one = desk()
    async with one.watched(public=True) as ear:
        await ear.until(StreamReady, 2)
        if how == "close":
            exchange.faults.close(VENUE, 1012)
        else:
            exchange.faults.reset(VENUE)
        await ear.until(StreamGap, 2)
        await ear.until(StreamReady, 4)
    assert {gap.account for gap in ear.of(StreamGap)} == {None, one.held.id}


async def test_a_bad_frame_on_the_private_stream_is_looked_up(desk: Make, exchange: LoopbackExchange) -> None:
    """What it said is lost, so the account is read again; the stream goes on."""
    one = desk()
    async with one.watched() as ear:
        await ear.until(StreamReady)
        exchange.faults.bad_frame(VENUE, '{"e":', "private")
        await ear.until(AccountSnapshot, 2)
    assert counted(one.tools.metrics, "frames_bad", venue=VENUE, reason="not JSON") == 1
    assert not ear.of(StreamGap)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """All log lines of all libraries, at their most talkative."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as ours:
        lines: list[Any] = ours
        yield lines
        lines.extend(record.getMessage() for record in caplog.records)


async def test_no_secret_is_told_whatever_goes_wrong(
    desk: Make, exchange: LoopbackExchange, everything_logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Key, secret, signature and listen key are in no log line, event or exception, through all faults."""
    one = desk()
    errors: list[BaseException] = []
    async with one.watched(public=True) as ear:
        await ear.until(StreamReady, 2)
        listen_key = exchange._venues[VENUE].face._keys._by_account[one.held.id].key  # type: ignore[attr-defined]
        exchange.faults.expire_listen_key(one.held.id)
        await ear.until(StreamReady, 3)
    async with one.source() as source:
        for break_it in (
            lambda: exchange.faults.fail(VENUE, 503),
            lambda: exchange.faults.cut_answers(VENUE, 5),
            lambda: exchange.faults.reject_key(one.held.id),
            lambda: exchange.faults.rate_limit(VENUE, 5),
        ):
            break_it()
            for call in (source.snapshot, source.private_stream, source.instruments, source.keep_alive):
                try:
                    await call()
                except (VenueUnavailable, KeyRefused) as error:
                    errors.append(error)
            exchange.faults.heal(VENUE)
            exchange.faults.cut_answers(VENUE, 0)
    assert len(errors) >= 12
    told = [str(everything_logged), caplog.text, str(ear.heard), repr(one.config), *map(chain_of, errors)]
    for secret in (one.held.key, one.held.secret, listen_key, "signature="):
        assert not any(secret in text for text in told), secret


def chain_of(error: BaseException) -> str:
    """The words of an exception and of everything that it carries along."""
    words, seen = "", error
    while seen is not None:
        words += f"{type(seen).__name__} {seen} {getattr(seen, '__notes__', '')}"
        frame = seen.__traceback__
        while frame is not None:
            if (
                "/adapters/" not in frame.tb_frame.f_code.co_filename
                and "ccxt" in frame.tb_frame.f_code.co_filename
            ):
                words += str(frame.tb_frame.f_locals)
            frame = frame.tb_next
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return words
