"""What the guards look at: everything that is so at one moment, put together by who asks them."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from monitor.config_deleverage import Deleverage
from monitor.deleverage.request import DeleverageRequest
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import InstrumentId


class SecondSource(NamedTuple):
    """What another source says of an instrument's price now."""

    name: str  # "binance_usdm:BTCUSDT mark" or "bybit:BTCUSDT index"
    price: float


class Leg(NamedTuple):
    """A position of the plan as the book has it now."""

    quantity: str  # signed, as written
    mark: float
    others: tuple[SecondSource, ...]  # fresh ones only


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that the guards look at, of one moment."""

    config: Deleverage
    request: DeleverageRequest
    now_ns: int  # monotonic
    wall_ns: int
    audit_trouble: str = ""  # why the audit log takes no record
    killed: str = ""  # where the kill switch is thrown; "" nowhere
    is_armed: bool = False  # at run time
    armed_until_ns: int = 0  # monotonic
    band: RiskBand = RiskBand.UNKNOWN
    reasons: Reason = Reason(0)
    known_since_ns: int | None = None  # monotonic: UNKNOWN or not yet heard of before that
    margin_error: float | None = None
    is_margin_error_open: bool = True
    price_age_s: float | None = None
    account_age_s: float | None = None
    legs: dict[InstrumentId, Leg] = {}  # by position key: the instrument, and "/side" in hedge mode
    used_hour: float = math.inf  # US dollars asked for within the last hour
    used_day: float = math.inf
    last_request_ns: int | None = None  # wall clock, of the account
    in_flight: str = ""  # a request of the account whose end is not known
    fence: int | None = None  # the epoch that Redis says is ours now; None: not ours, or not known
    fence_trouble: str = ""
    highest_fence: int = 0  # in the audit log
    outage_ended_ns: int | None = None  # monotonic: since when Redis answers and the process runs
    is_confirmed: bool = False


def position_key(instrument: str, side: str) -> InstrumentId:
    """How a position is known within its account."""
    return InstrumentId(f"{instrument}/{side}" if side else instrument)
