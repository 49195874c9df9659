"""What all accounts of a venue share, because it counts by our address: connections, bans, rotations."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from monitor.clock import Clock
from monitor.config import Account

SHARE = 0.6  # of the venue's connect limit that we ever use (FAULTS N7)
PUBLIC_SHARE = 0.1  # ... of which this is for public streams, so that a storm of accounts can't starve them

STRETCH = 1.02  # our window is a little longer than the venue's: what leaves here evenly may arrive closer


class ConnectLimit(msgspec.Struct, frozen=True):
    """So many connections in so many seconds, by address."""

    count: int
    per_s: float


LOOPBACK_LIMIT = ConnectLimit(count=100_000, per_s=60.0)  # our own exchange has no address limit


class ConnectBudget:
    """Slots of a sliding window: no window of `per_s` seconds ever holds more than `count` connections."""

    def __init__(self, limit: ConnectLimit, share: float = 1.0) -> None:
        self._count = max(1, int(limit.count * share))
        self._per_ns = round(limit.per_s * STRETCH * 1e9)
        self._slots: deque[int] = deque(maxlen=self._count)

    def reserve(self, now_ns: int) -> float:
        """Takes the next free slot; answers how many seconds away it is."""
        slot_ns = now_ns
        if len(self._slots) == self._count:
            slot_ns = max(now_ns, self._slots[0] + self._per_ns)
        self._slots.append(slot_ns)
        return (slot_ns - now_ns) / 1e9


class RestPause:
    """Whether REST calls may be made. A 429 or 418 of one account closes it for all of the venue's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns = 0

    def close(self, seconds: float) -> None:
        """Nothing may be sent for so long; a longer pause that runs already stays."""
        self._until_ns = max(self._until_ns, self._clock.monotonic_ns() + round(seconds * 1e9))

    def remaining_s(self) -> float:
        """Seconds until calls are allowed again; 0 when they are."""
        return max(0.0, (self._until_ns - self._clock.monotonic_ns()) / 1e9)


class VenueGate:
    """One per venue and set of endpoints, given to every feed of it."""

    def __init__(self, limit: ConnectLimit, clock: Clock) -> None:
        self.rest = RestPause(clock)
        self.public_connects = ConnectBudget(limit, PUBLIC_SHARE)
        self.private_connects = ConnectBudget(limit, SHARE - PUBLIC_SHARE)
        self.rotation = asyncio.Lock()  # one feed of a venue rotates at a time


class Gates:
    """Finds the gate of an account, making it on first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gates: dict[tuple[object, ...], VenueGate] = {}

    def of(self, account: Account, limit: ConnectLimit) -> VenueGate:
        """The gate that every account of the same venue and endpoints shares."""
        key = market_key(account)
        if key not in self._gates:
            own = account.environment == "loopback"
            self._gates[key] = VenueGate(LOOPBACK_LIMIT if own else limit, self._clock)
        return self._gates[key]


def market_key(account: Account) -> tuple[object, ...]:
    """What accounts have in common when they share a venue's limits and its public streams."""
    return (account.venue, account.environment, tuple(sorted(account.endpoints.items())))
