"""What whoever is on duty asks and says: what is open, who has it, what not to be told. It is on the disk
before it is answered, unless the disk fails, which is paged."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence

from alerts.alert import Ack, AlertKey, Condition, Incident
from alerts.canary import Tested
from alerts.incidents import Incidents
from alerts.ledger import Ledger
from alerts.listing import Listing, listing
from alerts.silences import Silence, Silences, silence_of
from monitor.clock import Clock
from monitor.domain.identity import PoolId


class Duty:
    """Over the incidents and silences of the running alerts."""

    def __init__(
        self,
        incidents: Incidents,
        silences: Silences,
        ledger: Ledger,
        clock: Clock,
        longest_s: Callable[[], float],
        on_ack: Callable[[Ack], None] = lambda _: None,
        canary: Callable[[], Awaitable[Sequence[Tested]]] | None = None,
    ) -> None:
        self._incidents = incidents
        self._silences = silences
        self._ledger = ledger
        self._clock = clock
        self._longest_s = longest_s
        self._on_ack = on_ack
        self._canary = canary

    @property
    def hides_critical(self) -> bool:
        """Whether a silence hides what is critical too."""
        return self._silences.may_hide_critical

    async def canary(self) -> Sequence[Tested]:
        """A test through every receiver, now; answers how each took it."""
        return () if self._canary is None else await self._canary()

    def listing(self) -> Listing:
        """What is open, what a silence keeps from being told, and the silences."""
        return listing(self._incidents, self._silences, self._clock.wall_ns())

    def ack(self, key: AlertKey) -> Ack | None:
        """Who has what is open of this key."""
        return self._incidents.ack(key)

    @property
    def open(self) -> tuple[Incident, ...]:
        """What is open now."""
        return self._incidents.open

    def incident(self, key: AlertKey) -> Incident | None:
        """What is open of this key."""
        return next((incident for incident in self._incidents.open if incident.key == key), None)

    def incident_of(self, pool: PoolId) -> int:
        """The number of its open incident of margin; 0 where none is open."""
        key = AlertKey(pool, Condition.MARGIN)
        return next((incident.number for incident in self._incidents.open if incident.key == key), 0)

    async def acknowledge(self, pool: PoolId, condition: Condition | None, author: str) -> tuple[Ack, ...]:
        """Somebody has what is open of the pool, one condition of it or all; answers what that is. Nothing
        where nothing is open."""
        wall_ns = self._clock.wall_ns()
        keys = [AlertKey(pool, each) for each in Condition if condition in (None, each)]
        acks = [self._incidents.acknowledge(key, author, wall_ns) for key in keys]
        found = tuple(ack for ack in acks if ack is not None)
        for ack in found:
            await self._ledger.keep_ack(ack)
            self._on_ack(ack)
        return found

    async def silence(self, matchers: Sequence[str], author: str, reason: str, seconds: float) -> Silence:
        """Hides what fits all matchers, from now on for so long; raises BadSilence."""
        words = (secrets.token_hex(4), matchers, author, reason, seconds)
        longest_s, wall_ns = self._longest_s(), self._clock.wall_ns()
        return await self._put(silence_of(*words, longest_s=longest_s, wall_ns=wall_ns))

    async def unsilence(self, id_: str) -> Silence | None:
        """Ends a silence now; None where none of that id lasts."""
        ended = self._silences.ended(id_, self._clock.wall_ns())
        return None if ended is None else await self._put(ended)

    async def _put(self, silence: Silence) -> Silence:
        self._silences.put(silence)
        await self._ledger.keep_silence(silence)
        return silence
