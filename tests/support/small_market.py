"""A pool and its market in the fewest words, in Decimal: for tests, oracles and published examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitor.domain.instrument import MarginTier, tier_schedule

Number = Decimal | str | int


@dataclass(frozen=True)
class OptionTerms:
    """Terms of an option: `side` 1 for a call, -1 for a put; rates are of the underlying."""

    strike: Decimal
    side: int
    forward: Decimal
    volatility: Decimal = Decimal("0.6")
    years: Decimal = Decimal("0.1")
    initial_rate: Decimal = Decimal("0.15")
    initial_floor: Decimal = Decimal("0.1")
    maintenance_rate: Decimal = Decimal("0.075")
    liquidation_rate: Decimal = Decimal(0)


@dataclass(frozen=True)
class Point:
    """One price of a portfolio margin's grid: volatility moves by either, and stays where that lies between;
    damping is in the quote currency."""

    price_move: Decimal
    lower_volatility: Decimal = Decimal(0)
    upper_volatility: Decimal = Decimal(0)
    weight: Decimal = Decimal(1)
    damping: Decimal = Decimal(0)


@dataclass(frozen=True)
class RiskUnit:
    """What a portfolio margin nets together."""

    name: str
    index: Decimal
    scenarios: tuple[Point, ...]
    tiers: tuple[MarginTier, ...] = ()  # how a least charge is scaled
    inverse: bool = False
    volatility_floor: Decimal = Decimal(0)
    short_power: Decimal = Decimal(0)
    long_power: Decimal = Decimal(0)
    delta_threshold: Decimal = Decimal(0)
    delta_slope: Decimal = Decimal(0)
    delta_limit: Decimal = Decimal(0)
    roll_rate: Decimal = Decimal(0)
    roll_floor: Decimal = Decimal(0)
    reduction_rate: Decimal = Decimal(0)
    initial_factor: Decimal = Decimal(1)
    maintenance_factor: Decimal = Decimal(1)


@dataclass(frozen=True)
class Contract:
    """What a leg is in. The multiplier is base per unit (linear) or quote per contract (inverse)."""

    name: str
    mark: Decimal
    tiers: tuple[MarginTier, ...]
    underlying: str = ""  # "": its own name
    multiplier: Decimal = Decimal(1)
    taker_fee: Decimal = Decimal(0)
    inverse: bool = False
    option: OptionTerms | None = None
    unit: RiskUnit | None = None
    index: Decimal | None = None  # None: its mark
    funding: Decimal = Decimal(0)  # rate of the next funding, paid by longs
    years: Decimal = Decimal(0)  # to the expiry of a dated future; an option has its own
    gain_rate: Decimal = Decimal(1)
    gain_initial: Decimal = Decimal(1)
    gain_slope: Decimal = Decimal(0)
    ceiling: Decimal = Decimal(0)  # 0: none


@dataclass(frozen=True)
class Coin:
    """What a balance is in. Without tiers it counts in full."""

    name: str
    price: Decimal = Decimal(1)
    underlying: str = ""  # "": follows nothing
    bid_buffer: Decimal = Decimal(0)
    ask_buffer: Decimal = Decimal(0)
    tiers: tuple[MarginTier, ...] = ()  # collateral value
    liability: tuple[MarginTier, ...] = ()  # what a debt in it requires
    category: int = -1
    category_rate: Decimal = Decimal(0)
    category_initial: Decimal = Decimal(0)
    average: Decimal | None = None  # None: its price


@dataclass(frozen=True)
class Leg:
    """A signed position."""

    contract: Contract
    quantity: Decimal
    entry_price: Decimal
    leverage: Decimal = Decimal(10)
    bids: Decimal = Decimal(0)
    asks: Decimal = Decimal(0)


@dataclass(frozen=True)
class Line:
    """A balance, and the legs whose profit it receives."""

    coin: Coin
    wallet: Decimal
    legs: tuple[Leg, ...] = ()
    borrowed: Decimal = Decimal(0)
    order_loss: Decimal = Decimal(0)
    collateral: bool = True


@dataclass(frozen=True)
class SmallPool:
    """What is liquidated together, under one model."""

    model: str
    lines: tuple[Line, ...]
    told: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))  # equity, maintenance margin: the venue's word
    category: int = -1
    threshold: Decimal = Decimal(1)

    @property
    def legs(self) -> list[Leg]:
        """All legs, in the order of the lines."""
        return [leg for line in self.lines for leg in line.legs]


@dataclass(frozen=True)
class Figures:
    """What an oracle answers; `terms`, the sum of the absolute terms, bounds what rounding may cost."""

    equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    terms: Decimal
    quanta: Decimal = Decimal(0)  # what a venue's own rounding may make of a float beside it: one a position


def decimal(value: Number) -> Decimal:
    """A number as a test writes it."""
    return Decimal(value)


def tiers(*rows: Sequence[Number]) -> tuple[MarginTier, ...]:
    """Steps of (floor, maintenance rate[, initial rate]), continuous."""
    whole = [(decimal(row[0]), decimal(row[1]), decimal(row[2] if len(row) > 2 else row[1])) for row in rows]
    return tier_schedule(whole, "a test").tiers


def sliced(steps: Sequence[MarginTier], value: Decimal) -> Decimal:
    """Each slice of `value` at the rate of its own step; reads floors and rates, never a deduction."""
    total = Decimal(0)
    for number, step in enumerate(steps):
        ceiling = steps[number + 1].floor if number + 1 < len(steps) else value
        slice_of_it = min(value, ceiling) - step.floor
        if slice_of_it > 0:
            total += slice_of_it * step.maintenance_rate
    return total
