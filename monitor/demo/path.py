"""How prices go in the crash hour: calm, a fall in three waves, a bounce, a slow way back. A pure function
of time and seed."""

from __future__ import annotations

import itertools
import math
import random

HOUR_S = 3600.0
# Minutes into the hour, and the share of the way down that is gone.
WAYPOINTS = ((0.0, 0.0), (6.0, 0.02), (12.0, 0.35), (15.0, 0.28), (20.0, 0.70), (23.0, 0.60), (29.0, 1.0))
WAYPOINTS_BACK = ((32.0, 0.92), (36.0, 0.55), (42.0, 0.42), (50.0, 0.35), (60.0, 0.30))
FALLS = {"BTC": 0.16, "ETH": 0.21, "SOL": 0.32, "XRP": 0.38, "DOGE": 0.45, "BNB": 0.18, "ADA": 0.40}
OTHER_FALL = 0.30
WOBBLE = 0.0012  # of the price, so that no two marks are the same
WOBBLE_PERIODS_S = (37.0, 91.0, 213.0)


class PricePath:
    """Prices of underlyings as factors of where they start."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self._phases = {
            name: [rng.uniform(0, 2 * math.pi) for _ in WOBBLE_PERIODS_S] for name in sorted(FALLS)
        }

    def factor(self, underlying: str, at_s: float) -> float:
        """The price at `at_s` seconds of the hour over the price at its start; after the hour it stays."""
        at_s = min(max(at_s, 0.0), HOUR_S)
        fall = FALLS.get(underlying, OTHER_FALL)
        return (1 - fall * depth(at_s / 60)) * (1 + self._wobble(underlying, at_s))

    def lowest(self, underlying: str) -> float:
        """The factor at the bottom, without the wobble."""
        return 1 - FALLS.get(underlying, OTHER_FALL)

    def _wobble(self, underlying: str, at_s: float) -> float:
        phases = self._phases.get(underlying, [0.0] * len(WOBBLE_PERIODS_S))
        waves = zip(phases, WOBBLE_PERIODS_S, strict=True)
        return WOBBLE * sum(math.sin(phase + 2 * math.pi * at_s / period) for phase, period in waves) / 3


def depth(minute: float) -> float:
    """How far down the fall is at a minute: 0 at the start, 1 at the bottom."""
    points = (*WAYPOINTS, *WAYPOINTS_BACK)
    for (start, before), (end, after) in itertools.pairwise(points):
        if start <= minute <= end:
            return before + (after - before) * (minute - start) / (end - start)
    return points[-1][1]
