"""What stands of requests to cut positions, among the incidents. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.alert import AlertKey, Condition, Level, Notice
from alerts.incidents import Incidents
from monitor.domain.identity import PoolId


def observe_standing(
    incidents: Incidents, standing: Mapping[PoolId, tuple[str, int, str]], now_ns: int, wall_ns: int
) -> list[Notice]:
    """Takes in what stands of requests to cut positions (desk, level, words by pool); all else of them has
    ended."""
    keys = {AlertKey(pool, Condition.DELEVERAGE): word for pool, word in standing.items()}
    for incident in incidents.open:
        if incident.key.condition is Condition.DELEVERAGE:
            keys.setdefault(incident.key, (incident.desk, int(Level.CLEAR), ""))
    return [
        notice
        for key, (desk, level, words) in keys.items()
        for notice in incidents.observe_own(key, words, Level(level), now_ns, wall_ns, desk)
    ]
