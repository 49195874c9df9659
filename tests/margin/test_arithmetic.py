"""The operations of both number systems against mpmath: plain Python, compiled, and Decimal."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from random import Random
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from monitor.margin.arithmetic import ceil_to, exp, floor_to, isqrt, log, normal_cdf, sqrt

DIGITS = 60
EXACT = Decimal("1e-44")  # what the normal distribution promises, and far less than the others need
FLOAT = 4e-16  # two steps of a float, of a number near 1
rngs = st.integers(0, 2**48).map(Random)


@njit(error_model="numpy")
def compiled(exponent, positive, deviation):
    """All four, inside compiled code."""
    return exp(exponent), log(positive), sqrt(positive), normal_cdf(deviation)


@njit(error_model="numpy")
def compiled_quanta(value, per_unit):
    """Both roundings, inside compiled code."""
    return ceil_to(value, per_unit), floor_to(value, per_unit)


@njit(error_model="numpy")
def compiled_isqrt(value):
    """The whole root, inside compiled code."""
    return isqrt(value)


def truth(function: Callable[..., Any], value: float | Decimal) -> Decimal:
    """What mpmath says, with more digits than anybody here has."""
    with mpmath.workdps(DIGITS + 20):
        return Decimal(mpmath.nstr(function(mpmath.mpf(str(value))), DIGITS + 10))


def apart(found: Any, true: Decimal) -> Decimal:
    """How far off, of the greater of the truth and one."""
    return abs(Decimal(found) - true) / max(abs(true), Decimal(1))


@given(rng=rngs)
def test_exp_log_and_sqrt_are_those_of_mpmath(rng: Random) -> None:
    """Floats, plain and compiled, to the last digits; Decimal to the digits of its context."""
    exponent, positive = rng.uniform(-30, 30), 10 ** rng.uniform(-12, 12)
    in_loops = compiled(exponent, positive, 0.0)
    cases = ((exp, mpmath.exp, exponent), (log, mpmath.log, positive), (sqrt, mpmath.sqrt, positive))
    for (ours, theirs, value), in_loop in zip(cases, in_loops[:3], strict=True):
        true = truth(theirs, value)
        with localcontext(prec=DIGITS):
            assert apart(ours(Decimal(str(value))), true) < Decimal("1e-55")
            assert apart(ours(value), true) < 5 * FLOAT * (1 + abs(value))
            assert apart(in_loop, true) < 5 * FLOAT * (1 + abs(value))


@given(rng=rngs)
def test_the_normal_distribution_is_that_of_mpmath(rng: Random) -> None:
    """Decimal to 44 digits, floats to the last ones, from the middle to where nothing is left."""
    deviation = rng.choice([rng.uniform(-4, 4), rng.uniform(-40, 40), rng.uniform(-15, -13), 0.0])
    true = truth(mpmath.ncdf, deviation)
    with localcontext(prec=DIGITS):
        assert abs(normal_cdf(Decimal(str(deviation))) - true) < EXACT
    for found in (normal_cdf(deviation), compiled(0.0, 1.0, deviation)[3]):
        assert abs(Decimal(found) - true) < Decimal(2 * FLOAT)


@pytest.mark.parametrize("deviation", [-8, -14, -20, -30, -37])
def test_a_float_keeps_its_digits_in_the_tail(deviation: int) -> None:
    """What is far out of the money is worth little, and that little is right."""
    true = truth(mpmath.ncdf, deviation)
    for found in (normal_cdf(float(deviation)), compiled(0.0, 1.0, float(deviation))[3]):
        assert abs(Decimal(found) / true - 1) < Decimal(FLOAT) * deviation**2


@given(rng=rngs)
def test_both_sides_of_the_normal_distribution_add_up(rng: Random) -> None:
    """What is below x and what is below -x are all of it."""
    deviation = rng.uniform(-10, 10)
    assert abs(normal_cdf(deviation) + normal_cdf(-deviation) - 1) < FLOAT
    with localcontext(prec=DIGITS):
        exact = Decimal(str(deviation))
        assert abs(normal_cdf(exact) + normal_cdf(-exact) - 1) < EXACT


@pytest.mark.parametrize(
    ("value", "per_unit", "up", "down"),
    [
        ("1.0000001", 1_000_000, "1.000001", "1"),
        ("-1.0000001", 1_000_000, "-1", "-1.000001"),
        ("2.5", 2, "2.5", "2.5"),
        ("0", 100, "0", "0"),
        ("1e-30", 100, "0.01", "0"),
        ("123456789.123456", 1_000_000, "123456789.123456", "123456789.123456"),
    ],
)
def test_rounding_to_a_quantum_is_exact_in_decimal(value: str, per_unit: int, up: str, down: str) -> None:
    """Up and down to a multiple of 1 / per_unit; a multiple stays."""
    with localcontext(prec=DIGITS):
        assert ceil_to(Decimal(value), per_unit) == Decimal(up)
        assert floor_to(Decimal(value), per_unit) == Decimal(down)


@given(rng=rngs)
def test_rounding_a_float_is_off_by_one_quantum_at_most(rng: Random) -> None:
    """A float may lie a hair beside the multiple that it stands for, plain and compiled alike."""
    value, per_unit = rng.uniform(-1e6, 1e6), 10 ** rng.randint(0, 6)
    with localcontext(prec=DIGITS):
        exact = Decimal(str(value))
        up, down = ceil_to(exact, per_unit), floor_to(exact, per_unit)
    assert compiled_quanta(value, per_unit) == (ceil_to(value, per_unit), floor_to(value, per_unit))
    assert abs(ceil_to(value, per_unit) - float(up)) < 1.001 / per_unit
    assert abs(floor_to(value, per_unit) - float(down)) < 1.001 / per_unit


@given(rng=rngs)
def test_a_whole_root_is_exact(rng: Random) -> None:
    """Its square is not above, that of the next is: of Decimal always, of floats up to 2^52, also right at a
    square, below it, and with a fraction behind."""
    root = rng.randint(1, 2**26 - 1)
    for value in (root * root - 1, root * root, root * root + 1, rng.randint(0, 2**52)):
        for found in (isqrt(Decimal(value)), isqrt(value + 0.0), compiled_isqrt(value + 0.0)):
            assert found == math.isqrt(value)
        assert isqrt(Decimal(value) + Decimal("0.999")) == math.isqrt(value)
    large = rng.randint(0, 10**40)
    assert isqrt(Decimal(large)) == math.isqrt(large)


@pytest.mark.parametrize("root", [2**10 + 3, 2**20 + 1, 2**25 + 1])
def test_a_fraction_below_a_square_is_below_it(root: int) -> None:
    """The square root of the last float before a square rounds to its root, so the fraction goes first."""
    below = math.nextafter(float(root * root), 0)
    assert isqrt(below) == compiled_isqrt(below) == root - 1


@pytest.mark.parametrize(
    ("value", "results"),
    [
        (0.0, (1.0, -math.inf, 0.0)),
        (-1.0, (math.exp(-1), math.nan, math.nan)),
        (710.0, (math.inf, math.log(710), math.sqrt(710))),
        (-math.inf, (0.0, math.nan, math.nan)),
        (math.inf, (math.inf, math.inf, math.inf)),
        (math.nan, (math.nan, math.nan, math.nan)),
    ],
)
def test_nothing_raises_in_floats(value: float, results: tuple[float, ...]) -> None:
    """Plain Python answers what compiled code does: no number of what has none, infinity of what is too
    large."""
    assert (exp(value), log(value), sqrt(value)) == pytest.approx(results, nan_ok=True)
    assert compiled(value, value, 0.0)[:3] == pytest.approx(results, nan_ok=True)


@pytest.mark.parametrize("value", [1e19, 1e25, 1e40])
def test_a_whole_root_of_a_float_beyond_every_integer_is_as_near_as_a_float(value: float) -> None:
    """Nothing overflows: compiled code has no integer for it."""
    assert compiled_isqrt(value) == isqrt(value) == pytest.approx(math.isqrt(int(value)), rel=FLOAT)
