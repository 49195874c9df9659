"""MARGIN 6, isolated and quick margin, by another way: what it takes to buy every debt back with its margin
and the fee, less the debts."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, Line, SmallPool


def tier_rate(line: Line) -> Decimal:
    """Rate of the last tier whose floor the borrowed amount has reached; 0 for who owes nothing."""
    reached = [step.maintenance_rate for step in line.coin.liability if step.floor <= line.borrowed]
    return reached[-1] if line.borrowed and reached else Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """In the unit of the prices; one rate for the position."""
    rate = max((tier_rate(line) for line in pool.lines), default=Decimal(0))
    assets = sum((line.wallet * line.coin.price for line in pool.lines), Decimal(0))
    debts = sum((line.borrowed * line.coin.price for line in pool.lines), Decimal(0))
    bought = sum(
        (line.borrowed * line.coin.price * (1 + rate) * (1 + line.coin.ask_buffer) for line in pool.lines),
        Decimal(0),
    )
    return Figures(
        equity=assets - debts,
        initial_margin=Decimal(0),
        maintenance_margin=bought - debts,
        terms=sum((abs(line.wallet) * line.coin.price for line in pool.lines), Decimal(0)) + 2 * bought,
    )
