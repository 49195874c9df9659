"""Instruments and tier schedules, as a venue publishes them. Checked on entry, so that nothing behind has to
doubt them."""

from __future__ import annotations

import itertools
from decimal import Decimal
from enum import Enum

import msgspec

from monitor.domain.identity import InstrumentId


class BadSchedule(ValueError):
    """A tier schedule that no venue can mean."""


class Kind(Enum):
    """What kind of contract it is."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"  # as linear; the multiplier is in the settle asset per unit of price
    OPTION = "option"
    LEVERAGED_TOKEN = "leveraged_token"  # noqa: S105  a kind of contract


class MarginTier(msgspec.Struct, frozen=True):
    """One step: from `floor` up, each further unit of notional asks for `maintenance_rate`."""

    floor: Decimal
    maintenance_rate: Decimal
    initial_rate: Decimal
    deduction: Decimal
    slope: Decimal = Decimal(0)  # added to the rate per unit of size (Deribit) or of its root (Drift)


class TierSchedule(msgspec.Struct, frozen=True):
    """All steps of one instrument, or of one asset's collateral value."""

    tiers: tuple[MarginTier, ...]
    source: str  # where it was read, for the one who asks
    whole: bool = False  # the step's rate applies to the whole position, which jumps at a floor (OKX)


class OptionTerms(msgspec.Struct, frozen=True):
    """What an option gives the right to, and what its venue asks of a short one, of the underlying."""

    strike: Decimal
    is_call: bool
    expiry_ns: int  # wall clock
    initial_rate: Decimal = Decimal(0)
    initial_floor: Decimal = Decimal(0)
    maintenance_rate: Decimal = Decimal(0)
    liquidation_rate: Decimal = Decimal(0)


class Fund(msgspec.Struct, frozen=True):
    """What the issuer of a leveraged token publishes of the fund that a token is a share of."""

    basket: Decimal  # units of the underlying that its contracts stand for, below 0 where it is short
    price: Decimal  # of one of them, when the net asset value was published
    issued: Decimal  # tokens
    net_asset_value: Decimal  # of one token
    lowest: Decimal  # leverage, in size, that the issuer lets it fall to
    highest: Decimal  # and rise to
    variance: Decimal | None = None  # of a day of the underlying; None: that of the prices seen
    holds: InstrumentId | None = None  # whose mark is the price of now; None: nothing tells it


class Instrument(msgspec.Struct, frozen=True):
    """A contract of a venue."""

    id: InstrumentId
    kind: Kind
    underlying: str  # "BTC": what a move moves
    settle_asset: str
    multiplier: Decimal
    taker_fee: Decimal
    price_digits: int  # decimals of a price as the venue writes it
    quantity_digits: int
    tiers: TierSchedule
    mark_cadence_s: float = 1.0  # how often the venue promises a mark
    index: str = ""  # the index that its margin reads, as the venue names it; "": its mark is all it needs
    reads_funding: bool = False  # its maintenance margin holds the next funding (BitMEX)
    option: OptionTerms | None = None
    unit: str = ""  # whose published portfolio margin nets it: "deribit" or "okx"; "": none does
    funding_hours: float | None = None  # the interval of its funding; 0: continuous; None: none, or not told
    expiry_ns: int | None = None  # of a dated future, wall clock; an option has its own in its terms
    settlement_hour: int | None = None  # of the day in UTC: profit goes to the wallet, entry to the mark
    gain_rate: Decimal = Decimal(1)  # how much of an unrealised gain counts (Drift)
    gain_initial: Decimal = Decimal(1)  # the same for initial margin
    gain_slope: Decimal = Decimal(0)  # by how much that falls with the root of the gain
    ceiling: Decimal = Decimal(0)  # the highest price that it can have (a prediction market's 1); 0 for none
    funding_index: Decimal | None = None  # what one unit long has paid since ever (dYdX); None: not told
    funding_cap: Decimal | None = None  # the most that the rate of an interval is, up or down
    most_impact: Decimal = Decimal(0)  # of the size, that closing is charged for price impact at most (GMX)
    fund: Fund | None = None  # of a leveraged token


class CollateralAsset(msgspec.Struct, frozen=True):
    """An asset as a venue's margin engine values it."""

    venue: str
    asset: str
    underlying: str  # "" when its price is the pool's unit or a stablecoin that follows nothing
    digits: int
    tiers: TierSchedule | None = None  # collateral value schedule; None: counts in full
    price_cadence_s: float = 3.0  # how often the venue tells its price
    liability: TierSchedule | None = None  # what a debt in it requires; None: nothing beyond itself
    category: int = -1  # e-mode that it belongs to; -1 for none
    category_rate: Decimal = Decimal(0)  # its liquidation threshold in that e-mode
    category_initial: Decimal = Decimal(0)  # its loan to value in that e-mode
    has_average: bool = False  # its venue tells a slow average of the price beside it (Drift)


def tier_schedule(rows: list[tuple[Decimal, Decimal, Decimal]], source: str) -> TierSchedule:
    """Builds a schedule from (floor, maintenance_rate, initial_rate), deriving each deduction so that it is
    continuous."""
    tiers: list[MarginTier] = []
    deduction = Decimal(0)
    for position, (floor, maintenance_rate, initial_rate) in enumerate(rows):
        if position:
            deduction += floor * (maintenance_rate - rows[position - 1][1])
        tiers.append(MarginTier(floor, maintenance_rate, initial_rate, deduction))
    return checked_schedule(TierSchedule(tuple(tiers), source))


def checked_schedule(schedule: TierSchedule) -> TierSchedule:
    """The schedule, if it starts at floor 0 with deduction 0, rises, asks at most what it asks initially, and
    is continuous unless its rates apply to the whole; raises BadSchedule with the row."""
    _check_start(schedule)
    tiers = schedule.tiers
    for number, (before, after) in enumerate(itertools.pairwise(tiers), 2):
        where = f"{schedule.source}: tier {number}"
        _check_rise(where, before, after)
        (_check_whole if schedule.whole else _check_continuous)(where, before, after)
    for number, tier in enumerate(tiers, 1):
        _check_rates(f"{schedule.source}: tier {number}", tier)
    return schedule


def collateral_schedule(rows: list[tuple[Decimal, Decimal, Decimal]], source: str) -> TierSchedule:
    """Builds the schedule of what collateral counts from (floor, ratio that holds off liquidation, ratio that
    may be borrowed on), deriving each deduction so that it is continuous. A lending market has one row."""
    tiers: list[MarginTier] = []
    deduction = Decimal(0)
    for position, (floor, ratio, borrow_ratio) in enumerate(rows):
        if position:
            deduction += floor * (ratio - rows[position - 1][1])
        tiers.append(MarginTier(floor, ratio, borrow_ratio, deduction))
    return checked_collateral(TierSchedule(tuple(tiers), source))


def checked_collateral(schedule: TierSchedule) -> TierSchedule:
    """The schedule of an asset's collateral value, if it starts at floor 0 with deduction 0, its floors rise,
    its ratios are in [0, 1] and fall, none is below the one that may be borrowed on, it is continuous, and a
    larger amount never counts for more; raises BadSchedule with the row."""
    _check_start(schedule)
    for number, (before, after) in enumerate(itertools.pairwise(schedule.tiers), 2):
        where = f"{schedule.source}: tier {number}"
        if not after.floor > before.floor:
            raise BadSchedule(f"{where}: floor {after.floor} does not rise above {before.floor}")
        if not after.maintenance_rate <= before.maintenance_rate:
            raise BadSchedule(
                f"{where}: ratio {after.maintenance_rate} does not fall from {before.maintenance_rate}"
            )
        _check_continuous(where, before, after)
    for number, tier in enumerate(schedule.tiers, 1):
        where = f"{schedule.source}: tier {number}"
        ratios = (tier.initial_rate, tier.maintenance_rate)
        if not (all(ratio.is_finite() for ratio in ratios) and 0 <= ratios[0] <= ratios[1] <= 1):
            raise BadSchedule(
                f"{where}: ratios {ratios[0]} to borrow on and {ratios[1]} are not 0 <= one <= other <= 1"
            )
        if not (tier.slope.is_finite() and tier.slope >= 0):
            raise BadSchedule(f"{where}: slope {tier.slope} makes the ratio rise as the amount grows")
    return schedule


def _check_start(schedule: TierSchedule) -> None:
    tiers = schedule.tiers
    if not tiers:
        raise BadSchedule(f"{schedule.source}: no tiers")
    if tiers[0].floor != 0 or tiers[0].deduction != 0:
        raise BadSchedule(
            f"{schedule.source}: tier 1 starts at {tiers[0].floor} with deduction "
            f"{tiers[0].deduction}, not at 0 with 0"
        )


def _check_rates(where: str, tier: MarginTier) -> None:
    if not (tier.maintenance_rate.is_finite() and 0 < tier.maintenance_rate <= 1):
        raise BadSchedule(f"{where}: maintenance rate {tier.maintenance_rate} is not in (0, 1]")
    if tier.maintenance_rate > tier.initial_rate:
        raise BadSchedule(
            f"{where}: maintenance rate {tier.maintenance_rate} is above the initial rate "
            f"{tier.initial_rate} (1 / highest leverage)"
        )
    if not (tier.slope.is_finite() and tier.slope >= 0):
        raise BadSchedule(f"{where}: slope {tier.slope} makes the rate fall as the position grows")


def _check_rise(where: str, before: MarginTier, after: MarginTier) -> None:
    if not after.floor > before.floor:
        raise BadSchedule(f"{where}: floor {after.floor} does not rise above {before.floor}")
    if after.maintenance_rate < before.maintenance_rate:
        raise BadSchedule(
            f"{where}: maintenance rate {after.maintenance_rate} falls below {before.maintenance_rate}"
        )


def _check_whole(where: str, _: MarginTier, after: MarginTier) -> None:
    if after.deduction != 0:
        raise BadSchedule(
            f"{where}: deduction {after.deduction} where the rate applies to the whole position"
        )


def _check_continuous(where: str, before: MarginTier, after: MarginTier) -> None:
    jump = (after.deduction - before.deduction) - after.floor * (
        after.maintenance_rate - before.maintenance_rate
    )
    # Venues print deductions with few digits; a jump of a millionth of the floor is print, not meaning.
    if abs(jump) > max(after.floor * Decimal("1e-6"), Decimal("0.01")):
        raise BadSchedule(
            f"{where}: deduction {after.deduction} leaves a jump of {jump} at floor {after.floor}"
        )
