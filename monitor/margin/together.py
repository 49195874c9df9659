"""How much of one contract a pool holds in all: some venues find the tier of a cross position by everything
that is held in the contract, long and short legs of hedge mode added up (OKX, Bitget)."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.margin.formula import formula
from monitor.margin.rows import N, Position


@formula
def held_together(positions: Sequence[Position[N]], first: int, last: int, row: int) -> N:
    """Size of all legs from `first` to `last` in the contract of leg `row`, told once: at the first of them,
    and 0 at the others."""
    instrument = positions[row].instrument
    total = positions[row].quantity * 0
    for other in range(first, last):
        if positions[other].instrument == instrument:
            if other < row:
                return total * 0
            total += abs(positions[other].quantity)
    return total
