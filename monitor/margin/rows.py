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
    entry_price: N
    leverage: N  # chosen leverage: initial margin, and the bankruptcy price of Bybit


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


@dataclass(slots=True)
class Asset(Generic[N]):
    """What a balance is in, as the venue values it."""

    price: Place  # row of quotes: index price in the pool's own unit
    underlying: int  # which underlying its price follows; -1 for none (the settle asset, a stablecoin)
    bid_buffer: N  # haircut on a positive amount (Binance multi-assets)
    ask_buffer: N  # surcharge on a negative amount
    tier_first: int  # collateral value schedule; empty range: counts in full
    tier_last: int


@dataclass(slots=True)
class Tier(Generic[N]):
    """One step of any schedule: maintenance by notional, collateral value by worth."""

    floor: N  # the step holds from here up
    maintenance_rate: N  # or the collateral ratio
    initial_rate: N
    deduction: N  # makes the sum continuous at the floor


class Book(NamedTuple, Generic[N]):
    """All the tables that a model may read, and the measured numbers beside them."""

    pools: Sequence[Pool[N]]
    balances: Sequence[Balance[N]]
    positions: Sequence[Position[N]]
    instruments: Sequence[Instrument[N]]
    assets: Sequence[Asset[N]]
    tiers: Sequence[Tier[N]]
    quotes: MutableSequence[N]  # every measured number: marks and index prices


class Requirement(NamedTuple, Generic[N]):
    """What a model answers, in the pool's own unit, scaled so that liquidation is maintenance == equity."""

    equity: N
    initial_margin: N
    maintenance_margin: N
