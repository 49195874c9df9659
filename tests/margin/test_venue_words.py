"""A venue's own figure and ours: each scale one way and back, and what is no figure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.venue_words import (
    FALLING,
    HEADROOM,
    HEALTH,
    RISING,
    Says,
    is_liquidatable,
    margin_ratio_of,
    venue_figure,
)

amounts = st.floats(1e-6, 1e9)
THRESHOLD = 1.25  # a venue that liquidates at 125 %


@pytest.mark.parametrize(
    ("scale", "equity", "maintenance", "figure"),
    [
        (RISING, 200, 50, 0.25 * THRESHOLD),
        (RISING, 0.5, 0.25, 0.5 * THRESHOLD),
        (FALLING, 200, 50, 4 * THRESHOLD),
        (FALLING, 0.5, 0.25, 2 * THRESHOLD),
        (FALLING, -10, 50, -0.2 * THRESHOLD),
        (HEADROOM, 200, 50, 150),
        (HEADROOM, -10, 50, -60),
        (HEALTH, 200, 50, 75),
        (HEALTH, 2, 0.5, 75),  # also where less than one is required
        (HEALTH, 10, 50, 0),
        (HEALTH, 0, 0, 100),
    ],
)
def test_the_figure_is_the_venues(scale: str, equity: float, maintenance: float, figure: float) -> None:
    """Rising or falling in the ratio, times the venue's threshold; a difference and a health have none."""
    assert venue_figure(Says("", scale), equity, maintenance, THRESHOLD) == figure


@pytest.mark.parametrize(
    ("scale", "equity", "maintenance"), [(RISING, 0, 50), (RISING, -1, 50), (FALLING, 100, 0)]
)
def test_what_no_venue_can_divide_is_no_figure(scale: str, equity: float, maintenance: float) -> None:
    """A rising ratio of no equity, and a falling one where nothing is required."""
    assert math.isnan(venue_figure(Says("", scale), equity, maintenance))


@given(scale=st.sampled_from([RISING, FALLING]), equity=amounts, maintenance=amounts)
def test_a_ratio_maps_back(scale: str, equity: float, maintenance: float) -> None:
    """The venue's figure made into ours is maintenance over equity, whatever the threshold."""
    says = Says("", scale)
    figure = venue_figure(says, equity, maintenance, THRESHOLD)
    assert margin_ratio_of(says, figure, THRESHOLD) == pytest.approx(maintenance / equity, rel=1e-12)


def test_a_threshold_is_one_where_none_is_told() -> None:
    """Most venues liquidate where their ratio is 1."""
    for scale in (RISING, FALLING):
        assert venue_figure(Says("", scale), 2, 2) == 1
        assert margin_ratio_of(Says("", scale), 1) == 1


def test_a_headroom_and_no_figure_are_no_ratio() -> None:
    """A difference tells nothing of the ratio; a falling figure at or below zero has none."""
    assert math.isnan(margin_ratio_of(Says("", HEADROOM), 150))
    assert math.isnan(margin_ratio_of(Says("", FALLING), 0))
    assert math.isnan(margin_ratio_of(Says("", FALLING), -0.2))
    assert math.isnan(margin_ratio_of(Says("", FALLING), math.nan))


def test_a_venue_that_says_nothing_else_liquidates_at_equality() -> None:
    """What just covers its requirement is liquidated by most, a hair more by none; nothing required never."""
    says = Says("", RISING)
    assert is_liquidatable(says, 1, 1)
    assert not is_liquidatable(says, 1.0000001, 1)
    assert not is_liquidatable(Says("", RISING, at_equality=False), 1, 1)
    assert not is_liquidatable(says, -1, 0)
