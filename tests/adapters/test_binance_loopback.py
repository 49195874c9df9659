"""The Binance adapter against the loopback exchange: real HTTP, real sockets, ccxt's own signatures."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import structlog
from prometheus_client import CollectorRegistry

from adapters.account_feed import AccountFeed
from adapters.binance_usdm import SPEC
from adapters.binance_usdm.rest import BinanceSource
from adapters.gate import Gates
from adapters.loopback import Account as LoopbackAccount
from adapters.loopback import LoopbackExchange, World, standard_world
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from adapters.venue import KeyRefused, RateLimited, StreamExpired, UnsupportedMode, VenueUnavailable
from monitor.clock import SystemClock
from monitor.config import Account, Credentials, Secret
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
from monitor.names import Metrics
from tests.support.fake_stream import Ear, counted
from tests.support.waiting import eventually

VENUE = "binance_usdm"
pytestmark = pytest.mark.integration


@pytest.fixture(scope="session", autouse=True)
def ccxt_loaded() -> None:
    """The import takes seconds, which no test wants to wait for within its time-outs."""
    import ccxt.async_support  # noqa: F401


@pytest.fixture
def world() -> World:
    """Binance at its starting marks."""
    return standard_world(VENUE)


@pytest.fixture
async def exchange(world: World) -> AsyncIterator[LoopbackExchange]:
    """Running at the venue's cadence."""
    async with LoopbackExchange(world) as running:
        yield running


class Desk:
    """An account on both sides, and what the feeds of it are given."""

    def __init__(self, exchange: LoopbackExchange, held: LoopbackAccount, gates: Gates | None = None) -> None:
        clock = SystemClock()
        self.exchange = exchange
        self.held = held
        self.config = Account(
            name=held.name,
            venue=VENUE,
            desk="desk",
            environment="loopback",
            credentials=Credentials(Secret(held.key, "test"), Secret(held.secret, "test")),
            endpoints=exchange.endpoints(VENUE),
        )
        gates = gates or Gates(clock)
        gate = gates.of(self.config, SPEC.connects)
        self.tools = Tools(clock, Metrics(CollectorRegistry()), random.Random(1), gate)
        self.ear = Ear()
        self.feed: AccountFeed | None = None

    @asynccontextmanager
    async def source(self) -> AsyncIterator[BinanceSource]:
        """The REST side alone."""
        made = BinanceSource(self.config, self.tools.clock, self.tools.metrics, self.tools.gate)
        try:
            yield made
        finally:
            await made.close()

    @asynccontextmanager
    async def watched(self, public: bool = False) -> AsyncIterator[Ear]:
        """The account's feed running, and the public one if wanted."""
        market = PublicFeed((self.config,), SPEC, self.ear.post, self.tools)
        self.feed = AccountFeed(self.config, SPEC, self.ear.post, self.tools, market.watch)
        tasks = [asyncio.create_task(self.feed.run())]
        if public:
            tasks.append(asyncio.create_task(market.run()))
        try:
            yield self.ear
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                assert task.cancelled(), task.exception()


Make = Callable[..., Desk]


async def _is_closed(desk: Desk) -> bool:
    return desk.tools.gate.rest.remaining_s() > 0


@pytest.fixture
def desk(exchange: LoopbackExchange, world: World) -> Make:
    """Makes an account with 10,000 USDT and a desk for it."""

    def make(name: str = "one", gates: Gates | None = None, **modes: Any) -> Desk:
        held = world.add_account(VENUE, name, **modes)
        world.set_wallet(held, "USDT", 10_000)
        return Desk(exchange, held, gates)

    return make


def by_pool(snapshot: AccountSnapshot) -> dict[str, tuple[str, Decimal]]:
    """Asset and wallet of each pool that has one balance."""
    return {fact.pool: (fact.asset, fact.wallet) for fact in snapshot.balances}


# --- what is read -------------------------------------------------------------------------------------


async def test_a_cross_account_is_read_whole(desk: Make, world: World) -> None:
    """Wallet, position, leverage, mark and the venue's own figures of one pool."""
    one = desk()
    world.set_position(one.held, "BTCUSDT", "0.5", entry=94_000, leverage=10)
    async with one.source() as source:
        await source.check_key()
        snapshot = await source.snapshot()
    (pool,), (position,) = snapshot.pools, snapshot.positions
    assert by_pool(snapshot) == {"cross-USDT": ("USDT", Decimal(10_000))}
    assert (position.quantity, position.entry_price) == (Decimal("0.5"), Decimal(94_000))
    assert position.leverage == 10
    assert snapshot.marks == {"binance_usdm:BTCUSDT": 95_000.0}
    assert pool.reported is not None
    assert (pool.reported.equity, pool.reported.maintenance_margin) == (10_500.0, 47_500 * 0.004)
    assert pool.reported.liquidation_prices["binance_usdm:BTCUSDT"] == pytest.approx(74_297.19, abs=0.01)


async def test_isolated_and_hedge_legs_are_pools_of_their_own(desk: Make, world: World) -> None:
    """Each isolated leg has its own wallet, without the profit that the venue adds to its margin."""
    one = desk(hedge=True)
    world.set_position(one.held, "BTCUSDT", "0.1", entry=90_000, side="long", isolated_wallet=1_000)
    world.set_position(one.held, "BTCUSDT", "-0.2", entry=99_000, side="short", isolated_wallet=2_000)
    world.set_position(one.held, "ETHUSDT", "1", side="long")
    async with one.source() as source:
        snapshot = await source.snapshot()
    assert by_pool(snapshot) == {
        "cross-USDT": ("USDT", Decimal(10_000)),
        "isolated-BTCUSDT-long": ("USDT", Decimal(1_000)),
        "isolated-BTCUSDT-short": ("USDT", Decimal(2_000)),
    }
    equities = {pool.pool: pool.reported.equity for pool in snapshot.pools if pool.reported is not None}
    assert equities["isolated-BTCUSDT-long"] == 1_500.0
    assert equities["isolated-BTCUSDT-short"] == 2_800.0


async def test_multi_assets_mode_is_one_pool_with_its_prices(desk: Make, world: World) -> None:
    """All assets, all positions and the prices of the collateral come with one snapshot."""
    one = desk(multi_assets=True)
    world.set_wallet(one.held, "BTC", "0.1")
    world.set_position(one.held, "ETHUSDT", "1")
    async with one.source() as source:
        snapshot = await source.snapshot()
    assert [(pool.pool, pool.model, pool.unit) for pool in snapshot.pools] == [
        ("multi-assets", "multi_assets", "USD")
    ]
    assert {fact.asset for fact in snapshot.balances} == {"USDT", "BTC"}
    assert {"USDT", "BTC", "ETH"} <= {price.asset for price in snapshot.prices}
    assert {fact.pool for fact in snapshot.positions} == {"multi-assets"}


async def test_definitions_are_contracts_with_checked_brackets(desk: Make) -> None:
    """Ticks, steps and tiers of everything that is listed, and the collateral assets."""
    async with desk().source() as source:
        defined = await source.instruments()
    btc = next(made for made in defined.instruments if made.id == "binance_usdm:BTCUSDT")
    assert (btc.settle_asset, btc.price_digits, btc.quantity_digits) == ("USDT", 1, 3)
    assert btc.tiers.tiers[1].deduction == 300
    assert {"BTC", "USDT"} <= {asset.asset for asset in defined.assets}


async def test_a_confirmed_snapshot_needs_a_second_endpoint_that_agrees(
    desk: Make, exchange: LoopbackExchange
) -> None:
    """An endpoint that lies alone is not confirmed; when both say the same, that is what confirmed means."""
    one = desk()
    async with one.source() as source:
        assert not (await source.snapshot()).confirmed
        assert (await source.snapshot(confirm=True)).confirmed
        exchange.faults.zero_balances(one.held.id)
        lie = await source.snapshot(confirm=True)
        assert not lie.confirmed and not any(fact.wallet for fact in lie.balances)
        exchange.faults.zero_balances(one.held.id, everywhere=True)
        assert (await source.snapshot(confirm=True)).confirmed


async def test_an_endpoint_that_lost_the_positions_is_never_mixed_with_one_that_has_them(
    desk: Make, exchange: LoopbackExchange, world: World
) -> None:
    """Account tells nothing while positionRisk does: the snapshot tells nothing, for the book to doubt."""
    one = desk()
    world.set_position(one.held, "BTCUSDT", "0.5")
    exchange.faults.zero_balances(one.held.id)
    async with one.source() as source:
        lie = await source.snapshot(confirm=True)
    assert not (lie.pools or lie.balances or lie.positions or lie.confirmed)


# --- keys, limits, clocks -----------------------------------------------------------------------------


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


async def test_a_revoked_key_is_refused_in_words(desk: Make, exchange: LoopbackExchange) -> None:
    """401 with -2015 becomes KeyRefused with the code, on every call."""
    one = desk()
    exchange.faults.reject_key(one.held.id)
    async with one.source() as source:
        for call in (source.check_key, source.snapshot, source.instruments, source.private_stream):
            with pytest.raises(KeyRefused, match="-2015"):
                await call()


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


async def test_a_closed_gate_refuses_before_anything_is_sent(desk: Make, exchange: LoopbackExchange) -> None:
    """While the venue's pause runs, a call costs no request and says how long it is."""
    one = desk()
    one.tools.gate.rest.close(30)
    async with one.source() as source:
        with pytest.raises(RateLimited) as limited:
            await source.snapshot()
    assert 29 < limited.value.retry_after_s <= 30
    assert not exchange.gate(VENUE).requests


@pytest.mark.parametrize("ahead_ms", [10_000, -10_000])
async def test_a_wrong_clock_costs_two_requests(
    desk: Make, exchange: LoopbackExchange, ahead_ms: int
) -> None:
    """-1021 is answered by a look at the venue's clock, and the call is made again with the right time."""
    one = desk()
    exchange.faults.skew_clock(VENUE, ahead_ms)
    async with one.source() as source:
        await source.check_key()
        assert exchange.gate(VENUE).requests.total() <= 3
        snapshot = await source.snapshot()
    offset_s = one.tools.metrics.registry.get_sample_value("margind_clock_offset_seconds", {"venue": VENUE})
    assert offset_s == pytest.approx(ahead_ms / 1_000, abs=1.0)
    assert snapshot.venue_ns == pytest.approx(SystemClock().wall_ns() + ahead_ms * 1_000_000, abs=5e9)


@pytest.mark.parametrize("fault", ["fail", "cut", "refuse"])
async def test_a_venue_in_trouble_is_unavailable_and_never_half_read(
    desk: Make, exchange: LoopbackExchange, fault: str
) -> None:
    """5xx, a body that breaks off, a refused connection: one exception, and the next call works."""
    one = desk()
    async with one.source() as source:
        await source.snapshot()
        if fault == "fail":
            exchange.faults.fail(VENUE, 503)
        elif fault == "cut":
            exchange.faults.cut_answers(VENUE, 10)
        else:
            await asyncio.sleep(0)
            exchange.faults.refuse(VENUE)
            exchange.faults.reset(VENUE)
            await asyncio.sleep(0.2)
        if fault != "refuse":  # keep-alive connections outlive a closed port
            with pytest.raises(VenueUnavailable):
                await source.snapshot()
        exchange.faults.heal(VENUE)
        await asyncio.sleep(0.2)
        exchange.faults.cut_answers(VENUE, 0)
        assert (await source.snapshot()).pools


async def test_portfolio_margin_is_named_and_not_guessed(
    desk: Make, exchange: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The futures side refuses such a key; where the venue says why, the account is unsupported by name."""
    one = desk()
    async with one.source() as source:
        call = source._rest.call

        async def portfolio(endpoint: str, shape: type, *rest: Any) -> Any:
            if endpoint == "sapiGetAccountInfo":
                return msgspec.convert({"isPortfolioMarginRetailEnabled": True}, shape)
            return await call(endpoint, shape, *rest)

        monkeypatch.setattr(source._rest, "call", portfolio)
        exchange.faults.reject_key(one.held.id)
        with pytest.raises(UnsupportedMode, match="Portfolio Margin"):
            await source.snapshot()


# --- streams ------------------------------------------------------------------------------------------


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


# --- secrets ------------------------------------------------------------------------------------------


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
