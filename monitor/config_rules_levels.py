"""What the three levels of a scale may be: each in range, and in the direction of its scale."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.config import RATIO_LEVELS, Levels, Threshold
from monitor.config_read import Rule

RISE = "{ warning = 0.5, margin_call = 0.7, critical = 0.85 }"
FALL = "{ warning = 0.10, margin_call = 0.05, critical = 0.02 }"
LEAST = 1e-3  # of volatilities and minutes


def ratio_levels(levels: Levels) -> Iterable[tuple[str, str]]:
    """Ratios rise to at most 1, which is liquidation."""
    wrong = [(name, text) for name in RATIO_LEVELS if (text := _ratio_mistake(getattr(levels, name)))]
    if not wrong and not levels.warning < levels.margin_call < levels.critical:
        wrong = [
            ("", f"ratios rise towards liquidation at 1; {_written(levels)} does not: write e.g. {RISE}")
        ]
    return wrong


def _ratio_mistake(value: float) -> str:
    if 0 < value <= 1:
        return ""
    if 2 <= value <= 100:
        return f"{value:g} looks like per cent; ratios are fractions: write {value / 100:g}"
    return f"{value:g} is out of range: above 0, at most 1, which is liquidation"


def distance_levels(levels: Levels) -> Iterable[tuple[str, str]]:
    """Distances fall to above 0, which is liquidation."""
    wrong = [(name, text) for name in RATIO_LEVELS if (text := _distance_mistake(getattr(levels, name)))]
    if not wrong and not levels.warning > levels.margin_call > levels.critical:
        wrong = [
            ("", f"distances fall towards liquidation at 0; {_written(levels)} does not: write e.g. {FALL}")
        ]
    return wrong


def _distance_mistake(value: float) -> str:
    if 0 < value < 1:
        return ""
    if 1 <= value < 100:
        return f"{value:g} looks like per cent; distances are fractions of the price: write {value / 100:g}"
    return f"{value:g} is out of range: above 0 and below 1"


def _written(levels: Levels) -> str:
    return ", ".join(f"{name} {getattr(levels, name):g}" for name in RATIO_LEVELS)


def falling_levels(most: float, unit: str, example: str) -> Rule:
    """Levels that fall towards liquidation at 0."""

    def rule(levels: Levels) -> Iterable[tuple[str, str]]:
        outside = [name for name in RATIO_LEVELS if not LEAST <= getattr(levels, name) <= most]
        wrong = [(name, f"is out of range: from {LEAST:g} to {most:g} {unit}") for name in outside]
        if not wrong and not levels.warning > levels.margin_call > levels.critical:
            text = f"{unit} fall towards liquidation at 0; {_written(levels)} does not: write e.g. {example}"
            wrong = [("", text)]
        return wrong

    return rule


LEVEL_RULES: dict[tuple[type, str], Rule] = {
    (Threshold, "ratio"): ratio_levels,
    (Threshold, "distance"): distance_levels,
    (Threshold, "volatilities"): falling_levels(
        100, "volatilities", "{ warning = 3.0, margin_call = 2.0, critical = 1.0 }"
    ),
    (Threshold, "minutes"): falling_levels(
        10_080, "minutes", "{ warning = 60.0, margin_call = 30.0, critical = 15.0 }"
    ),
    (Threshold, "funding"): ratio_levels,
    (Threshold, "depeg"): ratio_levels,
}
