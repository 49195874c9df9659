"""How near is near: the band that the distance to liquidation gives a pool, without solving for the distance.

A pool is near where an underlying that stands a level's distance away, down or up, liquidates it. That is
found by assessing the pool there, in a pocket: twenty assessments for a pool of ten underlyings. Nearly all
pools are far from every level, and the bounds of `book.bounds` prove it for less than one of them. What they
can't exclude is assessed, so the band is the same with and without them.
"""

from __future__ import annotations

from numba import njit

from monitor.book.bounds import NOBODY_KNOWS
from monitor.book.compiled import INLINE, INNER, assess
from monitor.book.pocket import fill, list_underlyings, move_underlying
from monitor.margin.band import CLEAR, is_breached

DISTANCE_LEVELS = 3


@njit(**INLINE)
def distance_band(models, count, band, pool, book, levels, pocket, exposed):  # type: ignore[no-untyped-def]
    """The band by distance: is the pool liquidated where an exposed underlying stands a level's distance
    away? All of its underlyings are looked at when their `count` is not known."""
    row = book.pools[pool].levels
    fill(pool, book, pocket)
    if count == NOBODY_KNOWS:
        count = list_underlyings(pocket.book, exposed)
    mine = exposed[:count]
    band = min(max(band, CLEAR), DISTANCE_LEVELS)
    while band < DISTANCE_LEVELS and is_near(models, levels.distance_raise[row, band], pocket, mine):
        band += 1
    while band > CLEAR and not is_near(models, levels.distance_clear[row, band - 1], pocket, mine):
        band -= 1
    return band


@njit(**INNER)
def is_near(models, distance, pocket, underlyings):  # type: ignore[no-untyped-def]
    """Whether a move of any one underlying by `distance`, down or up, liquidates the pool in the pocket."""
    for underlying in underlyings:
        is_hit = False
        for factor in (1 - distance, 1 + distance):
            is_hit = is_hit or is_liquidated_at(models, underlying, factor, pocket)
        move_underlying(underlying, 1.0, pocket)
        if is_hit:
            return True
    return False


@njit(**INLINE)
def is_liquidated_at(models, underlying, factor, pocket):  # type: ignore[no-untyped-def]
    """Whether the pool in the pocket is liquidated with one underlying at `factor` of its price."""
    move_underlying(underlying, factor, pocket)
    found = assess(models, 0, pocket.book)
    return is_breached(found.maintenance_margin, found.equity, 1.0)
