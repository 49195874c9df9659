"""MARGIN 9 by another way: fractions of whole quantums as a chain counts them, no decimal rounding."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tests.support.small_market import Figures, Leg, SmallPool

QUANTUM = Decimal("0.000001")


def quantums_of(leg: Leg) -> int:
    """Worth of a leg at the oracle's price, whatever its side: whole quantums, the rest is cut off."""
    size = Fraction(leg.quantity) * Fraction(leg.contract.multiplier)
    return int(abs(size) * Fraction(leg.contract.mark) * 1_000_000)


def margin(leg: Leg, rate: Decimal) -> int:
    """The least whole number of quantums that is not below the rate of the worth."""
    return -int(-(quantums_of(leg) * Fraction(rate)) // 1)


def paid(leg: Leg) -> Decimal:
    """What a buyer gave for it, or a seller got (then below zero), where that is not in the balance."""
    return leg.quantity * leg.contract.multiplier * leg.entry_price


def assess(pool: SmallPool) -> Figures:
    """One balance of USDC."""
    (line,) = pool.lines
    net = initial = maintenance = 0
    for leg in line.legs:
        (step,) = leg.contract.tiers[:1]
        net += quantums_of(leg) if leg.quantity > 0 else -quantums_of(leg)
        initial += margin(leg, step.initial_rate)
        maintenance += margin(leg, step.maintenance_rate)
    worth = sum((2 * quantums_of(leg) * QUANTUM + abs(paid(leg)) for leg in line.legs), Decimal(0))
    return Figures(
        equity=line.wallet + net * QUANTUM - sum(map(paid, line.legs), Decimal(0)),
        initial_margin=initial * QUANTUM,
        maintenance_margin=maintenance * QUANTUM,
        terms=abs(line.wallet) + worth,
        quanta=len(line.legs) * QUANTUM,
    )
