"""What the portfolio margins share: the delta of an option, and how a risk unit is found among the rows."""

from __future__ import annotations

from decimal import Decimal, localcontext
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin import rows
from monitor.margin.black import black76, black76_delta
from monitor.margin.portfolio_terms import UnitTerms, unit_rows
from monitor.margin.rows import Book
from monitor.margin.scenarios import (
    Quoted,
    coins_of,
    greatest_loss,
    is_first_of_expiry,
    is_first_of_unit,
    shock_growth,
    shocked_volatility,
    worths_there,
)
from tests.support.options import instrument, terms
from tests.support.risk_units import NOTHING, future, option, pool_of
from tests.support.small_books import decimal_book
from tests.support.small_draws import number
from tests.support.small_market import Contract, Leg, OptionTerms, RiskUnit

STEP = Decimal("1e-12")
SHORT, LONG = Decimal("0.3"), Decimal("0.13")
LATER = Decimal("0.25")
rngs = st.integers(0, 2**48).map(Random)


def unit(name: str, *, inverse: bool = False) -> RiskUnit:
    """A unit without a grid."""
    return RiskUnit(name, Decimal(100), (), inverse=inverse)


def fading(floor: float) -> rows.RiskUnit[float]:
    """The published powers, and a floor."""
    terms = UnitTerms("a test", (), volatility_floor=Decimal(floor), short_power=SHORT, long_power=LONG)
    return unit_rows(terms, 0).unit


def book_of(*legs: Leg) -> Book[Decimal]:
    """A pool of these legs."""
    return decimal_book(pool_of("deribit_portfolio", 0, legs))


@given(rng=rngs)
def test_delta_is_how_worth_follows_the_forward(rng: Random) -> None:
    """A step of the forward changes the worth by delta times the step."""
    held, forward = terms(number(rng, 1, 3), rng.choice([1, -1])), number(rng, 1, 3)
    rest: tuple[Any, Any] = (number(rng, -1, 1), number(rng, -2, 1))
    with localcontext(prec=60):
        rise = black76(forward + STEP, held, *rest) - black76(forward - STEP, held, *rest)
        assert abs(rise / (2 * STEP) - black76_delta(forward, held, *rest)) < Decimal("1e-14")


@pytest.mark.parametrize(("strike", "side", "delta"), [(90, 1, 1), (110, 1, 0), (90, -1, 0), (110, -1, -1)])
def test_at_expiry_delta_is_all_or_nothing(strike: int, side: int, delta: int) -> None:
    """In the money it is the underlying, out of it nothing; at the money nothing as well."""
    for years in (NOTHING, Decimal("-0.01")):  # also past it, while the venue settles
        at = (Decimal("0.6"), years)
        assert black76_delta(Decimal(100), terms(Decimal(strike), side), *at) == delta
        assert black76_delta(Decimal(strike), terms(Decimal(strike), side), *at) == 0


@pytest.mark.parametrize(("volatility", "years"), [("0.6", "-0.01"), ("0", "0.5"), ("-0.1", "0.5")])
def test_what_has_no_spread_is_worth_what_it_pays(volatility: str, years: str) -> None:
    """No volatility, or no time left: by half a dollar in the money is all in the money."""
    call = terms(Decimal("99.5"), 1)
    assert black76(Decimal(100), call, Decimal(volatility), Decimal(years)) == Decimal("0.5")
    assert black76_delta(Decimal(100), call, Decimal(volatility), Decimal(years)) == 1


@pytest.mark.parametrize(("days", "power"), [(15, 0.3), (29, 0.3), (31, 0.13), (45, 0.13), (300, 0.13)])
@pytest.mark.parametrize("move", [1, 0.5, -0.25])
def test_a_volatility_move_fades_with_the_time_left(days: int, power: float, move: float) -> None:
    """Times (30 days / days left) to the short power below 30 days, to the long one above."""
    unit = fading(0.0)
    shocked = shocked_volatility(0.6, shock_growth(days / 365, unit), move, unit)
    assert shocked == pytest.approx(0.6 * (1 + move * (30 / days) ** power), rel=1e-12)


def test_a_volatility_that_does_not_move_stays() -> None:
    """Without a move, and of an option without time: also below the floor that a move up would end at."""
    unit = fading(0.5)
    assert shock_growth(0.0, unit) == shock_growth(-0.01, unit) == 0
    for growth, move in ((0.9, 0.0), (0.0, 0.5)):
        assert shocked_volatility(0.2, growth, move, unit) == 0.2
    assert shocked_volatility(0.2, 0.9, 0.5, unit) == 0.5
    assert shocked_volatility(0.2, shock_growth(0.001, unit), -0.9, unit) == 0


@pytest.mark.parametrize(
    ("volatilities", "least"),
    [((-0.25, 0.5), 1), ((0, 0.5), 3), ((-0.25, 0), 3), ((0.5, 0.6), 3), ((-0.5, -0.25), 3), ((0, 0), 3)],
)
def test_the_present_volatility_counts_between_two_moves(
    volatilities: tuple[float, float], least: int
) -> None:
    """Where one move is down and the other up it is looked at as well."""
    assert greatest_loss(10, 4, 1, 3, rows.Scenario(0.0, *volatilities, 1.0, 0.0)) == 10 - least


def test_what_an_option_is_worth_there() -> None:
    """Priced at the moved forward and at each volatility; where there is one move, that is all of them."""
    option, unit = terms(100.0, 1), fading(0.0)
    linear, quoted = instrument(inverse=False), Quoted(110.0, 0.6, 30 / 365)
    linear.multiplier = 2.0
    both = worths_there(linear, option, quoted, rows.Scenario(-0.1, -0.25, 0.5, 1.0, 0.0), unit)
    expected = [2 * black76(99.0, option, volatility, 30 / 365) for volatility in (0.45, 0.6, 0.9)]
    assert [*both] == pytest.approx(expected, rel=1e-12)
    one = worths_there(linear, option, quoted, rows.Scenario(-0.1, 0.5, 0.5, 1.0, 0.0), unit)
    assert one.lower == one.still == one.upper == pytest.approx(expected[2], rel=1e-12)


def test_what_is_paid_in_coin_loses_its_own_worth_of_it() -> None:
    """An inverse option's coins are its delta less its mark, an inverse future's what its dollars buy."""
    call = OptionTerms(Decimal(50), 1, Decimal(100), years=NOTHING)
    inverse, linear = unit("A", inverse=True), unit("B")
    legs = (
        option(inverse, 2, call, "0.5"),
        option(linear, 2, call, 50, Decimal(10)),
        future(inverse, -300, 150),
        future(inverse, -3, 150, multiplier=Decimal(100), name="hundreds"),
        future(linear, 3, 90, multiplier=Decimal(10)),
    )
    book = book_of(*legs)
    found = [coins_of(position, book.instruments[position.instrument], book) for position in book.positions]
    assert found == [1, 20, -2, -2, 30]


def test_a_unit_is_met_once_wherever_its_rows_lie() -> None:
    """The first row of each unit is found; what is in no unit is never the first."""
    alone = Leg(Contract("C", Decimal(1), ()), Decimal(1), Decimal(1))
    one, other = unit("A"), unit("B")
    book = book_of(alone, future(one, 1, 100), future(other, 1, 100), future(one, 2, 100, name="X"), alone)
    assert [is_first_of_unit(row, 0, book) for row in range(5)] == [False, True, True, False, False]
    assert is_first_of_unit(3, 3, book)


def test_an_expiry_is_met_once_in_its_unit() -> None:
    """Options and futures of one unit that end together are one expiry; another unit's are another."""
    one, other = unit("A"), unit("B")
    call = OptionTerms(Decimal(50), 1, Decimal(100), years=LATER)
    legs = (
        future(one, 1, 100),
        future(one, 1, 100, name="later", years=LATER),
        option(one, 1, call, 50),
        future(other, 1, 100, name="there", years=LATER),
        future(one, 2, 100, name="X"),
    )
    book = book_of(*legs)
    assert [is_first_of_expiry(row, 0, book) for row in range(5)] == [True, True, False, True, False]
