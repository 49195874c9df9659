"""The columns of the book, seen as rows: one table per noun, the same text over record arrays and over lists
of Decimal rows.

`int` fields are places in other tables or small codes; `N` fields are numbers of the venue. A row is a
numpy record in the daemon and one of these dataclasses, filled with `Decimal`, in a test.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, NamedTuple, TypeAlias, TypeVar

N = TypeVar("N", float, Decimal)
# A row of another table, never below 0: unsigned in the arrays, because numba follows a signed one three
# times slower (it might count from the end).
Place: TypeAlias = int


@dataclass(slots=True)
class Pool(Generic[N]):
    """What is liquidated together. Its balances lie side by side, and so do its positions, grouped by
    balance."""

    model: int  # place in MODELS
    balance_first: int
    balance_last: int
    position_first: int
    position_last: int
    reasons: (
        int  # why the pool is UNKNOWN, as a mask of domain.assessment.Reason; 0 when its account is known
    )
    levels: int  # row of the threshold tables
    category: int  # e-mode of a lending market; -1 for none
    threshold: (
        N  # where the venue liquidates on its own scale, folded into maintenance: 1.05 (uniMMR); else 1
    )
    told_equity: N  # venue_ratio only: the venue's word, taken as it is; 0 where a model computes
    told_maintenance: N  # the same, scaled so that liquidation is told_maintenance == told_equity


@dataclass(slots=True)
class Balance(Generic[N]):
    """One asset of one pool, and the positions whose profit is paid in it."""

    asset: Place
    position_first: int
    position_last: int
    wallet: N  # without unrealised profit
    borrowed: N  # principal with interest
    order_loss: N  # what open orders take off equity, in the asset; never negative
    collateral: int  # 1 where the balance counts as collateral


@dataclass(slots=True)
class Position(Generic[N]):
    """One leg; in hedge mode the long and the short leg are two rows."""

    instrument: Place
    quantity: N  # signed: long is positive; in contracts or coin as the instrument's multiplier says
    entry_price: N  # 0 where what was paid is in the wallet (options, dYdX): profit is then all it is worth
    leverage: N  # chosen leverage: initial margin, and the bankruptcy price of Bybit
    bids: N  # quantity of open orders to buy, never negative
    asks: N  # quantity of open orders to sell, never negative


@dataclass(slots=True)
class Instrument(Generic[N]):
    """What a position is in."""

    mark: Place  # row of quotes
    underlying: int  # which underlying its price follows; -1 for none
    multiplier: N  # base per unit of quantity (linear) or quote per contract (inverse)
    taker_fee: N  # as a fraction, 0.0005 is 5 bp
    tier_first: int
    tier_last: int
    inverse: int  # 1: notional in coin is quantity x multiplier / price
    option: int  # row of the option's terms; -1 for no option
    unit: int  # row of the risk unit that a portfolio margin nets it in; -1 for none
    index: Place  # row of quotes: the index price of its underlying; its mark where the venue has none
    funding: Place  # row of quotes: the rate of the next funding, paid by longs; a row that is 0 where none
    years: Place  # row of quotes: time to its expiry; a row that is 0 for what never expires
    gain_rate: N  # how much of an unrealised gain counts (Drift): 1 in full
    gain_initial: N  # the same for initial margin
    gain_slope: N  # by how much that falls with the root of the gain
    ceiling: N  # the highest price that it can have (a prediction market's 1); 0 for none


@dataclass(slots=True)
class Option(Generic[N]):
    """Terms of an option, and what its venue asks of a short one."""

    strike: N
    side: int  # 1 call, -1 put
    forward: Place  # row of quotes: price of the underlying at expiry
    volatility: Place  # row of quotes: 0.6 is 60 % a year
    years: Place  # row of quotes: time to expiry
    initial_rate: N  # of the underlying, for an option at the money
    initial_floor: N  # of the underlying, however far out of the money
    maintenance_rate: N  # of the underlying
    liquidation_rate: N  # of the underlying, the fee of liquidating a short one where that is required too


@dataclass(slots=True)
class RiskUnit(Generic[N]):
    """What a portfolio margin nets together: everything on one underlying that is settled in one asset."""

    index: Place  # row of quotes
    scenario_first: int
    scenario_last: int
    tier_first: int  # how a least charge is scaled with its size (OKX MR7); empty range: it is not
    tier_last: int
    inverse: int  # 1: settled in its own coin, so what is told in the quote currency is divided by the index
    volatility_floor: N  # what an upward shock raises a volatility to at least; 0.5 is 50 % a year
    short_power: N  # a volatility's shock grows with (30 days / time left) to this power, below 30 days
    long_power: N  # and to this one above
    delta_threshold: N  # net delta in the quote currency from where on it is charged for its size
    delta_slope: N  # of the net delta, for each coin beyond the threshold
    delta_limit: N  # of the net delta, at most
    roll_rate: N  # a year, of the net delta of each expiry
    roll_floor: N  # of the net delta of each expiry, at least
    reduction_rate: N  # cost of closing, of the value of each position
    initial_factor: N  # what initial margin is of the risk that was found
    maintenance_factor: N  # and maintenance margin


@dataclass(slots=True)
class Scenario(Generic[N]):
    """One price of the grid that a portfolio is repriced at, and the volatilities there."""

    price_move: N  # a fraction
    # Volatility moves by either, and stays as it is where that lies between. A fraction of it, of an option
    # with 30 days left.
    lower_volatility: N
    upper_volatility: N
    weight: N  # how much of the loss there counts
    damping: N  # quote currency that is taken off the loss there


@dataclass(slots=True)
class Asset(Generic[N]):
    """What a balance is in, as the venue values it."""

    price: Place  # row of quotes: index price in the pool's own unit
    underlying: int  # which underlying its price follows; -1 for none (the settle asset, a stablecoin)
    bid_buffer: N  # haircut on a positive amount (Binance multi-assets)
    ask_buffer: N  # surcharge on a negative amount
    tier_first: int  # collateral value schedule; empty range: counts in full
    tier_last: int
    liability_first: int  # schedule of what a debt in it requires; empty range: nothing beyond itself
    liability_last: int
    category: int  # e-mode it belongs to; -1 for none
    category_rate: N  # liquidation threshold in that e-mode
    category_initial: N  # loan to value in that e-mode
    average: Place  # row of quotes: the slow average of its price (Drift); its price where there is none


@dataclass(slots=True)
class Tier(Generic[N]):
    """One step of any schedule: maintenance by notional, collateral value by worth."""

    floor: N  # the step holds from here up
    maintenance_rate: N  # or the collateral ratio
    initial_rate: N
    deduction: N  # makes the sum continuous at the floor; 0 where the rate applies to the whole
    slope: N  # added to the rate per unit of size (Deribit) or of its root (Drift); else 0


class Book(NamedTuple, Generic[N]):
    """All the tables that a model may read, and the measured numbers beside them."""

    pools: Sequence[Pool[N]]
    balances: Sequence[Balance[N]]
    positions: Sequence[Position[N]]
    instruments: Sequence[Instrument[N]]
    options: Sequence[Option[N]]
    units: Sequence[RiskUnit[N]]
    scenarios: Sequence[Scenario[N]]
    assets: Sequence[Asset[N]]
    tiers: Sequence[Tier[N]]
    quotes: MutableSequence[N]  # every measured number: marks, index prices, volatilities, years


class Requirement(NamedTuple, Generic[N]):
    """What a model answers, in the pool's own unit, scaled so that liquidation is maintenance == equity."""

    equity: N
    initial_margin: N
    maintenance_margin: N
