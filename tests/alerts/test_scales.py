"""By which scales a pool is judged, in the words of a message."""

from __future__ import annotations

import pytest

from alerts.message import document, lines
from alerts.scales import scale_lines, scale_text
from monitor.domain.assessment import RiskBand, Scale
from tests.support.notifications import a_notification, an_assessment

THREE = (0.5, 0.7, 0.85)
RATIO = Scale("ratio", 0.15, THREE, RiskBand.CLEAR)
DISTANCE = Scale("distance", 0.034, (0.05, 0.03, 0.015), RiskBand.WARNING)
TIME = Scale("minutes", 9.4, (60.0, 30.0, 10.0), RiskBand.CRITICAL)
SILENT = Scale("volatilities", None, (3.0, 2.0, 1.0), None)


def test_a_pool_of_many_scales_says_which_one_raised_it() -> None:
    """Each with its figure and where it stands, and the silent ones by name."""
    assessment = an_assessment(scales=(RATIO, DISTANCE, TIME, SILENT))
    expected = (
        "judged by: ratio 0.15 clear, distance 3.4 % warning, time 9 min critical, "
        "volatilities not known: silent"
    )
    assert scale_lines(assessment) == [expected]
    assert expected in lines(a_notification(assessment))
    told = document(a_notification(assessment))["assessment"]["scales"]
    assert told[3] == {
        "name": "volatilities",
        "value": None,
        "band": None,
        "levels": {"warning": 3.0, "margin_call": 2.0, "critical": 1.0},
    }


def test_the_usual_two_scales_need_no_line() -> None:
    """Ratio and distance stand in the message anyway."""
    assert scale_lines(an_assessment(scales=(RATIO, DISTANCE))) == []


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (Scale("ratio", None, THREE, RiskBand.LIQUIDATION), "ratio past its end liquidation"),
        (Scale("volatilities", 1.94, THREE, RiskBand.MARGIN_CALL), "distance 1.9 volatilities margin call"),
        (Scale("funding", 0.125, THREE, RiskBand.WARNING), "next funding 12.5 % of headroom warning"),
        (Scale("depeg", 0.0121, THREE, RiskBand.WARNING), "stablecoin 1.2 % off its peg warning"),
    ],
)
def test_each_scale_has_its_own_words(scale: Scale, words: str) -> None:
    """A figure without its unit is none."""
    assert scale_text(scale) == words
