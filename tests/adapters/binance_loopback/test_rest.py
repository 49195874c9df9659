"""What is read of an account, and what the venue may refuse."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.loopback import LoopbackExchange, World
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.clock import SystemClock
from monitor.domain.event import (
    AccountSnapshot,
)
from tests.support.binance_desk import VENUE, Make

pytestmark = pytest.mark.integration


def by_pool(snapshot: AccountSnapshot) -> dict[str, tuple[str, Decimal]]:
    """Asset and wallet of each pool that has one balance."""
    return {fact.pool: (fact.asset, fact.wallet) for fact in snapshot.balances}


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


async def test_a_revoked_key_is_refused_in_words(desk: Make, exchange: LoopbackExchange) -> None:
    """401 with -2015 becomes KeyRefused with the code, on every call."""
    one = desk()
    exchange.faults.reject_key(one.held.id)
    async with one.source() as source:
        for call in (source.check_key, source.snapshot, source.instruments, source.private_stream):
            with pytest.raises(KeyRefused, match="-2015"):
                await call()


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
