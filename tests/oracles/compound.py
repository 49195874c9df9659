"""MARGIN 15 by another way: from all that is there, take what the factors don't count, then the debt."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, Line, SmallPool

NOTHING = Decimal(0)


def uncounted(line: Line, worth: Decimal, to_borrow: bool) -> Decimal:
    """What of a worth does not count; the base asset has no factor, and is no collateral to switch off."""
    if not line.coin.tiers:
        return NOTHING
    if not line.collateral:
        return worth
    (step,) = line.coin.tiers
    return worth * (1 - (step.initial_rate if to_borrow else step.maintenance_rate))


def assess(pool: SmallPool) -> Figures:
    """Liquidity at both factors; equity is liquidity with the debt left out."""
    held = {line: line.wallet * line.coin.price for line in pool.lines}
    debt = sum((line.borrowed * line.coin.price for line in pool.lines), NOTHING)
    total = sum(held.values(), NOTHING)
    liquidity = total - debt - sum((uncounted(line, worth, False) for line, worth in held.items()), NOTHING)
    may_borrow = total - debt - sum((uncounted(line, worth, True) for line, worth in held.items()), NOTHING)
    return Figures(
        equity=liquidity + debt,
        initial_margin=liquidity + debt - may_borrow if debt else NOTHING,
        maintenance_margin=debt,
        terms=4 * total + debt,
    )
