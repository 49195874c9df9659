"""How near a pool is on the scale of its own prices' speed: the bands by time to liquidation and by distance
in volatilities, and the band that moves within a dead-band would still give.

A scale asks whether an underlying that moves as far as `reach` minutes at its present speed take it, down or
up, liquidates the pool: the model says so at those prices. An underlying whose speed is not known is silent.
Types: `rows` int64 pool rows; `speeds` float64 by quote row, nan where not known; `tables` a ReachTables;
`levels` a sweep.LevelTables; `near`, `held` int64 bands by pool row, read and written.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import INLINE, INNER, LOOP, assess
from monitor.book.near import DISTANCE_LEVELS, is_liquidated_at
from monitor.book.pocket import fill, list_underlyings, move_underlying
from monitor.margin.band import CLEAR, LIQUIDATION, is_breached

FARTHEST = 9.0  # of the logarithm of a price: no move is looked at beyond
RATIO_LEVELS = 4
SCALES = 2  # minutes, and volatilities of a day as the minutes that they take


class ReachTables(NamedTuple):
    """By row of levels, in minutes at the present speed; 0 where not used."""

    raised: npt.NDArray[np.float64]  # [levels, scale, 3]
    cleared: npt.NDArray[np.float64]
    dead_band: npt.NDArray[np.float64]  # [levels]


@njit(**LOOP)
def reach_bands(models, rows, book, speeds, tables, levels, pocket, underlyings, near, held):  # type: ignore[no-untyped-def]
    """Writes for each of `rows` the band by reach, and the one that a move within the dead-band gives."""
    for pool in rows:
        row = book.pools[pool].levels
        fill(pool, book, pocket)
        mine = underlyings[: list_underlyings(pocket.book, underlyings)]
        last, worst = near[pool], CLEAR
        for scale in range(SCALES):
            if tables.raised[row, scale, 0] > 0:
                raised, cleared = tables.raised[row, scale], tables.cleared[row, scale]
                worst = max(worst, _band(models, last, raised, cleared, pocket, mine, speeds))
        near[pool] = worst
        held[pool] = CLEAR
        if tables.dead_band[row] > 0:
            held[pool] = _held(models, tables.dead_band[row], row, levels, pocket, mine, speeds)


@njit(**INLINE)
def _band(models, band, raised, cleared, pocket, underlyings, speeds):  # type: ignore[no-untyped-def]
    while band < DISTANCE_LEVELS and _is_in_reach(models, raised[band], pocket, underlyings, speeds):
        band += 1
    while band > CLEAR and not _is_in_reach(models, cleared[band - 1], pocket, underlyings, speeds):
        band -= 1
    return band


@njit(**INNER)
def _is_in_reach(models, reach, pocket, underlyings, speeds):  # type: ignore[no-untyped-def]
    """Whether any one underlying liquidates the pool where it may stand after so many minutes."""
    found = False
    for underlying in underlyings:
        far = min(reach * speed_of(underlying, pocket, speeds), FARTHEST)
        if far > 0:
            found = found or is_liquidated_at(models, underlying, math.exp(-far), pocket)
            found = found or is_liquidated_at(models, underlying, math.exp(far), pocket)
            move_underlying(underlying, 1.0, pocket)
    return found


@njit(**INNER)
def _held(models, dead_band, row, levels, pocket, underlyings, speeds):  # type: ignore[no-untyped-def]
    """The worst band that a move of any one underlying within the dead-band would raise."""
    band = CLEAR
    for underlying in underlyings:
        far = min(dead_band * speed_of(underlying, pocket, speeds), FARTHEST)
        if far > 0:
            for factor in (math.exp(-far), math.exp(far)):
                band = max(band, _band_at(models, underlying, factor, row, levels, pocket))
            move_underlying(underlying, 1.0, pocket)
    return band


@njit(**INNER)
def _band_at(models, underlying, factor, row, levels, pocket):  # type: ignore[no-untyped-def]
    """The band of the pool with one underlying at `factor` of its price, by ratio and by distance from
    there."""
    move_underlying(underlying, factor, pocket)
    found = assess(models, 0, pocket.book)
    band, first = CLEAR, RATIO_LEVELS * row
    while band < LIQUIDATION and is_breached(
        found.maintenance_margin, found.equity, levels.raise_at[first + band]
    ):
        band += 1
    near = CLEAR
    while near < DISTANCE_LEVELS and levels.distance_raise[row, near] > 0:
        distance = levels.distance_raise[row, near]
        is_hit = is_liquidated_at(models, underlying, factor * (1 - distance), pocket)
        if not (is_hit or is_liquidated_at(models, underlying, factor * (1 + distance), pocket)):
            break
        near += 1
    return max(band, near)


@njit(**INNER)
def speed_of(underlying, pocket, speeds):  # type: ignore[no-untyped-def]
    """The greatest speed of the prices that follow an underlying in this pool; 0 where none is known."""
    small, found = pocket.book, 0.0
    for k in range(small.pools[0].position_last):
        instrument = small.instruments[small.positions[k].instrument]
        if instrument.underlying == underlying and speeds[instrument.mark] > found:
            found = speeds[instrument.mark]
    for k in range(small.pools[0].balance_last):
        asset = small.assets[small.balances[k].asset]
        if asset.underlying == underlying and speeds[asset.price] > found:
            found = speeds[asset.price]
    return found
