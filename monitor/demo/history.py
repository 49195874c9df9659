"""What prices did before the demo began: a calm day with one bad hour in it, so that speeds are known.

The hour is half as deep as the one that is played. A daemon at a venue has watched its prices itself.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from adapters.loopback import World
from monitor.demo.path import FALLS, OTHER_FALL, depth
from monitor.domain.event import PriceHistory
from monitor.domain.identity import instrument_id

DAY = 1_440  # minutes
BAD_HOUR = range(360, 420)
SHARE = 0.5  # of the fall that is played
CALM = 0.002  # of a minute, as a share of the fall: 0.03 % where 16 % are lost


def histories(world: World, seed: int, now_ns: int) -> Iterator[PriceHistory]:
    """Of every contract; the same seed, the same prices."""
    for venue, symbol in world.contracts:
        underlying = world.contracts[venue, symbol].underlying
        prices = _prices(FALLS.get(underlying, OTHER_FALL), random.Random(f"{seed} {underlying}"))
        yield PriceHistory(instrument_id(venue, symbol), prices, now_ns)


def _prices(fall: float, rng: random.Random) -> tuple[float, ...]:
    price, found = 1.0, []
    for minute in range(DAY):
        price *= math.exp(rng.gauss(0.0, CALM * fall))
        down = depth(minute - BAD_HOUR.start) if minute in BAD_HOUR else 0.0
        found.append(price * (1 - SHARE * fall * down))
    return tuple(found)
