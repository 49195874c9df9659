"""A Maker vault: one ratio for liquidation and for drawing, par and not the market, equality safe."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, margin_ratio_of, venue_figure
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Line, SmallPool

SAYS = MODELS["maker"].says
HAIRS = [("-0.000001", False), ("0", False), ("0.000001", True)]
RATIO = Decimal("1.45")


def vault(locked: object, owed: object, *, par: str = "1", is_on: bool = True) -> SmallPool:
    """Ether at 2,000 against so much of the stablecoin, at 145 %."""
    gem = Line(Coin("ETH", Decimal(2_000), "ETH"), Decimal(str(locked)), collateral=is_on)
    debt = Line(Coin("DAI", Decimal(par)), Decimal(0), borrowed=Decimal(str(owed)))
    return SmallPool("maker", (gem, debt), threshold=RATIO)


def test_the_venues_figure_is_the_collateralisation_ratio() -> None:
    """20,000 against 10,000: 200 %, of which 145 % have to be kept."""
    found = requirement(vault(10, 10_000))
    assert found.equity == 20_000
    assert found.maintenance_margin == pytest.approx(14_500)
    figure = venue_figure(SAYS, found.equity, found.maintenance_margin, float(RATIO))
    assert figure == pytest.approx(2)
    assert margin_ratio_of(SAYS, figure, float(RATIO)) == pytest.approx(0.725)


@pytest.mark.parametrize(("more", "is_due"), HAIRS)
def test_equality_is_safe(more: str, is_due: bool) -> None:
    """A vault is taken only below its ratio: 29,000 cover 20,000."""
    found = requirement(vault("14.5", 20_000 + Decimal(more)))
    assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is is_due


def test_drawing_is_allowed_while_the_vault_stays_safe() -> None:
    """Initial and maintenance margin are one number."""
    for owed in (0, "1e-8", 10_000, 1e8):
        found = requirement(vault(10, owed))
        assert found.initial_margin == found.maintenance_margin


def test_a_vault_without_debt_is_in_no_danger() -> None:
    """Nothing owed, nothing required, and no ratio to show; nor is an empty urn."""
    for locked in (10, 0):
        found = requirement(vault(locked, 0))
        assert (found.initial_margin, found.maintenance_margin) == (0, 0)
        assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)
        assert math.isnan(venue_figure(SAYS, found.equity, found.maintenance_margin, float(RATIO)))


def test_debt_that_nothing_secures_is_liquidatable() -> None:
    """Neither an empty vault nor one whose gem does not count covers anything."""
    for held in (vault(0, 1), vault(10, 1, is_on=False)):
        found = requirement(held)
        assert found.equity == 0
        assert is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_par_scales_the_debt() -> None:
    """Spot is price / ratio / par: at a par of 1.02 a debt weighs 2 % more."""
    assert requirement(vault(10, 10_000, par="1.02")).maintenance_margin == pytest.approx(14_790)


def test_a_vault_is_liquidated_at_debt_times_ratio_over_what_is_locked() -> None:
    """10,000 at 145 % against 10: at 1,450, and a rise is no danger."""
    lower, upper = moves_of(vault(10, 10_000))["ETH"]
    assert lower * 2_000 == pytest.approx(1_450, rel=1e-11)
    assert math.isnan(upper)
