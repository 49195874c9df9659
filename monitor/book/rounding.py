"""Amounts as a venue takes them."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal


def rounded_up(value: float, digits: int) -> float:
    """To so many decimals, never to less than what is needed."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_CEILING))
