"""Short ways to write events in tests: one account, one venue, numbers as text."""

from __future__ import annotations

from decimal import Decimal

from monitor.domain.assessment import VenueReported
from monitor.domain.event import (
    AccountDelta,
    AccountSnapshot,
    BalanceFact,
    Instruments,
    MarkPrice,
    PoolFact,
    PositionFact,
)
from monitor.domain.identity import AccountId, instrument_id
from monitor.domain.instrument import Instrument, Kind, tier_schedule

ACCOUNT = AccountId("binance_usdm/alpha")
CROSS = "cross-USDT"
SECOND = 1_000_000_000


def instrument(
    symbol: str, rows: list[tuple[str, str, str]] | None = None, settle: str = "USDT"
) -> Instrument:
    """A linear perpetual; one flat tier of 1 % unless told."""
    tiers = [(Decimal(a), Decimal(b), Decimal(c)) for a, b, c in rows or [("0", "0.01", "0.05")]]
    return Instrument(
        id=instrument_id("binance_usdm", symbol),
        kind=Kind.LINEAR,
        underlying=symbol.removesuffix(settle),
        settle_asset=settle,
        multiplier=Decimal(1),
        taker_fee=Decimal("0.0005"),
        price_digits=2,
        quantity_digits=3,
        tiers=tier_schedule(tiers, f"test {symbol}"),
    )


def instruments(*symbols: str, received_ns: int = 0) -> Instruments:
    """Definitions of several symbols."""
    return Instruments("binance_usdm", tuple(instrument(symbol) for symbol in symbols), (), received_ns)


def wallet(amount: str, pool: str = CROSS, asset: str = "USDT") -> BalanceFact:
    """A balance."""
    return BalanceFact(pool, asset, Decimal(amount))


def leg(
    symbol: str, quantity: str, entry: str, pool: str = CROSS, side: str = "", leverage: str | None = "10"
) -> PositionFact:
    """A position."""
    chosen = None if leverage is None else Decimal(leverage)
    return PositionFact(
        pool, instrument_id("binance_usdm", symbol), side, Decimal(quantity), Decimal(entry), chosen
    )


def snapshot(
    at: int,
    balances: list[BalanceFact],
    positions: list[PositionFact],
    *,
    confirmed: bool = False,
    reported: VenueReported | None = None,
    marks: dict[str, float] | None = None,
    received_ns: int | None = None,
) -> AccountSnapshot:
    """A snapshot whose pools are those of its facts, all of the model `tiered`."""
    names = {fact.pool for fact in balances} | {fact.pool for fact in positions} | {CROSS}
    return AccountSnapshot(
        account=ACCOUNT,
        pools=tuple(
            PoolFact(
                name,
                "tiered",
                "USDT",
                reported if name == CROSS else None,
                is_isolated=name.startswith("isolated-"),
            )
            for name in sorted(names)
        ),
        balances=tuple(balances),
        positions=tuple(positions),
        marks={instrument_id("binance_usdm", symbol): mark for symbol, mark in (marks or {}).items()},
        venue_ns=at,
        received_ns=at if received_ns is None else received_ns,
        confirmed=confirmed,
    )


def delta(at: int, balances: list[BalanceFact], positions: list[PositionFact]) -> AccountDelta:
    """A stream message."""
    return AccountDelta(ACCOUNT, tuple(balances), tuple(positions), at, at)


def mark(
    symbol: str, price: float | None, at: int, index: float | None = None, received_ns: int | None = None
) -> MarkPrice:
    """A mark; the index is the mark unless told."""
    seen = at if received_ns is None else received_ns
    return MarkPrice(
        instrument_id("binance_usdm", symbol), price, price if index is None else index, None, None, at, seen
    )
