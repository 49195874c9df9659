"""Which of the covered pools are in danger, and since when each is known without a break."""

from __future__ import annotations

from monitor.config_deleverage import Deleverage, covers
from monitor.deleverage.guards import BANDS
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState, Turn


class Watch:
    """Fed with turns."""

    def __init__(self, config: Deleverage) -> None:
        self._config = config
        self._wanted: dict[PoolId, RiskBand] = {}
        self.known_since_ns: dict[PoolId, int] = {}  # monotonic

    @property
    def wanted(self) -> list[PoolId]:
        """The pools in danger, the worst first. One that goes UNKNOWN in danger stays: it is refused and told
        of, not forgotten."""
        return sorted(self._wanted, key=lambda pool: (-self._wanted[pool], pool))

    def on_turn(self, turn: Turn) -> bool:
        """Takes a turn in; answers whether a pool came into danger or became worse."""
        for pool in turn.removed:
            self.known_since_ns.pop(pool, None)
            self._wanted.pop(pool, None)
        covered = [state for state in turn.changed if self._covers(state)]
        worse = [self._take(state, turn.now_ns) for state in covered]
        return any(worse)

    def _covers(self, state: PoolState) -> bool:
        return covers(self._config, state.desk, state.pool.rpartition("/")[0], state.pool)

    def _take(self, state: PoolState, now_ns: int) -> bool:
        if state.band is RiskBand.UNKNOWN:
            self.known_since_ns.pop(state.pool, None)
            return False
        self.known_since_ns.setdefault(state.pool, now_ns)
        if state.band < BANDS[self._config.level]:
            self._wanted.pop(state.pool, None)
            return False
        before = self._wanted.get(state.pool, RiskBand.CLEAR)
        self._wanted[state.pool] = state.band
        return state.band > before
