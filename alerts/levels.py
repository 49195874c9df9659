"""How bad each condition is in a state of a pool: the first stage of the pipeline. Pure."""

from __future__ import annotations

from alerts.alert import Condition, Level
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import PoolState

UNKNOWN_LEVEL = Level.CRITICAL
OF_POOLS = (
    Condition.MARGIN,
    Condition.UNKNOWN,
    Condition.DEFICIT,
    Condition.MARGIN_ERROR,
    Condition.VENUE_WORSE,
)


def levels_of(state: PoolState) -> dict[Condition, Level | None]:
    """How bad each condition is in a state; None where an unknown pool leaves nothing to say."""
    if state.band is RiskBand.UNKNOWN:
        unsaid: dict[Condition, Level | None] = dict.fromkeys(OF_POOLS)
        return unsaid | {Condition.UNKNOWN: UNKNOWN_LEVEL}
    band = Level(int(state.band))
    venues = Level(max(0, int(state.venue_band)))
    return {
        Condition.MARGIN: band,
        Condition.UNKNOWN: Level.CLEAR,
        Condition.DEFICIT: Level.CRITICAL if state.deficit else Level.CLEAR,
        Condition.MARGIN_ERROR: Level.WARNING if state.margin_error_open else Level.CLEAR,
        Condition.VENUE_WORSE: venues if venues > band else Level.CLEAR,
    }
