"""The bands that a track would have had at other levels: the product's own functions, hysteresis and all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.settings import LevelRow
from monitor.margin.band import CLEAR, LIQUIDATION, UNKNOWN, next_band
from monitor.tune.tracks import Floats, Ints, Track

DISTANCE_LEVELS = 3


def bands_of(track: Track, levels: LevelRow) -> Ints:
    """One band a row; UNKNOWN where it was."""
    rows = track.rows
    known: npt.NDArray[np.bool_] = rows["band"] != UNKNOWN
    figures = (rows["maintenance"].astype(np.float64), rows["equity"].astype(np.float64), track.distance)
    tables = (levels.raise_at, levels.clear_at, levels.distance_raise, levels.distance_clear)
    found: Ints = _bands(known, *figures, *(np.array(table) for table in tables))
    return found


def distance_band(band: int, distance: float, raise_at: Floats, clear_at: Floats) -> int:
    """As `monitor.book.near` decides by assessing at a level's distance, from the distance itself. One that
    is not known is never near."""
    band = min(max(band, CLEAR), DISTANCE_LEVELS)
    while band < DISTANCE_LEVELS and distance <= raise_at[band]:
        band += 1
    while band > CLEAR and not distance <= clear_at[band - 1]:
        band -= 1
    return band


_distance_band = njit(error_model="numpy")(distance_band)


@njit(error_model="numpy")
def _bands(known, maintenance, equity, distance, raise_at, clear_at, distance_raise, distance_clear):  # type: ignore[no-untyped-def]
    """As the sweep of the book: the worse of both scales, and both go on from the last that was known."""
    found = np.full(len(known), UNKNOWN, np.int64)
    last = CLEAR
    for row in range(len(known)):
        if not known[row]:
            continue
        band = next_band(last, maintenance[row], equity[row], 0, raise_at, clear_at)
        if distance_raise[0] > 0 and maintenance[row] > 0 and CLEAR <= band < LIQUIDATION:
            band = max(band, _distance_band(last, distance[row], distance_raise, distance_clear))
        if band >= CLEAR:
            last = band
        found[row] = band
    return found
