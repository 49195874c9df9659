"""Exact numbers, and how venues print them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

Number = Decimal | int | float | str

ZERO = Decimal(0)


def exact(number: Number) -> Decimal:
    """The decimal that a person means by `number`: 0.1 is one tenth."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def to_step(number: Number, step: Decimal) -> Decimal:
    """`number` on the nearest multiple of `step`."""
    return (exact(number) / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step


def fixed(number: Decimal, digits: int) -> str:
    """With exactly `digits` decimals, never an exponent and never a negative zero."""
    rounded = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def plain(number: Decimal) -> str:
    """Without trailing zeros, never an exponent."""
    return "0" if number == 0 else f"{number.normalize():f}"
