"""Liquidating moves as they are told: in per cent, and in volatilities of a day."""

from __future__ import annotations

import math

from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.solve import Survey
from monitor.domain.assessment import UnderlyingMove


def percent_of(factor: float) -> float | None:
    """A factor of a price as a move; None for none."""
    return None if math.isnan(factor) else 100 * (float(factor) - 1)


def moves_of(survey: Survey, placing: Placing) -> tuple[UnderlyingMove, ...]:
    """The moves that a survey found, by the name of the underlying."""
    names = {number: name for name, number in placing.definitions.underlyings.items()}
    found = zip(*survey.moves, strict=True)
    return tuple(
        UnderlyingMove(names[int(u)], percent_of(lower), percent_of(upper)) for u, lower, upper in found
    )


def in_volatilities(
    pool: PlacedPool, moves: tuple[UnderlyingMove, ...], placing: Placing, quotes: Quotes
) -> float | None:
    """The nearest move in the volatility of its own underlying, the greatest of its instruments here; None
    while none is known."""
    greatest: dict[str, float] = {}
    for leg in pool.legs:
        row = quotes.find(leg.instrument)
        told = None if row is None else quotes.volatility.of_a_day(row)
        underlying = placing.definitions.instruments[leg.instrument].underlying
        if told is not None:
            greatest[underlying] = max(told, greatest.get(underlying, 0.0))
    found = [
        abs(math.log1p(percent / 100)) / greatest[move.underlying]
        for move in moves
        for percent in (move.lower_percent, move.upper_percent)
        if percent is not None and move.underlying in greatest
    ]
    return min(found, default=None)
