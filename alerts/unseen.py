"""Pools with incidents of the last run that nothing has been heard of in this one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.vanished import account_of, is_placeholder
from alerts.venue_fault import venue_key
from monitor.config import Account
from monitor.domain.identity import PoolId, account_id
from monitor.domain.turn import Turn


class Unseen:
    """What is handed out is forgotten: nothing is told to have ended twice."""

    def __init__(self, pools: Iterable[PoolId], accounts: Iterable[Account]) -> None:
        self._pools = set(pools)
        ids = {account_id(account.venue, account.name): account.desk for account in accounts}
        venues = {venue_key(PoolId(id_), desk).pool for id_, desk in ids.items()}
        self._ours = frozenset(ids) | venues  # with what is told of venues

    def strangers(self) -> list[PoolId]:
        """Of accounts that the config no longer names: their incidents end, and that is told."""
        return self._taken(p for p in self._pools if p not in self._ours and account_of(p) not in self._ours)

    def vanished(self, turn: Turn) -> list[PoolId]:
        """Pools that a snapshot of their account does not know: closed while we were down."""
        if not self._pools or not (turn.changed or turn.removed):
            return []
        view = turn.view
        seen = zip(view.pools, view.account_seen_ns, strict=True)
        read = {label.account for label, seen_ns in seen if seen_ns > 0 and not is_placeholder(label.id)}
        read |= {account_of(pool) for pool in turn.removed if is_placeholder(pool)}  # it may hold nothing
        self._pools -= {label.id for label in view.pools}
        return self._taken(pool for pool in self._pools if account_of(pool) in read)

    def _taken(self, pools: Iterable[PoolId]) -> list[PoolId]:
        found = list(pools)
        self._pools.difference_update(found)
        return found
