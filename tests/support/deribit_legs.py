"""Deribit's currencies in a line: a pool, a future, an option, and what they require exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, SmallPool

NOTHING, ONE = Decimal(0), Decimal(1)
STEP = MarginTier(NOTHING, Decimal("0.01"), Decimal("0.02"), NOTHING, Decimal("0.00005"))
FORWARD = Decimal(10_000)


def pool(model: str, wallet: Any, *legs: Leg) -> SmallPool:
    """One currency with these legs."""
    return SmallPool(model, (Line(Coin("BTC"), Decimal(wallet), legs),))


def future(quantity: Any, mark: Any, entry: Any = None, *, inverse: bool = False, **more: Any) -> Leg:
    """A leg of BTC futures, entered at mark unless told."""
    contract = Contract("BTC", Decimal(mark), (STEP,), inverse=inverse, **more)
    return Leg(contract, Decimal(quantity), Decimal(mark if entry is None else entry), ONE)


def option(
    quantity: Any,
    strike: Any,
    side: int,
    mark: Any,
    *,
    inverse: bool = True,
    forward: Any = FORWARD,
    multiplier: Any = ONE,
    volatility: Any = "0.6",
    years: Any = "0.1",
    **orders: Any,
) -> Leg:
    """A leg of options; `side` 1 is a call."""
    terms = OptionTerms(Decimal(strike), side, Decimal(forward), Decimal(volatility), Decimal(years))
    contract = Contract("BTC", Decimal(mark), (), "BTC", multiplier, inverse=inverse, option=terms)
    return Leg(contract, Decimal(quantity), NOTHING, ONE, **orders)


def in_coin(*legs: Leg, wallet: Any = 0) -> Requirement[Decimal]:
    """What a pool of the coin requires, exactly."""
    found: Requirement[Decimal] = MODELS["deribit_inverse"].assess(
        0, decimal_book(pool("deribit_inverse", wallet, *legs))
    )
    return found


def in_dollars(*legs: Leg, wallet: Any = 0) -> Requirement[Decimal]:
    """What a pool of USDC requires, exactly."""
    found: Requirement[Decimal] = MODELS["deribit_linear"].assess(
        0, decimal_book(pool("deribit_linear", wallet, *legs))
    )
    return found
