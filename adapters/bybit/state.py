"""From Bybit's positions to facts. Shared by stream and REST."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from adapters.bybit.codec import VENUE
from adapters.bybit.frames import Position
from adapters.numbers import BadNumber, fact, price
from monitor.domain.assessment import VenueReported
from monitor.domain.event import BalanceFact, PoolFact, PositionFact
from monitor.domain.identity import InstrumentId, checked_part, instrument_id

UNIFIED, UNIFIED_MODEL, USD = "unified", "bybit_unified", "USD"
ISOLATED_MODEL = "bybit_isolated"
SETTLE_COINS = ("USDT", "USDC")  # of linear contracts; both are always collateral
TAKER_FEE = Decimal("0.00055")  # linear contracts, no VIP level; for a symbol that fee-rate does not list
ZERO = Decimal(0)
LEG = {0: "", 1: "long", 2: "short"}
SIGN = {"Buy": 1, "Sell": -1}


class Terms(msgspec.Struct):
    """What the last reads said of the account itself; the private codec sorts what it hears by it."""

    is_isolated: bool = False
    taker_fees: dict[str, Decimal] = {}  # by symbol
    collateral: frozenset[str] | None = None  # coins with a published value ratio; None: not read yet
    coins: set[str] = set()  # coins of the cross account that were told, so that one that is gone is told too

    def taker_fee(self, symbol: str) -> Decimal:
        """The account's own fee, or that of an account without a level."""
        return self.taker_fees.get(symbol, TAKER_FEE)


def settle_coin(symbol: str) -> str:
    """The coin that a linear contract is settled in: USDC for `...PERP` and `COIN-DATE`, else USDT."""
    head = symbol.split("-", 1)[0]
    return "USDT" if head.endswith("USDT") else "USDC"


def position_pool(position: Position, terms: Terms) -> str:
    """The pool that a leg belongs to; raises BadName."""
    if not terms.is_isolated:
        return UNIFIED
    leg = LEG[position.positionIdx]
    return checked_part(f"isolated-{position.symbol}-{leg}" if leg else f"isolated-{position.symbol}")


def position_fact(position: Position, terms: Terms) -> PositionFact:
    """One leg; raises BadNumber where its side or a number makes no sense, BadName for its symbol."""
    if position.positionIdx not in LEG:
        raise BadNumber("positionIdx")
    size = fact(position.size, empty=ZERO)
    if size < 0 or (size and position.side not in SIGN):
        raise BadNumber("side")
    leg = LEG[position.positionIdx]
    sign = SIGN.get(position.side, 0)
    if leg and size and sign != (1 if leg == "long" else -1):
        raise BadNumber("side")
    return PositionFact(
        pool=position_pool(position, terms),
        instrument=instrument_id(VENUE, checked_part(position.symbol)),
        side=leg,
        quantity=size * sign,
        entry_price=_entry(position, must=bool(size)),
        leverage=fact(position.leverage, empty=ZERO) or None,
    )


def isolated_balance(position: Position, terms: Terms) -> BalanceFact:
    """The money of one isolated leg, without the fee that is kept for closing it."""
    pool, coin = position_pool(position, terms), settle_coin(position.symbol)
    size = fact(position.size, empty=ZERO)
    if not size:
        return BalanceFact(pool, coin, ZERO)
    fee = size * _bankruptcy_price(position) * terms.taker_fee(position.symbol)
    return BalanceFact(pool, coin, fact(position.positionBalance) - fee)


def isolated_pool(position: Position, terms: Terms) -> PoolFact:
    """One isolated leg with the venue's own figures; the venue publishes no ratio of it."""
    reported = VenueReported(
        initial_margin=figure(position.positionIM),
        # positionMM is told at mark and with the fee to close; isolated liquidation uses neither (MARGIN
        # 5), so the
        # two are not the same figure and are not compared.
        liquidation_prices=liquidation_prices([position]),
    )
    pool, unit = position_pool(position, terms), settle_coin(position.symbol)
    return PoolFact(pool, ISOLATED_MODEL, unit, reported, is_isolated=True)


def marks_of(positions: Iterable[Position]) -> dict[InstrumentId, float]:
    """The marks that the venue's figures were computed at."""
    told = ((position.symbol, price(position.markPrice)) for position in positions)
    return {instrument_id(VENUE, symbol): mark for symbol, mark in told if mark is not None}


def unsupported(category: str, symbol: str) -> str:
    """Why an account that holds such a position is not assessed."""
    return (
        f"Bybit {category} position {symbol} is not supported: only linear contracts in USDT and USDC are "
        "(docs v5, position list, category)"
    )


def _entry(position: Position, must: bool) -> Decimal:
    session = fact(position.sessionAvgPrice, empty=ZERO)
    if session > 0:
        return session
    entry = fact(position.entryPrice or position.avgPrice, empty=None if must else ZERO)
    if must and entry <= 0:
        raise BadNumber("entry price")
    return entry


def _bankruptcy_price(position: Position) -> Decimal:
    """Where an isolated leg has lost its initial margin: entry x (1 - side / leverage)."""
    leverage = fact(position.leverage)
    if leverage <= 0:
        raise BadNumber("leverage")
    side = SIGN.get(position.side, 0)
    return _entry(position, must=True) * (1 - side / leverage)


def figure(text: str) -> float | None:
    """A figure of the venue's own, for showing; None where it does not apply."""
    return float(fact(text)) if text else None


def liquidation_prices(positions: Iterable[Position]) -> dict[str, float]:
    """The venue's own liquidation prices by leg, where it tells any."""
    prices = {}
    for position in positions:
        told = price(position.liqPrice)
        leg = LEG[position.positionIdx]
        if told is not None:
            key = instrument_id(VENUE, position.symbol)
            prices[f"{key}/{leg}" if leg else key] = told
    return prices
