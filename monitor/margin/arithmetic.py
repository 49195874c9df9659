"""The few operations that the two number systems spell differently: a formula writes `sqrt(x)` and reads the
same over floats in compiled loops and over Decimal in a test. A number that brings its own (Decimal, or one
that writes down its derivation) is asked.

In Decimal they are as precise as the context (the normal distribution to 45 digits).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, cast

import numpy as np
from numba.extending import overload

from monitor.margin.rows import N

LARGEST_EXPONENT = 709.78  # of a float
FAR = 14  # standard deviations: beyond, nothing is left in 45 digits
SERIES_ENDS = Decimal("1e-45")
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def _by(x: Any, own: str, usual: Callable[[Any], Any]) -> Any:
    """By the number's own method where it has one."""
    return getattr(x, own)() if hasattr(x, own) else usual(x)


# As in compiled loops, where nothing raises: what has no value is no number, what is too large is infinite.
def _exp_of_float(x: float) -> float:
    return math.exp(x) if x < LARGEST_EXPONENT or x != x else math.inf


def _log_of_float(x: float) -> float:
    if x > 0 or x != x:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _sqrt_of_float(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def exp(x: N) -> N:
    """e to the x."""
    found: N = _by(x, "exp", _exp_of_float)
    return found


def log(x: N) -> N:
    """Natural logarithm; x above 0."""
    found: N = _by(x, "ln", _log_of_float)
    return found


def sqrt(x: N) -> N:
    """Square root; x at or above 0."""
    found: N = _by(x, "sqrt", _sqrt_of_float)
    return found


def isqrt(x: N) -> N:
    """The greatest whole number whose square is not above x; x at or above 0. Of a float exact up to 2^52,
    beyond as near as floats are."""
    if isinstance(x, Decimal):
        return Decimal(math.isqrt(int(x)))
    found: N = _by(x, "isqrt", lambda x: math.sqrt(x // 1) // 1)
    return found


def normal_cdf(x: N) -> N:
    """The share of a standard normal distribution below x."""
    if isinstance(x, Decimal):
        return _decimal_normal_cdf(x)
    found: N = _by(x, "normal_cdf", lambda x: math.erfc(-x / math.sqrt(2)) / 2)
    return found


def ceil_to(x: N, per_unit: int) -> N:
    """Rounded up to a multiple of 1 / `per_unit`. numpy's, because it stays a float however large the number
    is, and lets what is no number be none."""
    if isinstance(x, Decimal):
        return (x * per_unit).to_integral_value(ROUND_CEILING) / per_unit
    if hasattr(x, "ceil_to"):
        return cast("N", x.ceil_to(per_unit))
    return cast("N", np.ceil(x * per_unit) / per_unit)


def floor_to(x: N, per_unit: int) -> N:
    """Rounded down to a multiple of 1 / `per_unit`."""
    if isinstance(x, Decimal):
        return (x * per_unit).to_integral_value(ROUND_FLOOR) / per_unit
    if hasattr(x, "floor_to"):
        return cast("N", x.floor_to(per_unit))
    return cast("N", np.floor(x * per_unit) / per_unit)


def _decimal_normal_cdf(x: Decimal) -> Decimal:
    """By the series x + x^3/3 + x^5/(3 x 5) + ..., times the density."""
    if abs(x) > FAR:
        return Decimal(1 if x > 0 else 0)
    term = total = x
    step = 1
    while abs(term) > SERIES_ENDS:
        step += 2
        term = term * x * x / step
        total += term
    return Decimal("0.5") + total * (-x * x / 2).exp() / (2 * PI).sqrt()


@overload(exp, strict=False)  # type: ignore[untyped-decorator]
def _exp(x: Any) -> Any:
    return lambda x: math.exp(x)  # noqa: PLW0108  the shape that numba asks for


@overload(log, strict=False)  # type: ignore[untyped-decorator]
def _log(x: Any) -> Any:
    return lambda x: math.log(x)  # noqa: PLW0108


@overload(sqrt, strict=False)  # type: ignore[untyped-decorator]
def _sqrt(x: Any) -> Any:
    return lambda x: math.sqrt(x)  # noqa: PLW0108


@overload(normal_cdf, strict=False)  # type: ignore[untyped-decorator]
def _normal_cdf(x: Any) -> Any:
    return lambda x: math.erfc(-x * 0.7071067811865476) / 2


@overload(ceil_to, strict=False)  # type: ignore[untyped-decorator]
def _ceil_to(x: Any, per_unit: Any) -> Any:
    return lambda x, per_unit: np.ceil(x * per_unit) / per_unit


@overload(floor_to, strict=False)  # type: ignore[untyped-decorator]
def _floor_to(x: Any, per_unit: Any) -> Any:
    return lambda x, per_unit: np.floor(x * per_unit) / per_unit


@overload(isqrt, strict=False)  # type: ignore[untyped-decorator]
def _isqrt(x: Any) -> Any:
    return lambda x: np.floor(math.sqrt(np.floor(x)))
