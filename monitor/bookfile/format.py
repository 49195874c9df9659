"""The book file: accounts and their market as JSON, so that a pool can be assessed at a desk.

One schema, published by `margind schema book`. Numbers of holdings and rates may be written as JSON numbers
or as text ("0.1"); they are read as decimals, exactly. Names are those of the venue. What a field means is
in its comment; what a model needs of them, `margind assess` says when it is missing.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field

from monitor.bookfile.accrual_format import Accrual
from monitor.bookfile.part import Name, Part, Price, Rate, Side, Unit


class Step(Part, frozen=True):
    """One step of a schedule, from `floor` up."""

    floor: Decimal
    maintenance_rate: Rate  # of a collateral schedule: how much of the value counts
    initial_rate: Rate | None = None  # 1 / highest leverage; absent: as maintenance
    deduction: Decimal | None = None  # absent: what makes the schedule continuous
    slope: Decimal = Decimal(0)


class Schedule(Part, frozen=True):
    """Steps in rising order. `whole`: the step's rate applies to all of it, not to the slice."""

    steps: list[Step]
    whole: bool = False
    source: str = ""


class Option(Part, frozen=True):
    """Terms of an option; the rates are what its venue asks of a short one, of the underlying."""

    strike: Decimal
    type: Literal["call", "put"]
    expiry: datetime
    initial_rate: Rate = Decimal(0)
    initial_floor: Rate = Decimal(0)
    maintenance_rate: Rate = Decimal(0)
    liquidation_rate: Rate = Decimal(0)  # fee of liquidating it, where the venue requires that as well


class LiquidityTier(Part, frozen=True):
    """A market of dYdX: the one step of its schedule follows from it. Fractions as plain numbers, 0.05 for
    50,000 ppm; open interest and caps in USDC."""

    initial_fraction: Rate
    maintenance_share: Rate  # of the initial fraction
    open_interest: Decimal = Decimal(0)
    lower_cap: Decimal = Decimal(0)
    upper_cap: Decimal = Decimal(0)  # 0: open interest raises nothing
    funding_factor: Decimal | None = None  # what the rate of eight hours is capped by: 6 on the main chain


class Fund(Part, frozen=True):
    """What the issuer of a leveraged token publishes; `margind explain` tells what follows."""

    basket: Decimal  # units of the underlying, below 0 where it is short
    price: Decimal  # of one of them, when the net asset value was published
    issued: Decimal  # tokens
    net_asset_value: Decimal  # of one token
    lowest: Decimal  # leverage, in size, that the issuer lets it fall to
    highest: Decimal  # and rise to
    variance: Decimal | None = None  # of a day of the underlying: volatility squared, 0.0016 for 4 % a day
    holds: str | None = None  # symbol of the contract whose mark is the price of now; absent: `price` is


class Instrument(Part, frozen=True):
    """A contract, and what is measured of it now."""

    symbol: str
    kind: Literal["spot", "linear", "inverse", "quanto", "option", "leveraged_token"]
    underlying: str
    settle_asset: str
    mark: Price | None = None
    multiplier: Decimal = Decimal(1)
    taker_fee: Rate = Decimal(0)
    price_digits: int = 2
    quantity_digits: int = 3
    tiers: Schedule | None = None
    option: Option | None = None
    index: str = ""  # name of the index that its margin reads; "": the mark is enough
    index_price: Price | None = None
    funding_rate: float | None = None  # of the next interval, paid by longs; of 8 hours where continuous
    next_funding: datetime | None = None
    funding_hours: Annotated[float, Meta(ge=0)] | None = None  # the interval; 0: continuous
    expiry: datetime | None = None  # of a dated future
    settlement_hour: Annotated[int, Meta(ge=0, le=23)] | None = None  # in UTC, of a daily settlement
    forward: Price | None = None
    volatility: Annotated[float, Meta(ge=0)] | None = None  # 0.6 is 60 % a year
    unit: Unit = ""  # whose published portfolio margin nets it
    gain_rate: Rate = Decimal(1)  # how much of an unrealised gain counts
    gain_initial: Rate = Decimal(1)  # the same for initial margin
    gain_slope: Decimal = Decimal(0)  # by how much that falls with the root of the gain
    ceiling: Decimal = Decimal(0)  # the highest price that it can have; 0: none
    liquidity_tier: LiquidityTier | None = None  # in place of `tiers`
    funding_cap: Rate | None = None  # what the rate of an interval is at most, up or down
    funding_index: Decimal | None = None  # now: what one long unit has paid since ever, in the settle asset
    most_impact: Rate | None = None  # of the size, that closing is charged for price impact at most (GMX)
    fund: Fund | None = None  # of a leveraged token


class Asset(Part, frozen=True):
    """What a balance is in, as the venue's margin engine values it."""

    asset: str
    price: Price | None = None  # in the unit of the pools that hold it; not needed where it is that unit
    underlying: str = ""  # "": follows nothing
    digits: int = 2
    bid_buffer: float = 0.0  # haircut on what is there
    ask_buffer: float = 0.0  # surcharge on what is owed
    average: Price | None = None
    collateral: Schedule | None = None  # how much of it counts; absent: all, in Aave nothing
    scale_start: Decimal | None = None  # of Drift: from where on deposits lower the initial weight, in USD
    deposits: Decimal | None = None  # of all users, in USD
    liability: Schedule | None = None  # what a debt in it requires
    category: int = -1
    category_rate: Rate = Decimal(0)
    category_initial: Rate = Decimal(0)


class Venue(Part, frozen=True):
    """A venue's definitions and prices."""

    venue: Name
    instruments: list[Instrument] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)


class Balance(Part, frozen=True):
    """One asset of a pool."""

    asset: str
    wallet: Decimal = Decimal(0)
    borrowed: Decimal = Decimal(0)
    order_loss: Decimal = Decimal(0)
    collateral: bool = True
    accrual: Accrual | None = None  # absent: the amounts are those of `as_of`


class Position(Part, frozen=True):
    """One leg; long is positive."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None = None
    leverage: Decimal | None = None
    side: Side = ""  # of hedge mode
    bids: Decimal = Decimal(0)
    asks: Decimal = Decimal(0)
    funding_index: Decimal | None = None  # of its market, when its funding was last settled (dYdX)
    closing_impact: Decimal | None = None  # price impact of closing it now in USD, below 0 a cost (GMX)


class Told(Part, frozen=True):
    """Equity and maintenance margin on the venue's word, where no model computes them."""

    equity: Decimal
    maintenance_margin: Decimal


class Reported(Part, frozen=True):
    """The venue's own figures, for comparison, in its own scale."""

    equity: float | None = None
    initial_margin: float | None = None
    maintenance_margin: float | None = None
    ratio: float | None = None
    ratio_name: str = ""
    liquidation_prices: dict[str, float] = field(default_factory=dict)


class Pool(Part, frozen=True):
    """What is liquidated together."""

    pool: Name
    model: str
    unit: str  # what its equity and margins are counted in
    balances: list[Balance] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    category: int = -1  # e-mode
    threshold: Decimal = Decimal(1)  # where the venue liquidates on its own scale
    is_isolated: bool = False
    told: Told | None = None
    reported: Reported | None = None


class Account(Part, frozen=True):
    """The pools of one set of credentials, or of one address."""

    venue: Name
    account: Name
    pools: list[Pool]
    desk: str = "desk"


class BookFile(Part, frozen=True):
    """The whole file."""

    schema: Literal[1]
    as_of: datetime
    venues: list[Venue]
    accounts: list[Account]
