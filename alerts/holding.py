"""Why something is not told now although it is so: a silence, quiet hours, something worse of the same pool.

Pure; the time is an argument. What is held back is told when the reason ends, if it is still so.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from alerts.alert import AlertKey, Condition, Incident, Level
from alerts.route import Routing
from alerts.silences import Silences
from monitor.domain.identity import PoolId

MINUTE_NS = 60_000_000_000
QUIET_HOURS = "quiet hours"
# What a worse one of is enough for a pool. UNKNOWN is not among them: a figure that is there again is news.
INHIBITING = (Condition.MARGIN, Condition.DEFICIT, Condition.VENUE_WORSE)
INHIBITED = (*INHIBITING, Condition.MARGIN_ERROR)


class Held(msgspec.Struct, frozen=True):
    """Why, and until when that is certain (wall clock)."""

    by: str  # "silence 1f2e3d4c", "quiet hours", "inhibited by deficit"
    until_ns: int
    silence: str | None = None  # its id


class Holding:
    """What the silences and the hours of the routes hold back."""

    def __init__(self, silences: Silences | None = None, routing: Routing | None = None) -> None:
        self.silences = silences or Silences()
        self.routing = routing or Routing(())
        self._rerouted = 0

    @property
    def version(self) -> tuple[int, int]:
        """Another one where what is held back may have changed."""
        return (self.silences.version, self._rerouted)

    def reroute(self, routing: Routing) -> None:
        """Other routes from now on."""
        self.routing = routing
        self._rerouted += 1

    def why(self, key: AlertKey, desk: str, level: Level, wall_ns: int) -> Held | None:
        """What keeps this from being told now; None where nothing does."""
        silence = self.silences.hiding(key, desk, level, wall_ns)
        if silence is not None:
            return Held(f"silence {silence.id}", silence.ends_ns, silence.id)
        if self.routing.is_quiet(key, desk, level, wall_ns):
            return Held(QUIET_HOURS, wall_ns - wall_ns % MINUTE_NS + MINUTE_NS)
        return None


def inhibiting(key: AlertKey, level: Level, open_: Mapping[AlertKey, Incident]) -> Condition | None:
    """The condition of the same pool that is told of and worse."""
    if key.condition not in INHIBITED:
        return None
    others = (each for each in INHIBITING if each is not key.condition)
    return next((each for each in others if _is_worse(key.pool, each, level, open_)), None)


def _is_worse(pool: PoolId, condition: Condition, level: Level, open_: Mapping[AlertKey, Incident]) -> bool:
    incident = open_.get(AlertKey(pool, condition))
    return incident is not None and incident.level > level
