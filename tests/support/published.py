"""Published figures run through small books: each case becomes a pool, and its figure is assessed or solved.

A case is an id, the name of a formula, its inputs in explicit units, the expected figures and a tolerance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule

Inputs = Mapping[str, Any]
Figures = dict[str, float]
Schedule = tuple[MarginTier, ...]
ROUNDING = 1e-10  # relative: what a searched price may be off where the source says "exact"
LOW_RATE = Decimal("0.0001")  # of the steps below the one that a source tells of
ONE = Decimal(1)


def read_cases(path: Path) -> list[dict[str, Any]]:
    """The cases of one file, numbers as written."""
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["cases"]
    return cases


def assert_published(case: Mapping[str, Any], way: Callable[[Inputs], Figures]) -> None:
    """Our figures, got this way, are the published ones, within the case's tolerance."""
    ours = way(case["inputs"])
    for name, expected in case["expected"].items():
        apart = abs(ours[name] - float(expected))
        assert apart <= _allowed(case["tolerance"], float(expected)), (
            f"{case['id']}: {name} {ours[name]}, published {expected}"
        )


def _allowed(tolerance: Mapping[str, Any], expected: float) -> float:
    relative = tolerance.get("rel", ROUNDING if "exact" in tolerance else 0)
    return max(float(tolerance.get("abs", 0)), float(relative) * abs(expected))


def schedule_of(rate: Decimal, deduction: Decimal) -> Schedule:
    """A continuous schedule whose last step has this rate and deduction; both tell where the step starts."""
    steps = [MarginTier(Decimal(0), rate if not deduction else LOW_RATE, ONE, Decimal(0))]
    if deduction:
        steps.append(MarginTier(deduction / (rate - LOW_RATE), rate, ONE, deduction))
    return checked_schedule(TierSchedule(tuple(steps), "a published case")).tiers
