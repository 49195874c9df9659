"""The compiled searches of a pool in its pocket: what a message says of it, in one call.

`models` from `compile_models`; `book`, `pocket` as everywhere; what is found is written into the columns that
`solve` hands in. Each leaves the pocket as it was.
"""

from __future__ import annotations

import math

from numba import njit

from monitor.book.bounds import NOBODY_KNOWS, ROUNDING, list_binding
from monitor.book.compiled import INNER, LOOP, assess
from monitor.book.costs import OWN_VALUE
from monitor.book.pocket import fill, list_underlyings, show_only
from monitor.book.search import (
    BANKRUPT,
    CUT,
    MARKET,
    PRICE,
    TOP_UP,
    UNDERLYING,
    Aim,
    amount_walk,
    change,
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
def is_convex_in_prices(convexity, pool, book):  # type: ignore[no-untyped-def]
    """Whether searches of prices may take growing steps for this pool."""
    if convexity != WHERE_CONTINUOUS:
        return convexity >= IN_PRICES
    account = book.pools[pool]
    for row in range(account.position_first, account.position_last):
        instrument = book.instruments[book.positions[row].instrument]
        for step in range(instrument.tier_first + 1, instrument.tier_last):
            before, tier = book.tiers[step - 1], book.tiers[step]
            more = tier.floor * (tier.maintenance_rate - before.maintenance_rate)
            jump = more - (tier.deduction - before.deduction)
            if not (more >= 0 and abs(jump) <= ROUNDING * tier.floor):
                return False
    return True


@njit(**INNER)
def find_moves(models, is_convex, pool, book, pocket, underlyings, lower, upper):  # type: ignore[no-untyped-def]
    """Writes the liquidating factors of each underlying of the pool in the pocket, nan where none."""
    now = excess(models, LIQUIDATION, book, pocket, underlyings)
    for k in range(len(underlyings)):
        lower[k] = upper[k] = 1.0
        if now < 0:
            for side, found in ((-1, lower), (1, upper)):
                walk = price_walk(UNDERLYING, underlyings[k], side, is_convex)
                found[k] = turn(models, walk, now, LIQUIDATION, pool, book, pocket, underlyings)


@njit(**LOOP)
def nearest_moves(models, convexities, rows, book, pocket, room, lower, upper, distance):  # type: ignore[no-untyped-def]
    """Writes into `distance` each row's nearest liquidating move, as a fraction; inf where none."""
    for pool in rows:
        fill(pool, book, pocket)
        count = list_underlyings(book, pocket, room)
        is_convex = is_convex_in_prices(convexities[book.pools[pool].model], pool, book)
        find_moves(models, is_convex, pool, book, pocket, room[:count], lower, upper)
        nearest = math.inf
        for k in range(count):
            if not math.isnan(lower[k]):
                nearest = min(nearest, 1 - lower[k])
            if not math.isnan(upper[k]):
                nearest = min(nearest, upper[k] - 1)
        distance[pool] = nearest


@njit(**INNER)
def find_market_moves(models, is_convex, pool, book, pocket, underlyings, market):  # type: ignore[no-untyped-def]
    """Writes the factors, lower and upper, at which the pool is liquidated when the whole market moves by
    them; nan where none."""
    now = excess(models, LIQUIDATION, book, pocket, underlyings)
    for k in range(2):
        market[k] = 1.0
        if now < 0:
            walk = price_walk(MARKET, 0, 2 * k - 1, is_convex)
            market[k] = turn(models, walk, now, LIQUIDATION, pool, book, pocket, underlyings)


@njit(**INNER)
def find_prices(models, is_convex, aim, pool, book, pocket, underlyings, prices):  # type: ignore[no-untyped-def]
    """Writes the price of each position at which the pool turns, the others held at mark (the venue's
    convention); nan where none. A pool past its aim gets the price that would end that. An option's own
    price ends nothing by itself: its underlying does."""
    now = excess(models, aim, book, pocket, underlyings)
    for k in range(pocket.pools[0].position_last):
        position = pocket.positions[k]
        instrument = book.instruments[position.instrument]
        prices[k] = math.nan
        if instrument.option < 0:
            side = -1 if (position.quantity > 0) == (now < 0) else 1
            # An inverse contract's cost is convex in 1 / price: from the breached side a chord may overshoot.
            may_leap = is_convex and (now < 0 or not instrument.inverse)
            walk = price_walk(PRICE, k, side, may_leap)
            found = turn(models, walk, now, aim, pool, book, pocket, underlyings)
            prices[k] = book.quotes[instrument.mark] * found


@njit(**INNER)
def weigh_legs(models, pool, book, pocket, maintenance_alone, equity_without):  # type: ignore[no-untyped-def]
    """Writes what the pool would require with each position alone, and what it would own without it."""
    count = pocket.pools[0].position_last
    for k in range(count):
        show_only(k, k + 1, pool, book, pocket)
        maintenance_alone[k] = assess(models, 0, pocket).maintenance_margin
    show_only(0, count, pool, book, pocket)
    for k in range(count):
        quantity = pocket.positions[k].quantity
        pocket.positions[k].quantity = 0.0
        equity_without[k] = assess(models, 0, pocket).equity
        pocket.positions[k].quantity = quantity


@njit(**INNER)
def find_rescues(models, is_convex, aim, most, pool, book, pocket, underlyings, adds, cuts):  # type: ignore[no-untyped-def]
    """Least amount in each balance, and least fraction of each position, that brings the pool under its aim;
    nan where none does. A pool that is not past its aim needs none."""
    now = excess(models, aim, book, pocket, underlyings)
    if now < 0:
        return
    for k in range(pocket.pools[0].balance_last):
        far = most / pocket.quotes[book.assets[pocket.balances[k].asset].price]
        walk = amount_walk(TOP_UP, k, far, is_convex)
        adds[k] = turn(models, walk, now, aim, pool, book, pocket, underlyings)
    for k in range(pocket.pools[0].position_last):
        walk = amount_walk(CUT, k, 1.0, is_convex)
        cuts[k] = turn(models, walk, now, aim, pool, book, pocket, underlyings)


@njit(**LOOP)
def survey_pool(models, terms, aim, most, pool, book, pocket, room, moves, legs, adds, market):  # type: ignore[no-untyped-def]
    """All that a message says of a pool, in one call: see Survey. Answers the number of underlyings."""
    fill(pool, book, pocket)
    count = list_underlyings(book, pocket, moves.underlying)
    underlyings = moves.underlying[:count]
    is_convex = is_convex_in_prices(terms.convexity, pool, book)
    find_moves(models, is_convex, pool, book, pocket, underlyings, moves.lower, moves.upper)
    find_market_moves(models, is_convex, pool, book, pocket, underlyings, market)
    find_prices(models, is_convex, LIQUIDATION, pool, book, pocket, underlyings, legs.price)
    find_prices(models, is_convex, BANKRUPTCY, pool, book, pocket, underlyings, legs.bankruptcy)
    weigh_legs(models, pool, book, pocket, legs.maintenance_alone, legs.equity_without)
    if most > 0:
        if terms.bound == OWN_VALUE and aim.distance > 0:
            found = assess(models, 0, pocket)
            binding = list_binding(pool, aim.distance, terms.bound, found, book, room.rise, room.binding)
            if binding != NOBODY_KNOWS:
                underlyings = room.binding[:binding]
        in_amounts = terms.convexity == EVERYWHERE
        find_rescues(models, in_amounts, aim, most, pool, book, pocket, underlyings, adds, legs.cut)
    return count


@njit(**LOOP)
def requirements_after(models, kinds, targets, sizes, pool, book, pocket, equity, maintenance):  # type: ignore[no-untyped-def]
    """The requirement after each of several changes, each on its own."""
    for k in range(len(kinds)):
        fill(pool, book, pocket)
        change(kinds[k], targets[k], sizes[k], pool, book, pocket)
        found = assess(models, 0, pocket)
        equity[k] = found.equity
        maintenance[k] = found.maintenance_margin


@njit(**LOOP)
def requirement_later(models, paid, gone, settled, pool, book, pocket):  # type: ignore[no-untyped-def]
    """The requirement once each balance has received what is `paid` (by line), the positions that are `gone`
    (by place) are no more, and those that are `settled` count from their mark."""
    fill(pool, book, pocket)
    for line in range(pocket.pools[0].balance_last):
        pocket.balances[line].wallet += paid[line]
    for place in range(pocket.pools[0].position_last):
        if gone[place]:
            pocket.positions[place].quantity = 0.0
        if settled[place]:
            instrument = book.instruments[pocket.positions[place].instrument]
            pocket.positions[place].entry_price = pocket.quotes[instrument.mark]
    return assess(models, 0, pocket)
