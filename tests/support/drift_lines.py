"""Drift's accounts in a line: deposits, debts, orders and perpetuals, and what they require exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

NOTHING, ONE = Decimal(0), Decimal(1)
USDC = Coin("USDC")
BILLIONTH = Decimal("1e-9")


def step(maintenance: Any, initial: Any, slope: Any = 0) -> tuple[MarginTier, ...]:
    """The one step of a schedule."""
    return (MarginTier(NOTHING, Decimal(maintenance), Decimal(initial), NOTHING, Decimal(slope)),)


def coin(price: Any = 100, average: Any = None, slope: Any = 0) -> Coin:
    """A token whose deposits count by 0.9 (initially 0.8), whose debts by 1.1 (1.2)."""
    kept, asked = step("0.9", "0.8", slope), step("0.1", "0.2", slope)
    slow = None if average is None else Decimal(average)
    return Coin("SOL", Decimal(price), "SOL", tiers=kept, liability=asked, average=slow)


def orders(bids: Any = 0, asks: Any = 0, leverage: Any = 0) -> Leg:
    """The open orders of a token."""
    spot = Contract("SOL/USDC", ONE, (), "SOL")
    return Leg(spot, NOTHING, NOTHING, Decimal(leverage), Decimal(bids), Decimal(asks))


def perpetual(
    quantity: Any, mark: Any = 100, entry: Any = None, *, leverage: Any = 0, slope: Any = 0, **more: Any
) -> Leg:
    """A perpetual at 5 % (initially 10 %), entered at mark unless told."""
    sides = {name: Decimal(more.pop(name, 0)) for name in ("bids", "asks")}
    contract = Contract("SOL-PERP", Decimal(mark), step("0.05", "0.1", slope), "SOL", **more)
    price = Decimal(mark if entry is None else entry)
    return Leg(contract, Decimal(quantity), price, Decimal(leverage), **sides)


def usdc(wallet: Any, *legs: Leg, of: Coin = USDC, **more: Any) -> Line:
    """A balance of USDC with these perpetuals."""
    return Line(of, Decimal(wallet), legs, **more)


def held(amount: Any, *legs: Leg, of: Coin | None = None) -> Line:
    """A token: a deposit, or below 0 a debt."""
    owned = Decimal(amount)
    return Line(of or coin(), max(owned, NOTHING), legs, borrowed=max(-owned, NOTHING))


def exactly(*lines: Line) -> Any:
    """What a pool requires, exactly: a Requirement of Decimals, to be compared with plain numbers."""
    return MODELS["drift"].assess(0, decimal_book(SmallPool("drift", lines)))
