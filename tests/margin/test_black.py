"""Black-76 against mpmath and against itself; tests/margin/test_option_marks.py holds it to the venues."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from random import Random
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from monitor.book.tables import empty_rows
from monitor.margin.black import black76, option_mark
from monitor.margin.rows import Option
from tests.support.options import Case, instrument, terms

DIGITS = 60
EXACT = Decimal("1e-42")  # of forward and strike: the normal distribution has 44 digits
FLOAT = Decimal("4e-15")
FORWARDS = ["0.0001", "1", "33420.42", "1e6"]
STRIKES = ["0.001", "0.3", "0.95", "0.999999", "1", "1.000001", "1.05", "3", "1000"]  # of the forward
VOLATILITIES = ["0.01", "0.4", "1.43", "6"]
YEARS = ["1e-9", "0.00001", "0.0027", "0.17", "3"]
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


@njit(error_model="numpy")
def compiled(forward, options, volatility, years):
    """A door for Python."""
    return black76(forward, options[0], volatility, years)


def in_loops(case: Case) -> float:
    """The compiled formula over a record."""
    options: Any = empty_rows(Option, 1)
    options[0].strike, options[0].side = float(case.strike), case.side
    return float(compiled(float(case.forward), options, float(case.volatility), float(case.years)))


def plain(case: Case) -> float:
    """The same source over floats."""
    option = terms(float(case.strike), case.side)
    return black76(float(case.forward), option, float(case.volatility), float(case.years))


def exact(case: Case) -> Decimal:
    """The same source over Decimal."""
    with localcontext(Context(prec=DIGITS)):
        return black76(case.forward, terms(case.strike, case.side), case.volatility, case.years)


def truth(case: Case) -> Decimal:
    """The textbook formula in mpmath, with digits to spare."""
    with mpmath.workdps(DIGITS + 20):
        forward, strike, volatility, years = (
            mpmath.mpf(str(number)) for number in (case.forward, case.strike, case.volatility, case.years)
        )
        spread = volatility * mpmath.sqrt(years)
        above = (mpmath.log(forward / strike) + spread**2 / 2) / spread
        call = forward * mpmath.ncdf(above) - strike * mpmath.ncdf(above - spread)
        worth = call if case.side > 0 else call - forward + strike
        return Decimal(mpmath.nstr(worth, DIGITS + 10))


def grid() -> Iterator[Case]:
    """Far in and out of the money, dust and giants, a blink and years, calm and panic."""
    for forward, strike, side, volatility, years in itertools.product(
        FORWARDS, STRIKES, (1, -1), VOLATILITIES, YEARS
    ):
        of_forward = Decimal(forward) * Decimal(strike)
        yield Case(Decimal(forward), of_forward, side, Decimal(volatility), Decimal(years))


@pytest.mark.slow
def test_all_three_worlds_are_those_of_mpmath() -> None:
    """1,440 options: Decimal to 42 digits of forward and strike, floats, plain and compiled, to 14."""
    cases = list(grid())
    assert len(cases) == 1_440
    for case in cases:
        true, scale = truth(case), case.forward + case.strike
        with localcontext(Context(prec=DIGITS)):
            assert abs(exact(case) - true) <= EXACT * scale, case
            assert abs(Decimal(plain(case)) - true) <= FLOAT * scale, case
            assert abs(Decimal(in_loops(case)) - true) <= FLOAT * scale, case


@sides
@pytest.mark.parametrize("moneyness", ["0.7", "1", "1.6"])
def test_it_is_what_the_option_pays_on_average(moneyness: str, side: int) -> None:
    """The payoff weighed by a lognormal price, integrated: no formula in it but the bell curve."""
    case = Case(Decimal(100), 100 * Decimal(moneyness), side, Decimal("0.8"), Decimal("0.25"))
    spread = 0.8 * 0.25**0.5

    def weighed(deviation: Any) -> Any:
        price = 100 * mpmath.exp(spread * deviation - spread**2 / 2)
        return max(side * (price - float(case.strike)), 0) * mpmath.npdf(deviation)

    kink = (mpmath.log(float(moneyness)) + spread**2 / 2) / spread
    assert plain(case) == pytest.approx(float(mpmath.quad(weighed, [-12, kink, 12])), rel=1e-9)


def drawn(rng: Random) -> Case:
    """Any option that somebody may trade."""
    forward = Decimal(f"{10 ** rng.uniform(-3, 6):.8g}")
    strike = Decimal(f"{float(forward) * 10 ** rng.uniform(-1, 1):.8g}")
    volatility, years = (Decimal(f"{10 ** rng.uniform(low, 0.5):.6g}") for low in (-2, -6))
    return Case(forward, strike, rng.choice([1, -1]), volatility, years)


@given(rng=rngs)
def test_call_and_put_differ_by_the_forward(rng: Random) -> None:
    """Put-call parity: a call less a put is the forward less the strike, whatever the volatility."""
    case = drawn(rng)
    call, put = case._replace(side=1), case._replace(side=-1)
    difference, scale = case.forward - case.strike, case.forward + case.strike
    with localcontext(Context(prec=DIGITS)):
        assert abs(exact(call) - exact(put) - difference) <= EXACT * scale
        for worth in (plain, in_loops):
            assert abs(Decimal(worth(call)) - Decimal(worth(put)) - difference) <= FLOAT * scale


@given(rng=rngs)
def test_an_option_is_worth_what_it_pays_now_or_more(rng: Random) -> None:
    """At least its payoff, at most the forward (call) or the strike (put); more time is worth more."""
    case = drawn(rng)
    scale = float(case.forward + case.strike) * float(FLOAT)
    pays = max(case.side * float(case.forward - case.strike), 0.0)
    most = float(case.forward if case.side > 0 else case.strike)
    assert pays - scale <= in_loops(case) <= most + scale
    assert in_loops(case) <= in_loops(case._replace(years=case.years * 2)) + scale


@given(rng=rngs)
def test_worth_is_convex_in_the_forward(rng: Random) -> None:
    """Half way between two prices it is worth no more than half of both: the solver's steps rest on it."""
    case = drawn(rng)
    other = case._replace(forward=case.forward * Decimal(f"{10 ** rng.uniform(-0.5, 0.5):.6g}"))
    middle = case._replace(forward=(case.forward + other.forward) / 2)
    with localcontext(Context(prec=DIGITS)):
        slack = EXACT * (case.forward + other.forward + case.strike)
        assert exact(middle) <= (exact(case) + exact(other)) / 2 + slack


@sides
@pytest.mark.parametrize(("volatility", "years"), [("0.6", "0"), ("0.6", "-0.1"), ("0", "1"), ("-1", "1")])
def test_at_expiry_and_after_it_is_what_it_pays(volatility: str, years: str, side: int) -> None:
    """No time, no volatility, or less than none: the payoff, exactly, and never below nothing."""
    for forward in (Decimal(90), Decimal(100), Decimal("110.5")):
        case = Case(forward, Decimal(100), side, Decimal(volatility), Decimal(years))
        pays = max(side * (forward - 100), Decimal(0))
        assert exact(case) == pays
        assert plain(case) == in_loops(case) == float(pays)


def test_a_blink_before_expiry_it_is_nearly_what_it_pays() -> None:
    """There is no step at expiry."""
    case = Case(Decimal(101), Decimal(100), 1, Decimal("0.6"), Decimal("1e-12"))
    assert plain(case) == pytest.approx(1, abs=1e-12)


def test_an_inverse_option_is_marked_in_the_coin() -> None:
    """The same worth, bought at the forward; a linear one is marked at its worth."""
    option, forward = terms(Decimal(30_000), 1), Decimal(33_420)
    market = (Decimal("0.8"), Decimal("0.5"))
    worth = black76(forward, option, *market)
    assert option_mark(instrument(inverse=False), option, forward, *market) == worth
    assert option_mark(instrument(inverse=True), option, forward, *market) == worth / forward
