"""Pools of one USDT balance, as the solver's tests write them: floats in, exact Decimals of them kept."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from monitor.domain.instrument import MarginTier
from tests.support.small_books import requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

Schedule = tuple[MarginTier, ...]
USDT = Coin("USDT")
STEPS = tiers((0, "0.004"), (50_000, "0.01"), (250_000, "0.025"), (1_000_000, "0.05"), (5_000_000, "0.1"))


def contract(name: str, mark: float, schedule: Schedule = STEPS, **more: Any) -> Contract:
    """A linear contract at a mark of six digits."""
    return Contract(name, Decimal(f"{mark:.6g}"), schedule, **more)


def leg(of: Contract, quantity: float, entry: float | None = None, leverage: int = 10) -> Leg:
    """A leg, entered at mark unless told."""
    price = of.mark if entry is None else Decimal(f"{entry:.8g}")
    return Leg(of, Decimal(f"{quantity:.8g}"), price, Decimal(leverage))


def pool(wallet: float, *legs: Leg, model: str = "tiered") -> SmallPool:
    """One USDT balance with these legs."""
    return SmallPool(model, (Line(USDT, Decimal(wallet), legs),))


def random_leg(rng: Random, name: str, schedule: Schedule = STEPS) -> Leg:
    """A leg of a hundred to ten million in value, up to 30 % away from its entry."""
    mark = 10 ** rng.uniform(-3, 5)
    size = 10 ** rng.uniform(2, 7) / mark
    return leg(contract(name, mark, schedule), rng.choice([1, -1]) * size, mark * rng.uniform(0.7, 1.3))


def is_safe(held: SmallPool) -> bool:
    """Whether the pool stands well above its maintenance margin."""
    found = requirement(held)
    return found.maintenance_margin < 0.999 * found.equity
