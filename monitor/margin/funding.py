"""Funding of perpetuals and what settles: who pays what, and when (RISK 9).

A rate is of one interval and paid by longs where it is above zero. At what price the notional is taken is the
venue's own affair: most take the mark; Hyperliquid's oracle and a venue's own rounding differ by less than
the rate moves until then, and are not modelled.
"""

from __future__ import annotations

from monitor.margin.common import notional
from monitor.margin.formula import formula
from monitor.margin.rows import Instrument, N

HOUR_NS = 3_600_000_000_000
DAY_HOURS = 24
CONTINUOUS_HOURS = 8  # what is charged each moment is told as the rate of so many (Deribit)


@formula
def funding_payment(quantity: N, price: N, rate: N, instrument: Instrument[N]) -> N:
    """What the holder of a signed quantity receives at the instant of funding, in the settle asset; negative
    where it pays."""
    value = notional(abs(quantity), price, instrument)
    if quantity > 0:
        return -value * rate
    return value * rate


def next_funding_ns(now_ns: int, interval_hours: float) -> int:
    """The next instant of a schedule that begins at midnight UTC, as every venue's does; wall clock.

    `interval_hours` is above 0: what is paid continuously has no instant."""
    interval_ns = round(interval_hours * HOUR_NS)
    return (now_ns // interval_ns + 1) * interval_ns


def accrued_share(now_ns: int, next_ns: int, interval_hours: float) -> float:
    """How much of the running interval has passed, 0 to 1: that share of the forecast payment is earned
    already, though the venue books it at the end."""
    left_ns = next_ns - now_ns
    return min(1.0, max(0.0, 1 - left_ns / (interval_hours * HOUR_NS)))


def continuous_accrual(rate: float, elapsed_ns: int) -> float:
    """The part of a rate of CONTINUOUS_HOURS that a venue with continuous funding charges in this time."""
    return rate * elapsed_ns / (CONTINUOUS_HOURS * HOUR_NS)


def next_settlement_ns(now_ns: int, hour: int) -> int:
    """The next time that it is this full hour of the day in UTC; wall clock."""
    day_ns = DAY_HOURS * HOUR_NS
    return ((now_ns - hour * HOUR_NS) // day_ns + 1) * day_ns + hour * HOUR_NS
