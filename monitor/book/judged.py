"""By which scales a pool is judged, and where it stands on each: said in a message and in an explanation."""

from __future__ import annotations

import math

from monitor.book.coming import funding_cost
from monitor.book.settings import LevelRow
from monitor.domain.assessment import MarginAssessment, RiskBand, Scale

FALLING = ("distance", "volatilities", "minutes")


def judged(levels: LevelRow, found: MarginAssessment, apart: float | None) -> tuple[Scale, ...]:
    """Every scale that has levels here, with the value of now: None is silent, the others count. The band is
    where the value stands; the pool's own may be worse while a level that was raised is not cleared. `apart`:
    how far a stablecoin is from its peg."""
    values = _values(found, apart)
    return tuple(
        Scale(name, _finite(values[name]), raised, _band(name, values[name], raised))
        for name, raised in _scales(levels).items()
        if any(raised)
    )


def _values(found: MarginAssessment, apart: float | None) -> dict[str, float | None]:
    percent, left, headroom = found.distance_percent, found.at_present_speed, found.headroom
    cost = funding_cost(found.coming)
    is_short = headroom is not None and headroom <= 0
    share = None if cost is None or headroom is None else math.inf if is_short else cost / headroom
    return {
        "ratio": math.inf if found.margin_ratio is None else found.margin_ratio,
        "distance": None if percent is None else percent / 100,
        "volatilities": found.distance_volatilities,
        "minutes": None if left is None else left.minutes,
        "funding": share if cost is not None and cost > 0 else None if cost is None else 0.0,
        "depeg": apart,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _scales(levels: LevelRow) -> dict[str, tuple[float, float, float]]:
    first, second, third, _ = levels.raise_at
    return {
        "ratio": (first, second, third),
        "distance": levels.distance_raise,
        "volatilities": levels.volatilities_raise,
        "minutes": levels.minutes_raise,
        "funding": levels.funding_raise,
        "depeg": levels.depeg_raise,
    }


def _band(name: str, value: float | None, raised: tuple[float, float, float]) -> RiskBand | None:
    if value is None:
        return None
    if name in FALLING:
        return RiskBand(sum(value <= level for level in raised))
    return RiskBand(sum(value >= level for level in raised))
