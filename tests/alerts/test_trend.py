"""The last hour of each pool: what was UNKNOWN is a gap, and memory is bounded."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from alerts.trend import EVERY_S, MOST_POOLS, SAMPLES, Trend, ratios_of
from monitor.domain.identity import PoolId
from monitor.domain.turn import BookView
from tests.support.alerting import a_view

STEP_NS = round(EVERY_S * 1e9)


def view(step: int, ratios: dict[str, float], *, generation: int = 1) -> BookView:
    """A view some samples after the first; nan is UNKNOWN."""
    plain = a_view([PoolId(f"v/a/{name}") for name in ratios], 10**9 + step * STEP_NS, 0)
    values = np.array(list(ratios.values()))
    return msgspec.structs.replace(
        plain,
        generation=generation,
        equity=np.full(len(ratios), 100.0),
        maintenance_margin=np.where(np.isnan(values), 50.0, 100.0 * values),
        band=np.where(np.isnan(values), -1, 0),
    )


def of(trend: Trend, name: str) -> list[float]:
    """The ratios of a pool, rounded."""
    hour = trend.hour(PoolId(f"v/a/{name}"), 0)
    assert hour is not None
    return [round(float(ratio), 3) for ratio in hour.ratios]


def test_a_sample_each_half_minute() -> None:
    """Views in between are passed over; times count back from the newest."""
    trend = Trend()
    for step, ratio in enumerate((0.5, 0.6, 0.7)):
        trend.observe(view(step, {"p": ratio}))
        between = view(step, {"p": 9.0})
        trend.observe(msgspec.structs.replace(between, now_ns=between.now_ns + STEP_NS // 2))
    assert of(trend, "p") == [0.5, 0.6, 0.7]
    hour = trend.hour(PoolId("v/a/p"), view(2, {}).now_ns)
    assert hour is not None and list(hour.seconds) == [-60.0, -30.0, 0.0]


def test_unknown_is_a_gap() -> None:
    """No ratio that was true before is carried over."""
    trend = Trend()
    for step, ratio in enumerate((0.5, math.nan, 0.7)):
        trend.observe(view(step, {"p": ratio}))
    assert math.isnan(of(trend, "p")[1])


def test_no_equity_is_no_ratio() -> None:
    """Margin over nothing is a gap, an empty account is at 0."""
    plain = view(0, {"p": 0.5, "q": 0.5, "r": 0.0})
    made = ratios_of(msgspec.structs.replace(plain, equity=np.array([0.0, -5.0, 0.0])))
    assert np.isnan(made[:2]).all() and made[2] == 0.0


def test_an_hour_is_kept() -> None:
    """Older samples make room."""
    trend = Trend()
    for step in range(SAMPLES + 5):
        trend.observe(view(step, {"p": step / 1000}))
    assert of(trend, "p") == [step / 1000 for step in range(5, SAMPLES + 5)]


def test_a_new_pool_has_no_past_of_another() -> None:
    """A column that is used again is empty; who stays keeps what was seen."""
    trend = Trend()
    trend.observe(view(0, {"gone": 0.9, "stays": 0.1}))
    trend.observe(view(1, {"stays": 0.2, "new": 0.3}, generation=2))
    assert of(trend, "stays") == [0.1, 0.2]
    assert math.isnan(of(trend, "new")[0]) and of(trend, "new")[1] == 0.3
    assert trend.hour(PoolId("v/a/gone"), 0) is None


def test_memory_is_bounded() -> None:
    """A hundred thousand pools take one array of 48 MB; further ones have no picture."""
    trend = Trend()
    names = [f"p{number}" for number in range(MOST_POOLS + 1)]
    trend.observe(view(0, dict.fromkeys(names, 0.25)))
    assert trend._ratios.nbytes == 48_000_000
    assert of(trend, names[MOST_POOLS - 1]) == [0.25]
    assert trend.hour(PoolId(f"v/a/{names[-1]}"), 0) is None
