"""What a venue changed of its own rules while we watched: the margin tiers of a contract, the schedule by
which collateral counts. Seen because the definitions are read again each hour, and told for an hour.
"""

from __future__ import annotations

from itertools import zip_longest

from monitor.book.definitions import Definitions
from monitor.book.placing import PlacedPool
from monitor.domain.event import Instruments
from monitor.domain.identity import symbol_of
from monitor.domain.instrument import MarginTier, TierSchedule

TOLD_NS = 3_600_000_000_000
NAMED = 3
Key = tuple[str, str]  # a venue's asset, or "" and an instrument


class RuleChanges:
    """What changed, in words, and until when that is news."""

    def __init__(self) -> None:
        self._changes: dict[Key, tuple[str, int]] = {}

    def note(self, event: Instruments, held: Definitions) -> set[Key]:
        """Compares new definitions with the ones that are held; answers what changed. A first definition is
        no change."""
        found: dict[Key, str] = {}
        for instrument in event.instruments:
            before = held.instruments.get(instrument.id)
            if before is not None and before.tiers.tiers != instrument.tiers.tiers:
                found["", instrument.id] = _words(symbol_of(instrument.id), before.tiers, instrument.tiers)
        for asset in event.assets:
            known = held.collateral.get((event.venue, asset.asset))
            if known is not None and _tiers(known.tiers) != _tiers(asset.tiers):
                found[event.venue, asset.asset] = _words(asset.asset, known.tiers, asset.tiers)
        until_ns = event.received_ns + TOLD_NS
        self._changes |= {key: (words, until_ns) for key, words in found.items()}
        return set(found)

    def ended(self, now_ns: int) -> set[Key]:
        """What is no news any more; forgotten."""
        old = {key for key, (_, until_ns) in self._changes.items() if now_ns >= until_ns}
        for key in old:
            del self._changes[key]
        return old

    def of(self, pool: PlacedPool) -> str:
        """What changed for a pool; nothing for most."""
        if not self._changes:
            return ""
        told = [self._changes[key][0] for key in keys_of(pool) if key in self._changes]
        more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
        return "; ".join(told[:NAMED]) + more


def keys_of(pool: PlacedPool) -> list[Key]:
    """What a pool's margin is computed by, each once."""
    held: list[Key] = [*(("", leg.instrument) for leg in pool.legs), *((pool.venue, a) for a in pool.assets)]
    return list(dict.fromkeys(held))


def _tiers(schedule: TierSchedule | None) -> tuple[MarginTier, ...]:
    return () if schedule is None else schedule.tiers


def _words(name: str, before: TierSchedule | None, after: TierSchedule | None) -> str:
    """The first tier that is another one: `BTCUSDT tier 1: from 0 rate 0.004, now from 0 rate 0.005`."""
    pairs = enumerate(zip_longest(_tiers(before), _tiers(after)), 1)
    number, (old, new) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return f"{name} tier {number}: {_tier_words(old)}, now {_tier_words(new)}"


def _tier_words(tier: MarginTier | None) -> str:
    if tier is None:
        return "none"
    return f"from {tier.floor.normalize():f} rate {tier.maintenance_rate.normalize():f}"
