"""A pool as it lies in the columns: its row, what is in it, and which prices it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.domain.assessment import Reason
from monitor.domain.event import PoolFact, PositionFact
from monitor.domain.identity import AccountId, PoolId
from monitor.margin.models import MODELS

NO_POOL = PoolFact("", "", "")


@dataclass(slots=True)
class PlacedPool:
    """A pool and its row. `legs` and `assets` say what lies in its position and balance rows, in their
    order; of a pool on the venue's word the legs are only known, for no price of theirs is needed."""

    row: int
    id: PoolId
    account: AccountId
    venue: str
    desk: str
    name: str
    fact: PoolFact = NO_POOL
    own_reasons: int = int(Reason.PARTIAL)
    missing: str = ""
    assets: tuple[str, ...] = ()
    legs: tuple[PositionFact, ...] = ()
    reads: frozenset[int] = field(default_factory=frozenset)
    accrues: bool = False  # a balance of it grows with time alone
    placed_ns: int = 0  # as of when its balances were written, wall clock

    @property
    def is_told(self) -> bool:
        """Whether its figures are the venue's word."""
        return is_told(self.fact)


def is_told(fact: PoolFact) -> bool:
    """Whether a pool's model takes the venue's word."""
    return fact.model in MODELS and MODELS[fact.model].is_told
