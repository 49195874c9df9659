"""Plans and requests as tests need them."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.config_deleverage import Deleverage
from monitor.deleverage.request import Caps, DeleverageRequest, Purpose, Step, request_id
from monitor.deleverage.situation import Leg, SecondSource, Situation
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import AccountId, InstrumentId, PoolId

POOL = PoolId("bybit/desk-1/unified")
NOW_NS = 1_700_000_000_000_000_000


def a_step(**changed: Any) -> Step:
    """Half of one bitcoin sold."""
    step = Step(
        number=1,
        instrument=InstrumentId("bybit:BTCUSDT"),
        symbol="BTCUSDT",
        side="sell",
        quantity="0.500",
        expected_position="2.000",
        mark_price="60000.0",
        limit_price="59700.0",
        max_slippage=0.005,
        notional=30_000.0,
        ratio_after=0.6,
    )
    return msgspec.structs.replace(step, **changed)


def a_request(**changed: Any) -> DeleverageRequest:
    """A dry run for one pool."""
    request = DeleverageRequest(
        id=request_id("main", POOL, Purpose.REDUCE, 1, 1),
        kind=Purpose.REDUCE,
        shard="main",
        pool=POOL,
        account=AccountId("bybit/desk-1"),
        venue="bybit",
        desk="majors",
        incident=1,
        attempt=1,
        created_ns=NOW_NS,
        expires_ns=NOW_NS + 30_000_000_000,
        fence=1,
        dry_run=True,
        reason="critical: ratio 0.91, target 0.60",
        unit="USDT",
        ratio_before=0.91,
        target_ratio=0.6,
        steps=(a_step(),),
        caps=Caps(action=100_000.0, hour=200_000.0, day=500_000.0, used_hour=0.0, used_day=0.0),
    )
    return msgspec.structs.replace(request, **changed)


POLICY = Deleverage(
    desks=("majors",),
    dry_run=False,
    armed=True,
    symbols=("bybit:BTCUSDT",),
    most_action_usd=100_000.0,
    most_hour_usd=200_000.0,
    most_day_usd=500_000.0,
    confirm=True,
)


def a_situation(**changed: Any) -> Situation:
    """One in which everything is as it should be, so that no guard refuses."""
    now_ns = 10_000 * 10**9
    situation = Situation(
        config=POLICY,
        request=a_request(dry_run=False, fence=7),
        now_ns=now_ns,
        wall_ns=NOW_NS + 10**9,
        is_armed=True,
        armed_until_ns=now_ns + 10**9,
        band=RiskBand.CRITICAL,
        known_since_ns=now_ns - 600 * 10**9,
        margin_error=0.001,
        is_margin_error_open=False,
        price_age_s=0.5,
        account_age_s=10.0,
        legs={
            InstrumentId("bybit:BTCUSDT"): Leg(
                "2.000", 60_010.0, (SecondSource("binance_usdm:BTCUSDT mark", 60_020.0),)
            )
        },
        used_hour=0.0,
        used_day=0.0,
        fence=7,
        highest_fence=7,
        outage_ended_ns=now_ns - 600 * 10**9,
        is_confirmed=True,
    )
    return msgspec.structs.replace(situation, **changed)
