"""Where most pools of a desk on one venue are unknown at once, the venue is the matter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.alert import AlertKey, Condition
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState

FEWEST = 3  # pools; fewer are told one by one
SHARE = 0.5  # of the desk's pools on the venue
# What a fault of a venue looks like. A refused key, or a figure that can't be, is a matter of its account.
TRANSIENT = Reason.STALE | Reason.GAP | Reason.PARTIAL


@dataclass(slots=True)
class _Pools:
    """A desk's pools on one venue."""

    desk: str
    known: set[PoolId] = field(default_factory=set)
    unknown: dict[PoolId, int] = field(default_factory=dict)  # and when each is to be told (monotonic)
    detail: str = ""


class VenueFaults:
    """Takes the states of pools in; answers which venues are the matter."""

    def __init__(self, named: Mapping[AlertKey, Iterable[PoolId]]) -> None:
        self._pools: dict[AlertKey, _Pools] = {}
        self._named = {key: frozenset(pools) for key, pools in named.items()}

    def take(self, state: PoolState, due_ns: int) -> None:
        """A state of a pool, and when it is to be told if it is UNKNOWN."""
        pools = self._pools.setdefault(venue_key(state.pool, state.desk), _Pools(state.desk))
        is_fault = state.band is RiskBand.UNKNOWN and not state.reasons & ~TRANSIENT
        if is_fault:
            pools.known.discard(state.pool)
            pools.unknown[state.pool] = due_ns
            pools.detail = state.detail
        else:
            pools.unknown.pop(state.pool, None)
            pools.known.add(state.pool)

    def drop(self, pool: PoolId) -> None:
        """The pool is gone."""
        venue = pool.split("/", 1)[0]
        for key, pools in list(self._pools.items()):
            if key.pool.startswith(f"{venue}/"):
                pools.known.discard(pool)
                pools.unknown.pop(pool, None)

    def looked_at(self) -> list[tuple[AlertKey, str, str]]:
        """The key, desk and detail of each venue and desk there is."""
        return [(key, pools.desk, pools.detail) for key, pools in self._pools.items()]

    def unknown(self, key: AlertKey) -> tuple[PoolId, ...]:
        """Its pools that are unknown, if they are so many that the venue is the matter."""
        pools = self._pools[key]
        count = len(pools.unknown)
        is_fault = count >= FEWEST and count >= SHARE * (count + len(pools.known))
        return tuple(sorted(pools.unknown)) if is_fault else ()

    def name(self, key: AlertKey, pools: Iterable[PoolId]) -> None:
        """What the next alert of the venue tells of."""
        self._named[key] = frozenset(pools)

    def named(self, key: AlertKey) -> tuple[PoolId, ...]:
        """The pools that its alert tells of."""
        return tuple(sorted(self._named.get(key, ())))

    def naming(self, pool: PoolId, desk: str) -> AlertKey | None:
        """The venue whose alert tells of the pool."""
        key = venue_key(pool, desk)
        return key if pool in self._named.get(key, ()) else None

    def due_ns(self, key: AlertKey) -> int:
        """When the first of them is to be told."""
        return min(self._pools[key].unknown.values(), default=0)


def venue_key(pool: PoolId, desk: str) -> AlertKey:
    """What an incident of a venue is about: no account is called `*`."""
    return AlertKey(PoolId(f"{pool.split('/', 1)[0]}/*/{desk}"), Condition.VENUE)
