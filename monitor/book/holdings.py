"""What an account holds, as facts: snapshots and deltas in, one consistent picture out. No columns, no
prices, no clock.

Stream and snapshot race. Every fact carries the venue's time, the newer wins, and a snapshot never overrides
what the stream said later. A snapshot in which everything has vanished, though the stream told of nothing,
is not believed: exchanges under load have shown zero balances for half an hour.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import msgspec

from monitor.domain.event import (
    AccountDelta,
    AccountSnapshot,
    BalanceFact,
    LeverageChanged,
    PoolFact,
    PositionFact,
)
from monitor.domain.identity import InstrumentId

K = TypeVar("K")
F = TypeVar("F")
Leg = tuple[InstrumentId, str]  # instrument and side key
Wallet = tuple[str, str]  # pool and asset


class SnapshotVerdict(Enum):
    """What became of a snapshot."""

    APPLIED = "applied"
    IMPLAUSIBLE = "implausible"  # all gone, and nothing else says so: keep the last good facts, ask again
    STALE = "stale"  # older than a snapshot that was applied


@dataclass(slots=True)
class Holdings:
    """One account's pools, balances and positions, each with the venue time at which it was true."""

    pools: dict[str, PoolFact] = field(default_factory=dict)
    balances: dict[Wallet, BalanceFact] = field(default_factory=dict)
    positions: dict[Leg, PositionFact] = field(default_factory=dict)
    _told_ns: dict[Wallet | Leg, int] = field(default_factory=dict)
    _snapshot_ns: int = -1
    _broken_since_snapshot: bool = True  # the stream had a hole, so what is gone may have gone unheard

    @property
    def seen(self) -> bool:
        """Whether any snapshot was applied."""
        return self._snapshot_ns >= 0

    def stream_broke(self) -> None:
        """The stream had a hole: the next confirmed snapshot is believed even if all is gone."""
        self._broken_since_snapshot = True

    def apply_snapshot(self, snapshot: AccountSnapshot) -> SnapshotVerdict:
        """Replaces everything that the stream has not told newer, or nothing at all."""
        if snapshot.venue_ns < self._snapshot_ns:
            return SnapshotVerdict.STALE
        if self._is_implausible(snapshot):
            # Where the stream itself says so, a second endpoint that agrees will be enough.
            self._broken_since_snapshot |= snapshot.streamed
            return SnapshotVerdict.IMPLAUSIBLE
        newer = {key for key, told_ns in self._told_ns.items() if told_ns > snapshot.venue_ns}
        balances = {(fact.pool, fact.asset): fact for fact in snapshot.balances}
        positions = {(fact.instrument, fact.side): fact for fact in snapshot.positions if _is_held(fact)}
        self.balances = _newest(balances, self.balances, newer)
        self.positions = _newest(positions, self.positions, newer)
        pools = {fact.pool: fact for fact in snapshot.pools}
        used = {fact.pool for fact in self.balances.values()} | {
            fact.pool for fact in self.positions.values()
        }
        self.pools = pools | {
            name: fact for name, fact in self.pools.items() if name in used and name not in pools
        }
        self._told_ns = {key: self._told_ns[key] for key in newer}
        self._snapshot_ns = snapshot.venue_ns
        self._broken_since_snapshot = False
        return SnapshotVerdict.APPLIED

    def apply_delta(self, delta: AccountDelta) -> tuple[set[str], int]:
        """Applies what is newer than we know; answers the pools that changed, and how many facts were too
        old."""
        changed: set[str] = set()
        late = 0
        for balance in delta.balances:
            if self._is_late((balance.pool, balance.asset), delta.venue_ns):
                late += 1
            else:
                self.balances[balance.pool, balance.asset] = balance
                changed.add(balance.pool)
        for position in delta.positions:
            if self._is_late((position.instrument, position.side), delta.venue_ns):
                late += 1
            else:
                changed |= self._replace_leg(position)
        return changed, late

    def apply_leverage(self, event: LeverageChanged) -> set[str]:
        """Writes the chosen leverage onto every leg of the instrument; answers the pools that changed."""
        changed: set[str] = set()
        for leg, fact in self.positions.items():
            if leg[0] == event.instrument:
                self.positions[leg] = _with_leverage(fact, event.leverage)
                changed.add(fact.pool)
        return changed

    def _is_late(self, key: Wallet | Leg, venue_ns: int) -> bool:
        if venue_ns < max(self._told_ns.get(key, -1), self._snapshot_ns):
            return True
        self._told_ns[key] = venue_ns
        return False

    def _replace_leg(self, fact: PositionFact) -> set[str]:
        leg = (fact.instrument, fact.side)
        before = self.positions.pop(leg, None)
        if fact.leverage is None and before is not None and before.leverage is not None:
            fact = _with_leverage(fact, before.leverage)
        if _is_held(fact):
            self.positions[leg] = fact
        return {fact.pool} if before is None else {fact.pool, before.pool}

    def _is_implausible(self, snapshot: AccountSnapshot) -> bool:
        vanished = self._lost_everything(snapshot)
        if not vanished:
            return False
        return not (snapshot.confirmed and self._broken_since_snapshot)

    def _lost_everything(self, snapshot: AccountSnapshot) -> bool:
        """All positions gone at once, or all money; or a first look that finds nothing."""
        money = any(is_money(fact) for fact in snapshot.balances)
        legs = any(_is_held(fact) for fact in snapshot.positions)
        if not self.seen:
            return not money and not legs
        newer = {key for key, told_ns in self._told_ns.items() if told_ns > snapshot.venue_ns}
        had_money = any(is_money(fact) for key, fact in self.balances.items() if key not in newer)
        had_legs = any(leg not in newer for leg in self.positions)
        return (had_money and not money) or (had_legs and not legs)


def _newest(read: dict[K, F], held: dict[K, F], newer: Container[object]) -> dict[K, F]:
    """The facts as read, but what the stream told later stays as held (also where it was removed)."""
    kept = {key: fact for key, fact in held.items() if key in newer}
    return {key: fact for key, fact in read.items() if key not in newer} | kept


def is_money(fact: BalanceFact) -> bool:
    """Whether there is anything of the asset, or a debt in it."""
    return fact.wallet != 0 or fact.borrowed != 0 or fact.accrual is not None


def _is_held(fact: PositionFact) -> bool:
    """Open orders ask for margin where nothing is held yet."""
    return bool(fact.quantity or fact.bids or fact.asks)


def _with_leverage(fact: PositionFact, leverage: Decimal) -> PositionFact:
    return msgspec.structs.replace(fact, leverage=leverage)
