"""By which scales a pool is judged, as a desk reads it; said where more than ratio and distance are used."""

from __future__ import annotations

from alerts.wording import duration, number, percent, ratio
from monitor.domain.assessment import MarginAssessment, Scale

USUAL = frozenset({"ratio", "distance"})


def scale_lines(assessment: MarginAssessment) -> list[str]:
    """One line: each scale with its figure and where that stands, and which ones know nothing."""
    if {scale.name for scale in assessment.scales} <= USUAL:
        return []
    return [f"judged by: {', '.join(map(scale_text, assessment.scales))}"]


def scale_text(scale: Scale) -> str:
    """`ratio 0.15 clear`, or `volatilities not known: silent`."""
    if scale.band is None:
        return f"{scale.name} not known: silent"
    return f"{_value_text(scale)} {scale.band.label.replace('_', ' ')}"


def _value_text(scale: Scale) -> str:
    value = scale.value
    if value is None:
        return f"{scale.name} past its end"
    if scale.name == "minutes":
        return f"time {duration(60 * value)}"
    if scale.name == "volatilities":
        return f"distance {number(value, 1)} volatilities"
    if scale.name == "ratio":
        return f"ratio {ratio(value)}"
    of = {"funding": "next funding {} of headroom", "depeg": "stablecoin {} off its peg"}
    return of.get(scale.name, "distance {}").format(percent(100 * value, signed=False))
