"""Options for tests of their worth: what Black-76 reads of one, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from monitor.margin.rows import Instrument, Option


class Case(NamedTuple):
    """One option at one price, as written."""

    forward: Decimal
    strike: Decimal
    side: int
    volatility: Decimal
    years: Decimal


def terms(strike: Any, side: int) -> Option[Any]:
    """Terms that only Black-76 reads."""
    return Option(strike, side, 0, 0, 0, *[strike * 0] * 4)


def instrument(*, inverse: bool) -> Instrument[Any]:
    """An option's instrument, priced in the coin or in the quote currency."""
    nothing = Decimal(0)
    return Instrument(0, 0, nothing + 1, nothing, 0, 0, int(inverse), 0, -1, 0, 0, 0, *[nothing] * 4)
