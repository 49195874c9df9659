"""Interest between two writes on chain: simple where the protocol is simple, compounded as far as it goes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.accrual import YEAR_S, aave_debt_index, aave_liquidity_index, comet_index, maker_rate

Grow = Callable[[Decimal, Decimal, int], Decimal]
ONE, INDEX, YEARLY = Decimal(1), Decimal("1.0834"), Decimal("0.05")
SECONDS = st.integers(0, 10 * YEAR_S)
GROWTHS: list[tuple[Grow, Decimal]] = [
    (aave_liquidity_index, YEARLY),
    (aave_debt_index, YEARLY),
    (comet_index, Decimal("0.0000000015")),
    (maker_rate, Decimal("1.000000001547125957863212448")),
]
every_growth = pytest.mark.parametrize(("grow", "rate"), GROWTHS)


@every_growth
def test_no_time_no_interest(grow: Grow, rate: Decimal) -> None:
    """At the instant of the write, and before it by a clock that lags, the index is what was written."""
    for seconds in (0, -1, -YEAR_S):
        assert grow(INDEX, rate, seconds) == INDEX


@every_growth
@given(first=SECONDS, second=SECONDS)
def test_an_index_never_falls(grow: Grow, rate: Decimal, first: int, second: int) -> None:
    """Later is never less."""
    earlier, later = sorted((first, second))
    assert grow(INDEX, rate, earlier) <= grow(INDEX, rate, later)


def test_simple_interest() -> None:
    """Half a year at 5 % a year is 2.5 %, and a thousand seconds at a millionth a second a thousandth."""
    assert aave_liquidity_index(INDEX, YEARLY, YEAR_S // 2) == INDEX * Decimal("1.025")
    assert comet_index(INDEX, Decimal("0.000001"), 1_000) == INDEX * Decimal("1.001")


def test_a_debt_compounds_by_the_second_for_three_terms() -> None:
    """For up to three seconds the binomial is whole: (1 + rate)^seconds, to the last digit."""
    rate = Decimal("0.1")
    for seconds in range(4):
        with localcontext(prec=50):
            exact = (1 + rate) ** seconds
        assert aave_debt_index(ONE, rate * YEAR_S, seconds) == exact


def test_a_year_of_debt_is_near_the_power_and_never_above() -> None:
    """At 5 % a year the power is 5.127 %; what is left out is the fourth term, some 0.05^4 / 24."""
    grown = aave_debt_index(ONE, YEARLY, YEAR_S)
    with localcontext(prec=50):
        power = (1 + YEARLY / YEAR_S) ** YEAR_S
    assert grown == pytest.approx(Decimal("1.05127083"), abs=Decimal("1e-8"))
    assert 0 < power - grown < Decimal("0.05") ** 4 / 23


def test_a_debt_grows_faster_than_a_balance() -> None:
    """At one rate compound interest is above simple, from the second second on."""
    assert aave_debt_index(ONE, YEARLY, 1) == aave_liquidity_index(ONE, YEARLY, 1)
    assert aave_debt_index(ONE, YEARLY, 2) > aave_liquidity_index(ONE, YEARLY, 2)


def test_a_vaults_rate_is_the_fee_to_the_power_of_seconds() -> None:
    """The fee of 5 % a year, as it is told a second with 27 digits, makes 5 % of a year."""
    fee = Decimal("1.000000001547125957863212448")
    assert maker_rate(INDEX, fee, YEAR_S) == pytest.approx(INDEX * Decimal("1.05"), rel=Decimal("1e-18"))
    assert maker_rate(INDEX, Decimal(1), YEAR_S) == INDEX


@given(first=SECONDS, second=SECONDS)
def test_dripping_in_between_changes_no_vaults_debt(first: int, second: int) -> None:
    """A power of seconds adds up, whoever calls drip and when."""
    fee = Decimal("1.000000001547125957863212448")
    at_once = maker_rate(INDEX, fee, first + second)
    assert maker_rate(maker_rate(INDEX, fee, first), fee, second) == pytest.approx(
        at_once, rel=Decimal("1e-40")
    )


def test_digits_are_kept_beyond_the_usual_28() -> None:
    """An index of 28 digits grows by a hair without losing it."""
    index = Decimal("1.001723339432542553527150680")
    grown = comet_index(index, Decimal("1e-18"), 1)
    with localcontext(prec=60):
        assert grown - index == index.scaleb(-18)
