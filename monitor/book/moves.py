"""Liquidating moves as they are told: in per cent, in volatilities of a day, and in time.

The time left is the distance (of the logarithm of the price) over the speed: how many minutes it takes if
each goes against the pool as far as a minute moves, in the root of the mean square. Prices seldom do that for
long; in a crash they do, and the mean lags behind it, so nothing slower would be a deadline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes, price_name
from monitor.book.settings import LevelRow
from monitor.book.solve import Survey
from monitor.book.volatility import DAY_MINUTES, MINUTE_NS
from monitor.domain.assessment import Deadline, TimeLeft, TransferRoute, UnderlyingMove


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


FARTHEST_WAY = 0.95  # of the price: no rescue is asked to survive more


class Speeds(NamedTuple):
    """What a minute moves an underlying, a fraction: the greatest of its prices here; None: not known yet."""

    present: float | None = None
    bad_hour: float | None = None


def speeds_of(pool: PlacedPool, placing: Placing, quotes: Quotes) -> dict[str, Speeds]:
    """By the name of the underlying, of all that the pool holds."""
    found: dict[str, Speeds] = {}
    for underlying, name in _prices_of(pool, placing):
        row = quotes.find(name)
        if row is not None:
            volatility, before = quotes.volatility, found.get(underlying, Speeds())
            found[underlying] = Speeds(
                _greater(before.present, volatility.present_speed(row)),
                _greater(before.bad_hour, volatility.bad_hour_speed(row)),
            )
    return found


def _prices_of(pool: PlacedPool, placing: Placing) -> Iterator[tuple[str, str]]:
    """Each underlying with the name of a price that tells how it moves."""
    definitions = placing.definitions
    for leg in pool.legs:
        yield definitions.instruments[leg.instrument].underlying, leg.instrument
    for asset in pool.assets:
        defined = definitions.collateral.get((pool.venue, asset))
        if defined is not None and defined.underlying:
            yield defined.underlying, price_name(pool.venue, asset)


def _greater(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


def in_volatilities(moves: tuple[UnderlyingMove, ...], speeds: Mapping[str, Speeds]) -> float | None:
    """The nearest move in the volatility of a day of its own underlying; None while none is known."""
    left = _soonest(moves, {name: speed.present for name, speed in speeds.items()})
    return None if left is None else left.minutes / math.sqrt(DAY_MINUTES)


def way_of(levels: LevelRow, speeds: Mapping[str, Speeds]) -> float:
    """How far a rescue has to move liquidation away to clear the scales of time and volatility too: the
    greatest speed's way, a fraction; 0 where they are not used or no speed is known."""
    reach = max(levels.minutes_clear[0], math.sqrt(DAY_MINUTES) * levels.volatilities_clear[0])
    fastest = max((speed.present for speed in speeds.values() if speed.present is not None), default=0.0)
    return min(math.expm1(min(reach * fastest, 1.0)), FARTHEST_WAY)


def times_left(
    moves: tuple[UnderlyingMove, ...], speeds: Mapping[str, Speeds]
) -> tuple[TimeLeft | None, TimeLeft | None]:
    """At the present speed and at that of one bad hour; of the moves whose speed is known the soonest."""
    present = {name: speed.present for name, speed in speeds.items()}
    bad_hour = {name: speed.bad_hour for name, speed in speeds.items()}
    return _soonest(moves, present), _soonest(moves, bad_hour)


def _soonest(moves: tuple[UnderlyingMove, ...], speeds: Mapping[str, float | None]) -> TimeLeft | None:
    found = [
        TimeLeft(move.underlying, percent, 100 * speed, abs(math.log1p(percent / 100)) / speed)
        for move in moves
        for percent in (move.lower_percent, move.upper_percent)
        if percent is not None and (speed := speeds.get(move.underlying)) is not None
    ]
    return min(found, key=lambda left: left.minutes, default=None)


def deadlines_of(
    routes: Iterable[TransferRoute], left: tuple[TimeLeft | None, TimeLeft | None], wall_ns: int
) -> tuple[Deadline, ...]:
    """Until when each route may still be taken, the quickest first."""
    latest = [None if one is None else wall_ns + round(one.minutes * MINUTE_NS) for one in left]
    ordered = sorted(routes, key=lambda route: route.takes_s)
    return tuple(Deadline(route, *(_before(at_ns, route) for at_ns in latest)) for route in ordered)


def _before(at_ns: int | None, route: TransferRoute) -> int | None:
    return None if at_ns is None else at_ns - round(route.takes_s * 1e9)
