"""How bad each condition is in a state of a pool: the first stage of the pipeline. Pure."""

from __future__ import annotations

from alerts.alert import Condition, Level
from monitor.config import Alerts
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import PoolState

SECOND_NS = 1_000_000_000
UNKNOWN_LEVEL = Level.CRITICAL
UNKNOWN_AFTER_SEEN_NS = 4 * SECOND_NS  # a fault that is noticed late still gets this long to end by itself
OF_POOLS = (
    Condition.MARGIN,
    Condition.UNKNOWN,
    Condition.DEFICIT,
    Condition.MARGIN_ERROR,
    Condition.VENUE_WORSE,
    Condition.RULE_CHANGE,
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
        Condition.RULE_CHANGE: Level.WARNING if state.rule_change else Level.CLEAR,
    }


def detail_of(state: PoolState, condition: Condition) -> str:
    """What is said beside a condition."""
    return state.rule_change if condition is Condition.RULE_CHANGE else state.detail


def due_ns(state: PoolState, times: Alerts) -> int:
    """When an UNKNOWN is to be told (monotonic); 0 where its beginning is not known."""
    began_ns, seen_ns = state.unknown_since_ns, state.unknown_seen_ns
    if began_ns is None or seen_ns is None:
        return 0
    return max(began_ns + round(times.unknown_after_s * SECOND_NS), seen_ns + UNKNOWN_AFTER_SEEN_NS)
