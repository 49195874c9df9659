"""Plans and requests as tests need them."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.deleverage.request import Caps, DeleverageRequest, Purpose, Step, request_id
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
