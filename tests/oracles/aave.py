"""MARGIN 14 by another way: every collateral is a row of (worth, whole basis points), as the contract holds
it; the average is the greatest whole number of basis points that all of it reaches together."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, Line, SmallPool

UNDECIDED = Decimal("1e-10")  # basis points: nearer to a whole one, floats may fall on either side
Row = tuple[Decimal, Decimal, Decimal]


def collateral(line: Line, category: int) -> Row | None:
    """Worth, threshold and loan to value in basis points; None where the chain leaves the asset out."""
    coin = line.coin
    rates = [(step.maintenance_rate, step.initial_rate) for step in coin.tiers[:1]]
    if category != -1 and coin.category == category:
        rates = [(coin.category_rate, coin.category_initial)]
    if not line.collateral or not rates or not rates[0][0]:
        return None
    return line.wallet * coin.price, *(10_000 * rate for rate in rates[0])


def reached(rows: list[Row], column: int) -> tuple[int, bool]:
    """Whole basis points of the average, one that is a trillionth short counted as reached; and whether that
    is too close to tell in floats."""
    total = sum((row[0] for row in rows), Decimal(0))
    if not total:
        return 0, False
    average = sum((row[0] * row[column] for row in rows), Decimal(0)) * (1 + Decimal("1e-12")) / total
    whole = int(average)
    return whole, min(average - whole, whole + 1 - average) < UNDECIDED


def assess(pool: SmallPool) -> Figures:
    """In the base currency; a debt is repaid whole."""
    rows = [row for line in pool.lines if (row := collateral(line, pool.category))]
    total = sum((row[0] for row in rows), Decimal(0))
    debt = sum((line.borrowed * line.coin.price for line in pool.lines), Decimal(0))
    thresholds, is_close = reached(rows, 1)
    loans, is_close_too = reached(rows, 2)
    equity = total - total * (10_000 - thresholds) / 10_000
    may_borrow = total - total * (10_000 - loans) / 10_000 - debt
    return Figures(
        equity=equity,
        initial_margin=equity - may_borrow if debt else Decimal(0),
        maintenance_margin=debt,
        terms=4 * total + debt,
        quanta=(is_close + is_close_too) * total / 10_000,
    )
