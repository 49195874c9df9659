"""What lending markets share: an initial margin that says how much may still be borrowed."""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.rows import N


@formula
def initial_for(owed: N, counted: N, borrowable: N) -> N:
    """The initial margin of a debt, such that equity less it is what may still be borrowed: `counted` is the
    collateral as it holds off liquidation (the equity), `borrowable` as it allows to borrow, which is less.
    Below zero nothing may. Nothing owed requires nothing."""
    if owed <= 0:
        return owed * 0
    return owed + (counted - borrowable)
