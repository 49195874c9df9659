"""MARGIN 3, Cross Margin Pro, by another way: haircuts and brackets slice by slice, what is lost of each coin
taken from what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from monitor.domain.instrument import MarginTier
from tests.support.small_market import Figures, Line, SmallPool, sliced


def collateral(line: Line) -> Decimal:
    """Worth of what is held less the haircut of each slice; what is below zero has none."""
    worth = line.wallet * line.coin.price
    if worth <= 0 or not line.coin.tiers:
        return worth
    return worth - sliced([_haircut(step) for step in line.coin.tiers], worth)


def initial(steps: Sequence[MarginTier], worth: Decimal) -> Decimal:
    """From the top down: the slice above the highest floor that the debt reaches, then the one below it."""
    total, left = Decimal(0), worth
    for step in reversed(steps):
        if left > step.floor:
            total += (left - step.floor) * step.initial_rate
            left = step.floor
    return total


def assess(pool: SmallPool) -> Figures:
    """All coins in USD."""
    equity = required = maintenance = terms = Decimal(0)
    for line in pool.lines:
        debt = line.borrowed * line.coin.price
        lost = line.order_loss * line.coin.price
        equity += collateral(line) - debt - lost
        required += initial(line.coin.liability, debt)
        maintenance += pool.threshold * sliced(line.coin.liability, debt)
        terms += 4 * (abs(line.wallet) * line.coin.price + debt) + lost
    return Figures(equity, required, maintenance, terms)


def _haircut(step: MarginTier) -> MarginTier:
    """The step with what is lost of a slice as its rate."""
    return MarginTier(step.floor, 1 - step.maintenance_rate, Decimal(1), Decimal(0))
