"""The compiled searches of a pool in its pocket: what a message says of it, in two calls. `nearest_moves`
puts the pool there, and `survey_pool` goes on with it.

`models` from `compile_models`; `book`, `pocket` as everywhere; what is found is written into the columns that
`solve` hands in. Each search leaves the pocket as it was.
"""

from __future__ import annotations

import math

from numba import njit

from monitor.book.bounds import NOBODY_KNOWS, ROUNDING, list_binding
from monitor.book.compiled import INLINE, INNER, LOOP, assess
from monitor.book.costs import OWN_VALUE
from monitor.book.pocket import EVERY, fill, list_underlyings, show_only
from monitor.book.search import (
    BANKRUPT,
    CUT,
    PRICE,
    TOP_UP,
    UNDERLYING,
    Aim,
    amount_walk,
    excess,
    price_walk,
    turn,
)
from monitor.margin.models import Convex

# An enum does not compile.
WHERE_CONTINUOUS, IN_PRICES, EVERYWHERE = (
    int(Convex.WHERE_CONTINUOUS),
    int(Convex.IN_PRICES),
    int(Convex.EVERYWHERE),
)
LIQUIDATION = Aim(1.0, 0.0, False)
BANKRUPTCY = Aim(BANKRUPT, 0.0, False)


@njit(**INNER)
def is_convex_in_prices(convexity, small):  # type: ignore[no-untyped-def]
    """Whether searches of prices may take growing steps for this pool."""
    if convexity != WHERE_CONTINUOUS:
        return convexity >= IN_PRICES
    for k in range(small.pools[0].position_last):
        instrument = small.instruments[small.positions[k].instrument]
        for step in range(instrument.tier_first + 1, instrument.tier_last):
            before, tier = small.tiers[step - 1], small.tiers[step]
            more = tier.floor * (tier.maintenance_rate - before.maintenance_rate)
            jump = more - (tier.deduction - before.deduction)
            if not (more >= 0 and abs(jump) <= ROUNDING * tier.floor):
                return False
    return True


@njit(**INLINE)
def find_moves(models, is_convex, pocket, underlyings, lower, upper):  # type: ignore[no-untyped-def]
    """Writes the liquidating factors of each underlying of the pool in the pocket, nan where none."""
    now = excess(models, LIQUIDATION, pocket, underlyings)
    for k in range(len(underlyings)):
        lower[k] = upper[k] = 1.0
        if now < 0:
            for side, found in ((-1, lower), (1, upper)):
                walk = price_walk(UNDERLYING, underlyings[k], side, is_convex)
                found[k] = turn(models, walk, now, LIQUIDATION, pocket, underlyings)


@njit(**LOOP)
def nearest_moves(models, convexities, rows, book, pocket, room, lower, upper, distance):  # type: ignore[no-untyped-def]
    """Writes into `distance` the nearest liquidating move of each of `rows`, as a fraction; inf where none.
    The last one stays in the pocket, its moves in `room`, `lower` and `upper`; answers how many."""
    count = 0
    for k in range(len(rows)):
        pool = rows[k]
        fill(pool, book, pocket)
        count = list_underlyings(pocket.book, room)
        is_convex = is_convex_in_prices(convexities[book.pools[pool].model], pocket.book)
        find_moves(models, is_convex, pocket, room[:count], lower, upper)
        nearest = math.inf
        for move in range(count):
            if not math.isnan(lower[move]):
                nearest = min(nearest, 1 - lower[move])
            if not math.isnan(upper[move]):
                nearest = min(nearest, upper[move] - 1)
        distance[k] = nearest
    return count


@njit(**INLINE)
def find_market_moves(models, is_convex, pocket, underlyings, market):  # type: ignore[no-untyped-def]
    """Writes the factors, lower and upper, at which the pool is liquidated when the whole market moves by
    them; nan where none."""
    now = excess(models, LIQUIDATION, pocket, underlyings)
    for k in range(2):
        market[k] = 1.0
        if now < 0:
            walk = price_walk(UNDERLYING, EVERY, 2 * k - 1, is_convex)
            market[k] = turn(models, walk, now, LIQUIDATION, pocket, underlyings)


@njit(**INNER)
def find_prices(models, is_convex, aim, pocket, underlyings, prices):  # type: ignore[no-untyped-def]
    """Writes the price of each position at which the pool turns, the others held at mark (the venue's
    convention); nan where none. A pool past its aim gets the price that would end that. An option's own
    price ends nothing by itself: its underlying does."""
    now = excess(models, aim, pocket, underlyings)
    small = pocket.book
    for k in range(small.pools[0].position_last):
        position = small.positions[k]
        instrument = small.instruments[position.instrument]
        prices[k] = math.nan
        if instrument.option < 0:
            side = -1 if (position.quantity > 0) == (now < 0) else 1
            # An inverse contract's cost is convex in 1 / price: from the breached side a chord may overshoot.
            may_leap = is_convex and (now < 0 or not instrument.inverse)
            walk = price_walk(PRICE, k, side, may_leap)
            found = turn(models, walk, now, aim, pocket, underlyings)
            prices[k] = pocket.quotes[instrument.mark] * found


@njit(**INLINE)
def weigh_legs(models, pocket, maintenance_alone, equity_without):  # type: ignore[no-untyped-def]
    """Writes what the pool would require with each position alone, and what it would own without it."""
    small = pocket.book
    first, count = small.pools[0].position_first, small.pools[0].position_last
    for k in range(count):
        show_only(k, k + 1, pocket)
        maintenance_alone[k] = assess(models, 0, small).maintenance_margin
    show_only(first, count, pocket)
    for k in range(count):
        small.positions[k].quantity = 0.0
        equity_without[k] = assess(models, 0, small).equity
        small.positions[k].quantity = pocket.positions[k].quantity


@njit(**INLINE)
def find_rescues(models, is_convex, aim, most, pocket, underlyings, adds, cuts):  # type: ignore[no-untyped-def]
    """Least amount in each balance, and least fraction of each position, that brings the pool under its aim;
    nan where none does. A pool that is not past its aim needs none."""
    now = excess(models, aim, pocket, underlyings)
    if now < 0:
        return
    small = pocket.book
    for k in range(small.pools[0].balance_last):
        far = most / small.quotes[small.assets[small.balances[k].asset].price]
        walk = amount_walk(TOP_UP, k, far, is_convex)
        adds[k] = turn(models, walk, now, aim, pocket, underlyings)
    for k in range(small.pools[0].position_last):
        walk = amount_walk(CUT, k, 1.0, is_convex)
        cuts[k] = turn(models, walk, now, aim, pocket, underlyings)


@njit(**LOOP)
def survey_pool(models, terms, aim, most, pocket, room, underlyings, legs, adds, market):  # type: ignore[no-untyped-def]
    """What else a message says of the pool in the pocket, whose underlyings are these: see Survey."""
    is_convex = is_convex_in_prices(terms.convexity, pocket.book)
    find_market_moves(models, is_convex, pocket, underlyings, market)
    find_prices(models, is_convex, LIQUIDATION, pocket, underlyings, legs.price)
    find_prices(models, is_convex, BANKRUPTCY, pocket, underlyings, legs.bankruptcy)
    weigh_legs(models, pocket, legs.maintenance_alone, legs.equity_without)
    if most > 0:
        if terms.bound == OWN_VALUE and aim.distance > 0:
            found = assess(models, 0, pocket.book)
            binding = list_binding(aim.distance, terms.bound, found, pocket.book, room)
            if binding != NOBODY_KNOWS:
                underlyings = room.exposed[:binding]
        in_amounts = terms.convexity == EVERYWHERE
        find_rescues(models, in_amounts, aim, most, pocket, underlyings, adds, legs.cut)
