"""An account read through ccxt, over real sockets: what is posted, in which order, and nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.ccxt_venue import CcxtSpec, NoSuchExchange, ccxt_spec
from adapters.loopback import Account, LoopbackExchange, World, standard_world
from monitor import config
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.event import (
    AccountRefused,
    AccountSnapshot,
    Event,
    Instruments,
    MarkPrice,
    StreamGap,
    StreamReady,
)
from monitor.domain.identity import AccountId
from monitor.domain.turn import PoolState
from tests.support.ccxt_desk import Heard, ccxt_account, running_feeds
from tests.support.waiting import eventually

MONEY = {"binance_usdm": "USDT", "bybit": "USDT", "hyperliquid": "USDC"}
BITCOIN = {"binance_usdm": "BTCUSDT", "bybit": "BTCUSDT", "hyperliquid": "BTC"}
ETHER = {"binance_usdm": "ETHUSDT", "bybit": "ETHUSDT", "hyperliquid": "ETH"}
pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
each_venue = pytest.mark.parametrize("venue", MONEY)


@pytest.fixture
def world() -> World:
    """All venues at their starting marks."""
    return standard_world()


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running, without a cadence of its own: what is pushed is what a test does."""
    async with LoopbackExchange(world, cadence=False) as running:
        yield running


def holder(world: World, venue: str, **rights: Any) -> Account:
    """5,000 of money under one bitcoin."""
    account = world.add_account(venue, "alpha", **rights)
    world.set_wallet(account, MONEY[venue], 5_000)
    world.set_position(account, BITCOIN[venue], 1, leverage=20)
    return account


def snapshots(heard: Heard) -> list[AccountSnapshot]:
    """All so far."""
    return [event for event in heard.events if isinstance(event, AccountSnapshot)]


def refusals(heard: Heard) -> list[AccountRefused]:
    """All so far."""
    return [event for event in heard.events if isinstance(event, AccountRefused)]


@each_venue
async def test_no_update_is_lost(exchange: LoopbackExchange, world: World, venue: str) -> None:
    """Each of 40 changes in a burst is heard, and a reading that began after the last one shows it."""
    account = holder(world, venue)
    mine = ccxt_account(exchange, account)
    async with running_feeds(mine) as (_, heard, metrics):
        await heard.until(lambda: snapshots(heard), "the first snapshot")
        await streams_are_open(exchange, venue)
        before = metrics.registry.get_sample_value(*frames(mine)) or 0.0
        for step in range(1, 41):
            world.set_wallet(account, MONEY[venue], 5_000 + step)
            await asyncio.sleep(0)

        def is_last() -> bool:
            told = snapshots(heard)[-1].pools[0].told
            return told is not None and told.equity == Decimal(5_040)

        await heard.until(is_last, "the last change")
        after = metrics.registry.get_sample_value(*frames(mine)) or 0.0
        print(f"{venue}: 40 changes, {after - before:.0f} messages, {len(snapshots(heard))} readings")
        assert after - before >= 40


async def streams_are_open(exchange: LoopbackExchange, venue: str) -> None:
    """ccxt has subscribed on its private connection."""

    async def are_open() -> bool:
        private = exchange.sockets(venue).of_kind(["private"])
        if venue == "bybit":
            return {"wallet", "position"} <= {topic for socket in private for topic in socket.subscriptions}
        return bool(private if venue == "binance_usdm" else exchange.sockets(venue))

    await eventually(are_open, "the private stream")


def frames(account: config.Account) -> tuple[str, dict[str, str]]:
    """The counter of what was heard."""
    return "margind_frames_total", {"venue": account.venue, "stream": "private"}


@each_venue
async def test_the_first_reading_is_whole_and_says_so_once(
    exchange: LoopbackExchange, world: World, venue: str
) -> None:
    """Definitions, a snapshot with the exchange's own figures, marks of what is held, and one StreamReady."""
    async with running_feeds(ccxt_account(exchange, holder(world, venue))) as (_, heard, _metrics):
        await heard.until(lambda: len(snapshots(heard)) > 1, "a second reading")
        assert len(heard.of(StreamReady)) == 1
        await heard.until(lambda: heard.of(Instruments) and heard.of(MarkPrice), "definitions and marks")
        first = snapshots(heard)[0]
        (pool,) = first.pools
        assert pool.model == "venue_ratio"
        assert pool.told is not None
        assert pool.told.equity == 5_000
        (leg,) = first.positions
        assert leg.quantity == 1
        assert leg.entry_price == 95_000
        definitions = [event for event in heard.events if isinstance(event, Instruments)]
        known = {instrument.id for event in definitions for instrument in event.instruments}
        assert leg.instrument in known


@each_venue
async def test_marks_follow_what_is_held(exchange: LoopbackExchange, world: World, venue: str) -> None:
    """Marks of a position that was not there when it began: with their index from the public side, or, where
    ccxt's tickers tell no mark (Hyperliquid), with the position."""
    account = holder(world, venue)
    async with running_feeds(ccxt_account(exchange, account)) as (_, heard, _metrics):
        await heard.until(lambda: snapshots(heard), "the first snapshot")
        world.set_position(account, ETHER[venue], 1, leverage=20)
        world.set_mark(ETHER[venue], 3_210, venue=venue)

        async def is_told() -> bool:
            exchange.publish_now(venue)
            marks = [event for event in heard.events if isinstance(event, MarkPrice)]
            mine = [mark for mark in marks if ETHER[venue] in mark.instrument and mark.mark == 3_210]
            return any(mark.index or venue == "hyperliquid" for mark in mine)

        await eventually(is_told, "a mark of the new holding")


async def test_a_closed_stream_is_a_gap_a_snapshot_and_ready(
    exchange: LoopbackExchange, world: World
) -> None:
    """In this order, and the reading began after the gap."""
    account = holder(world, "bybit")
    async with running_feeds(ccxt_account(exchange, account)) as (_, heard, _metrics):
        await heard.until(lambda: snapshots(heard), "the first snapshot")
        await streams_are_open(exchange, "bybit")
        exchange.faults.close("bybit", 1001)
        await heard.until(lambda: len(heard.of(StreamReady)) > 1, "to be whole again")
        told = [type(event) for event in heard.events if isinstance(event, _ORDERED)]
        after = told[told.index(StreamGap) + 1 :]
        first_ready = after.index(StreamReady)  # a reading that was under way comes first, and is not enough
        assert set(after[:first_ready]) == {AccountSnapshot}


_ORDERED = (StreamGap, AccountSnapshot, StreamReady)


async def test_the_last_position_closed_is_believed_after_a_second_look(
    exchange: LoopbackExchange, world: World
) -> None:
    """The stream spoke of it, and two readings agree."""
    account = holder(world, "binance_usdm")
    async with running_feeds(ccxt_account(exchange, account)) as (feed, heard, _metrics):
        await heard.until(lambda: snapshots(heard), "the first snapshot")
        world.trade(account, "BTCUSDT", -1, 95_000)
        feed.reconcile_soon("all gone", confirm=True)
        await heard.until(lambda: snapshots(heard)[-1].confirmed, "a confirmed reading")
        last = snapshots(heard)[-1]
        assert (last.positions, last.confirmed, last.streamed) == ((), True, True)


@each_venue
async def test_a_lie_of_zero_balances_is_not_believed(
    exchange: LoopbackExchange, world: World, venue: str
) -> None:
    """The account endpoint shows nothing, the stream told of nothing or another endpoint disagrees: the book
    doubts it through a confirmed reading, and is clear again when the truth is back."""
    account = holder(world, venue)
    world.set_mark(BITCOIN[venue], 95_500, venue=venue)  # profit, which an empty wallet would leave
    async with running_feeds(ccxt_account(exchange, account)) as (feed, heard, _metrics):
        await heard.until(lambda: snapshots(heard), "the first snapshot")
        await streams_are_open(exchange, venue)
        await heard.until(lambda: len(snapshots(heard)) > 2, "quiet readings")
        exchange.faults.zero_balances(account.id)
        count = len(snapshots(heard))
        feed.reconcile_soon("all gone", confirm=True)
        await heard.until(lambda: len(snapshots(heard)) > count + 2, "readings of the lie")
        state = book_state(feed.id, heard)
        assert (state.band, state.reasons) == (RiskBand.UNKNOWN, Reason.IMPLAUSIBLE)
        exchange.faults.true_balances(account.id)
        count = len(snapshots(heard))
        await heard.until(lambda: len(snapshots(heard)) > count + 1, "the truth")
        assert book_state(feed.id, heard).band is RiskBand.CLEAR


def book_state(account: AccountId, heard: Heard) -> PoolState:
    """What a book makes of all that was posted, at the time of the last."""
    book = LiveBook(BookSettings(("venue_ratio",), lambda *_: LEVELS))
    book.declare(account, "desk", heard.events[0].received_ns)
    for event in heard.events:
        book.apply(event, event.received_ns)
    (state,) = book.turn(heard.events[-1].received_ns, heard.events[-1].received_ns, None).changed
    return state


LEVELS = LevelRow((0.4, 0.6, 0.8, 1.0), (0.38, 0.57, 0.76, 0.95))


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit"])
async def test_a_key_that_may_trade_is_refused(exchange: LoopbackExchange, world: World, venue: str) -> None:
    """Where the exchange tells what a key may do; nothing of the account is read then."""
    account = holder(world, venue, can_trade=True)
    async with running_feeds(ccxt_account(exchange, account)) as (_, heard, _metrics):
        await heard.until(lambda: refusals(heard), "a refusal")
        assert refusals(heard)[0].reason is Reason.REJECTED
        assert "the key may do more than read" in refusals(heard)[0].detail
        assert not snapshots(heard)


async def test_a_rejected_key_is_told_and_tried_again_slowly(
    exchange: LoopbackExchange, world: World
) -> None:
    """REJECTED, with ccxt's class and without a secret."""
    account = holder(world, "bybit")
    exchange.faults.reject_key(account.id)
    async with running_feeds(ccxt_account(exchange, account)) as (_, heard, _metrics):
        await heard.until(lambda: refusals(heard), "a refusal")
        assert refusals(heard)[0].reason is Reason.REJECTED
        assert account.key not in str(heard.events)
        assert account.secret not in str(heard.events)


async def test_an_exchange_that_is_not_in_the_table_is_unknown_by_name() -> None:
    """Nothing is asked of it: the account is UNSUPPORTED, and the reason names it."""
    account = config.Account("alpha", "ccxt:xt", "majors")
    async with running_feeds(account) as (_, heard, _metrics):
        await heard.until(lambda: refusals(heard), "a refusal")
        (refused,) = refusals(heard)
        assert refused.reason is Reason.UNSUPPORTED
        assert refused.detail == ("ccxt:xt: margind does not know where this exchange tells its margin ratio")
        others: list[Event] = [event for event in heard.events if event is not refused]
        assert others == []


async def test_a_subaccount_is_unknown_by_name() -> None:
    """ccxt has no one way to choose it."""
    account = config.Account("alpha", "ccxt:okx", "majors", subaccount="two")
    async with running_feeds(account) as (_, heard, _metrics):
        await heard.until(lambda: refusals(heard), "a refusal")
        assert "without `subaccount`" in refusals(heard)[0].detail


def test_a_name_that_ccxt_does_not_have_is_refused_at_start() -> None:
    """By looking at its files: to load ccxt takes seconds."""
    spec = ccxt_spec("ccxt:okx")
    assert (spec.name, spec.exchange, spec.models) == ("ccxt:okx", "okx", ("venue_ratio",))
    assert spec.entry is not None
    assert ccxt_spec("ccxt:xt") == CcxtSpec("ccxt:xt", "xt", None)
    with pytest.raises(NoSuchExchange, match="no exchange 'bitmax2'"):
        ccxt_spec("ccxt:bitmax2")


def test_the_table_does_not_load_ccxt() -> None:
    """A daemon without such an account never pays for it."""
    code = "import adapters, sys; adapters.spec_of('ccxt:okx'); print('ccxt' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "False"
