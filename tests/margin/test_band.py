"""The band: decided by comparing, leaning towards danger, steady between a level and its clear mark."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.assessment import RiskBand
from monitor.margin.band import CLEAR, LIQUIDATION, UNKNOWN, is_breached, is_finite, next_band

RAISE = (0.5, 0.7, 0.85, 1.0)
CLEAR_AT = (0.475, 0.665, 0.8075, 0.95)
amounts = st.floats(1e-8, 1e15)
any_amount = st.floats(-1e15, 1e15)
bands = st.integers(CLEAR, LIQUIDATION)


def banded(band: int, maintenance: float, equity: float) -> int:
    """The next band on shipped-like levels."""
    return next_band(band, maintenance, equity, 0, RAISE, CLEAR_AT)


class Indivisible(float):
    """A number that refuses to be divided, or to divide."""

    def __truediv__(self, other: object) -> float:
        raise AssertionError("divided")

    __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __truediv__  # type: ignore[assignment]


def test_bands_have_the_numbers_that_everybody_stores() -> None:
    """The columns hold what the domain gives its names to."""
    found = [banded(CLEAR, *asked) for asked in ((math.nan, 1.0), (0.0, 1.0), (1.0, 1.0))]
    assert found == [RiskBand.UNKNOWN, RiskBand.CLEAR, RiskBand.LIQUIDATION]


@given(band=bands, maintenance=any_amount, equity=st.sampled_from([0.0, -0.0, -1.0, -1e-300, 1e-300, 5.0]))
def test_no_band_is_found_by_dividing(band: int, maintenance: float, equity: float) -> None:
    """Zero, negative and tiny equity have a band as any other, and nothing is divided on the way to it."""
    assert CLEAR <= banded(band, Indivisible(maintenance), Indivisible(equity)) <= LIQUIDATION


@given(band=bands, maintenance=amounts, equity=st.floats(-1e15, 0))
def test_no_equity_left_is_liquidation(band: int, maintenance: float, equity: float) -> None:
    """Something required and nothing there is the worst band, whatever was before."""
    assert banded(band, maintenance, equity) == LIQUIDATION


@given(band=bands, maintenance=st.floats(-1e15, 0), equity=any_amount)
def test_nothing_required_is_clear(band: int, maintenance: float, equity: float) -> None:
    """An empty account is never in danger, not even with negative equity."""
    assert banded(band, maintenance, equity) == CLEAR


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@given(band=st.integers(UNKNOWN, LIQUIDATION), right=any_amount)
def test_what_is_no_number_is_unknown(wrong: float, band: int, right: float) -> None:
    """NaN or an infinity on either side is UNKNOWN, never clear."""
    assert banded(band, wrong, right) == UNKNOWN
    assert banded(band, right, wrong) == UNKNOWN
    assert banded(band, wrong, wrong) == UNKNOWN
    assert not is_finite(wrong)


@given(band=bands, maintenance=any_amount, equity=any_amount, more=amounts)
def test_worse_figures_are_never_a_better_band(
    band: int, maintenance: float, equity: float, more: float
) -> None:
    """More required or less there, never a lower band; and a worse band before, never a lower one after."""
    now = banded(band, maintenance, equity)
    assert banded(band, maintenance + more, equity) >= now
    assert banded(band, maintenance, equity - more) >= now
    assert banded(min(band + 1, LIQUIDATION), maintenance, equity) >= now


@given(equity=amounts, level=st.sampled_from(range(4)))
def test_a_level_is_reached_by_equality(equity: float, level: int) -> None:
    """Maintenance of just the level times equity is in the worse band."""
    assert banded(CLEAR, RAISE[level] * equity, equity) == level + 1
    assert is_breached(RAISE[level] * equity, equity, RAISE[level])


@given(equity=amounts, level=st.sampled_from(range(4)), share=st.floats(0, 0.999))
def test_a_band_holds_until_its_clear_mark(equity: float, level: int, share: float) -> None:
    """Between the clear mark and the level the band stays what it was; under the mark it falls by one."""
    between = CLEAR_AT[level] + share * (RAISE[level] - CLEAR_AT[level])
    assert banded(level + 1, between * equity * (1 + 1e-12), equity) == level + 1
    assert banded(level, between * equity * (1 - 1e-12), equity) == level
    under = CLEAR_AT[level] * equity * (1 - 1e-12)
    assert banded(level + 1, under, equity) == level


@given(band=bands, maintenance=any_amount, equity=any_amount)
def test_the_same_figures_again_change_nothing(band: int, maintenance: float, equity: float) -> None:
    """A band that was just found is found again: it never swings."""
    once = banded(band, maintenance, equity)
    assert banded(once, maintenance, equity) == once


@given(maintenance=any_amount, equity=any_amount)
def test_unknown_before_is_as_clear_before(maintenance: float, equity: float) -> None:
    """The first figures after UNKNOWN decide alone."""
    assert banded(UNKNOWN, maintenance, equity) == banded(CLEAR, maintenance, equity)


@given(
    band=bands,
    maintenance=st.decimals(-(10**9), 10**9, places=6),
    equity=st.decimals(-(10**9), 10**9, places=6),
)
def test_the_band_of_decimals_is_the_exact_one(band: int, maintenance: Decimal, equity: Decimal) -> None:
    """The same source over Decimal finds the band of the exact figures; floats differ at most on a mark
    itself."""
    marks = [tuple(Decimal(str(mark)) for mark in row) for row in (RAISE, CLEAR_AT)]
    exactly = next_band(band, maintenance, equity, 0, *marks)
    on_a_mark = any(abs(maintenance - mark * equity) < Decimal("1e-5") for row in marks for mark in row)
    assert on_a_mark or banded(band, float(maintenance), float(equity)) == exactly


def test_levels_lie_in_one_flat_table() -> None:
    """A pool reads its own four levels and nobody else's."""
    raise_at, clear_at = (*RAISE, 0.1, 0.2, 0.3, 0.4), (*CLEAR_AT, 0.09, 0.18, 0.27, 0.36)
    assert next_band(CLEAR, 0.35, 1.0, 0, raise_at, clear_at) == CLEAR
    assert next_band(CLEAR, 0.35, 1.0, 4, raise_at, clear_at) == 3
