"""How a venue tells the ratio that we call margin ratio: its name, its direction, its level, and whether
equality liquidates there (MARGIN 0).

Our ratio is maintenance over equity, 1 is liquidation, and equality is in the band. What a venue publishes
runs up, runs down, or is no ratio at all; this maps ours onto its figure, for showing and for comparing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

RISING, FALLING, HEADROOM = "rising", "falling", "headroom"
HEALTH = "health"


class Says(NamedTuple):
    """`scale`: RISING is maintenance / equity, FALLING equity / maintenance, HEADROOM equity - maintenance,
    HEALTH 100 x (1 - maintenance / equity) within 0 and 100.
    `at_equality`: whether the venue liquidates a pool whose equity just equals its maintenance margin."""

    name: str
    scale: str
    at_equality: bool = True


def venue_figure(says: Says, equity: float, maintenance: float, threshold: float = 1.0) -> float:
    """The venue's own figure of a pool. `threshold` is where the venue liquidates on its scale: it is in our
    maintenance already, so a falling ratio is multiplied by it. nan where the venue has no figure (nothing
    required, or a rising ratio of no equity)."""
    if says.scale == HEADROOM:
        return equity - maintenance
    if says.scale == HEALTH:
        return 100.0 if maintenance <= 0 else max(0.0, 100 * (1 - maintenance / max(equity, maintenance)))
    if says.scale == RISING:
        return maintenance / equity * threshold if equity > 0 else math.nan
    return equity / maintenance * threshold if maintenance > 0 else math.nan


def margin_ratio_of(says: Says, figure: float, threshold: float = 1.0) -> float:
    """Our margin ratio of a venue's figure; nan for a headroom, which is no ratio, and for no figure. A
    health of 0 is 1, or worse than it can tell."""
    if says.scale == HEADROOM:
        return math.nan
    if says.scale == HEALTH:
        return 1 - figure / 100
    if says.scale == RISING:
        return figure / threshold
    return threshold / figure if figure > 0 else math.nan


def is_liquidatable(says: Says, equity: float, maintenance: float) -> bool:
    """Whether the venue may liquidate now; at equality it depends on the venue, while the band says
    liquidation there in any case."""
    if maintenance <= 0:
        return False
    return maintenance >= equity if says.at_equality else maintenance > equity
