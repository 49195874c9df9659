"""Real tier tables of OKX, Gate and Bitget as a test writes them: rows of floor and rate."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule, tier_schedule

NOTHING, FULL = Decimal(0), Decimal(1)
Row = tuple[Any, Any]


def whole(*rows: Row) -> tuple[MarginTier, ...]:
    """Steps whose rate is on the whole position, checked as on entry."""
    steps = tuple(MarginTier(Decimal(floor), Decimal(rate), FULL, NOTHING) for floor, rate in rows)
    return checked_schedule(TierSchedule(steps, "a table", whole=True)).tiers


def gradient(*rows: Row) -> tuple[MarginTier, ...]:
    """Steps each of whose slices is at its own rate, checked as on entry."""
    return tier_schedule([(Decimal(floor), Decimal(rate), FULL) for floor, rate in rows], "a table").tiers


def discounts(*rows: Row) -> tuple[MarginTier, ...]:
    """A schedule of falling discount rates, continuous as an adapter makes it."""
    return tuple(_falling(rows))


def _falling(rows: Iterable[Row]) -> Iterable[MarginTier]:
    before, deduction = NOTHING, NOTHING
    for floor, share in ((Decimal(floor), Decimal(share)) for floor, share in rows):
        deduction += floor * (share - before)
        yield MarginTier(floor, share, share, deduction)
        before = share
