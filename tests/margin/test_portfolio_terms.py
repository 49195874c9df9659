"""Published parameters of portfolio margins: what they make, and what is refused because nobody tells it."""

from __future__ import annotations

from dataclasses import astuple
from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.portfolio_terms import (
    DERIBIT,
    OKX,
    Unsupported,
    deribit_terms,
    deribit_unit,
    incremental,
    okx_terms,
    unit_rows,
)

DATED = ("2024-06-17", "2026-02-15", "2025-01-15")


@pytest.mark.parametrize(("underlying", "largest"), [("BTC", "0.16"), ("ETH", "0.18")])
def test_deribits_grid(underlying: str, largest: str) -> None:
    """Nine even moves, each with volatility down, as it is and up; eight beyond, with volatility up."""
    points = deribit_terms(underlying, underlying).points
    standard, extended = points[:9], points[9:]
    assert [point.price_move for point in standard] == [Decimal(largest) * step / 4 for step in range(-4, 5)]
    assert {point.lower_volatility for point in standard} == {Decimal("-0.25")}
    (up,) = {point.upper_volatility for point in points}
    assert up > 0
    assert all(point.weight == 1 and point.damping == 0 for point in standard)
    assert [float(point.price_move) for point in extended] == [-0.66, -0.33, 0.5, 1, 2, 3, 4, 5]
    assert {point.lower_volatility for point in extended} == {up}


def test_beyond_the_range_a_loss_counts_as_far_as_the_range_goes() -> None:
    """In the quote currency range / move; settled in the coin it is bought where the range ends, and so is
    the damping."""
    linear = deribit_unit(DERIBIT["BTC"], inverse=False).points[-1]
    inverse = deribit_unit(DERIBIT["BTC"], inverse=True).points[-1]
    assert linear.weight == Decimal("0.16") / 5
    assert linear.damping == (5 / Decimal("0.16") - 1) * 100_000
    assert float(inverse.weight) == pytest.approx(0.16 / 5 * 6 / 1.16)
    assert inverse.damping == linear.damping / Decimal("1.16")


def test_okxs_grid() -> None:
    """Thirds of the largest move either way and none; the extreme move counts by half."""
    points = okx_terms("BTC").points
    assert [float(point.price_move) for point in points] == pytest.approx(
        [-0.12, -0.08, -0.04, 0, 0.04, 0.08, 0.12, -0.24, 0.24]
    )
    assert [float(point.weight) for point in points] == [1] * 7 + [0.5] * 2


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: deribit_terms("SOL", "SOL"), "portfolio margin parameters of SOL"),
        (lambda: deribit_terms("BTC", "USDC"), "BTC settled in USDC"),
        (lambda: okx_terms("BTC", is_option=True), "MR2"),
        (lambda: okx_terms("ETH"), "MR4.*of ETH"),
        (lambda: okx_terms("LTC"), "tiers of MR7 of LTC"),
    ],
)
def test_what_nobody_tells_is_refused_by_name(ask: Any, words: str) -> None:
    """No parameter is guessed: the error says which one is missing, and of what."""
    with pytest.raises(Unsupported, match=words):
        ask()


def test_every_set_of_parameters_is_dated() -> None:
    """Parameters change without notice: each set says where and when it was read."""
    sources = [deribit_terms(name, name).source for name in DERIBIT]
    sources += [okx_terms(name).source for name in OKX if name != "LTC"]
    assert all(any(date in source for date in DATED) for source in sources)


def test_multiples_scale_each_slice() -> None:
    """The steps are continuous: 30,000 is 10,000 once and 20,000 twice."""
    steps = incremental(((0, 1), (10_000, 2), (70_000, 4)))
    assert [step.deduction for step in steps] == [0, 10_000, 150_000]
    assert 30_000 * steps[1].maintenance_rate - steps[1].deduction == 50_000


def test_okxs_tiers_of_the_least_charge() -> None:
    """Of a raw charge of a million each slice counts by its multiple, as the venue's table has them."""
    slices = [(10, 1), (60, 2), (100, 4), (130, 6), (170, 8), (230, 10), (300, 12)]
    last = okx_terms("BTC").scaling[-1]
    scaled = 1_000_000 * last.maintenance_rate - last.deduction
    assert scaled == sum(1_000 * thousands * multiple for thousands, multiple in slices)
    floors = [sum(thousands for thousands, _ in slices[:step]) * 1_000 for step in range(7)]
    assert [step.floor for step in okx_terms("BTC").scaling] == floors


def test_rows_hold_what_the_terms_say() -> None:
    """Every number of the terms stands in the row of its name."""
    for terms in (deribit_terms("ETH", "ETH"), okx_terms("BTC", inverse=True)):
        unit, scenarios, tiers = unit_rows(terms, 7)
        told = {name: float(value) for name, value in terms._asdict().items() if name in terms._fields[4:]}
        assert told == {name: getattr(unit, name) for name in told}
        assert (unit.index, unit.inverse) == (7, 1)
        assert (unit.scenario_first, unit.scenario_last, unit.tier_first, unit.tier_last) == (0, 0, 0, 0)
        assert [astuple(point) for point in scenarios] == [tuple(map(float, point)) for point in terms.points]
        assert [tier.floor for tier in tiers] == [float(step.floor) for step in terms.scaling]
        assert [tier.deduction for tier in tiers] == [float(step.deduction) for step in terms.scaling]
