"""The hot loop: assesses the given pools, bands included, and answers which of them changed.

Types: `models` from `compile_models`; `rows` int64 pool rows; `quote_reasons` int64 a quote; `levels` a
LevelTables;
`figures` from `empty_figures`; `pocket` from `pocket_for`; `crossed` int64 with room for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import LOOP
from monitor.book.pocket import fill, move_underlying
from monitor.book.settings import LevelRow
from monitor.margin.band import CLEAR, UNKNOWN, is_breached, is_finite, next_band

IMPLAUSIBLE = 8  # domain.assessment.Reason; an enum does not compile
RATIO_LEVELS = 4
DISTANCE_LEVELS = 3
FIGURES = np.dtype(
    [
        ("equity", np.float64),
        ("initial_margin", np.float64),
        ("maintenance_margin", np.float64),
        ("band", np.int64),
        ("last_band", np.int64),  # the last one that was known: hysteresis goes on from here after UNKNOWN
        ("reasons", np.int64),
        ("deficit", np.int64),
    ],
    align=True,
)


class LevelTables(NamedTuple):
    """Levels: ratios flat, four a row; distances float64[:, 3] as fractions, 0 where not used."""

    raise_at: npt.NDArray[np.float64]
    clear_at: npt.NDArray[np.float64]
    distance_raise: npt.NDArray[np.float64]
    distance_clear: npt.NDArray[np.float64]


def level_tables(rows: Sequence[LevelRow]) -> LevelTables:
    """The tables of these rows."""
    return LevelTables(
        np.array([row.raise_at for row in rows], dtype=np.float64).ravel(),
        np.array([row.clear_at for row in rows], dtype=np.float64).ravel(),
        np.array([row.distance_raise for row in rows], dtype=np.float64).reshape(-1, 3),
        np.array([row.distance_clear for row in rows], dtype=np.float64).reshape(-1, 3),
    )


def empty_figures(count: int) -> Any:
    """Figures of pools that were never assessed: UNKNOWN."""
    figures = np.zeros(count, FIGURES).view(np.recarray)
    figures["band"] = UNKNOWN
    return figures


@njit(**LOOP)
def sweep(models, rows, book, quote_reasons, levels, figures, pocket, crossed):  # type: ignore[no-untyped-def]
    """Assesses `rows`, writes `figures`, puts the rows whose band, reasons or deficit changed into
    `crossed`; answers how many."""
    count = 0
    for pool in rows:
        account = book.pools[pool]
        found = models[account.model](pool, book)
        reasons, probe = inputs(pool, book, quote_reasons)
        total = found.equity + found.initial_margin + found.maintenance_margin + probe
        if reasons == 0 and not is_finite(total):
            reasons = IMPLAUSIBLE
        figure = figures[pool]
        figure.equity = found.equity
        figure.initial_margin = found.initial_margin
        figure.maintenance_margin = found.maintenance_margin
        band = UNKNOWN
        deficit = 0
        if reasons == 0:
            row = account.levels
            band = next_band(
                figure.last_band,
                found.maintenance_margin,
                found.equity,
                RATIO_LEVELS * row,
                levels.raise_at,
                levels.clear_at,
            )
            if levels.distance_raise[row, 0] > 0:
                near = distance_band(models, figure.last_band, pool, book, pocket, levels)
                band = max(band, near)
            figure.last_band = band
            deficit = 1 if found.equity < 0 and found.maintenance_margin <= 0 else 0
        if band != figure.band or reasons != figure.reasons or deficit != figure.deficit:
            figure.band = band
            figure.reasons = reasons
            figure.deficit = deficit
            crossed[count] = pool
            count += 1
    return count


@njit(**LOOP)
def inputs(pool, book, quote_reasons):  # type: ignore[no-untyped-def]
    """Why the pool can't be assessed, and the sum of every number that its rows hold: NaN in any of them is
    NaN here."""
    account = book.pools[pool]
    reasons = account.reasons
    probe = 0.0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        reasons |= quote_reasons[asset.price]
        probe += balance.wallet + balance.borrowed + balance.order_loss
        probe += asset.bid_buffer + asset.ask_buffer + book.quotes[asset.price]
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        reasons |= quote_reasons[instrument.mark]
        probe += position.quantity + position.entry_price + position.leverage
        probe += instrument.multiplier + instrument.taker_fee + book.quotes[instrument.mark]
    return reasons, probe


@njit(**LOOP)
def distance_band(models, band, pool, book, pocket, levels):  # type: ignore[no-untyped-def]
    """The band by distance: whether the pool is liquidated where an underlying stands a level's distance
    away."""
    row = book.pools[pool].levels
    fill(pool, book, pocket)
    band = min(max(band, CLEAR), DISTANCE_LEVELS)
    while band < DISTANCE_LEVELS and is_near(models, levels.distance_raise[row, band], book, pocket):
        band += 1
    while band > CLEAR and not is_near(models, levels.distance_clear[row, band - 1], book, pocket):
        band -= 1
    return band


@njit(**LOOP)
def is_near(models, distance, book, pocket):  # type: ignore[no-untyped-def]
    """Whether a move of any one underlying by `distance`, down or up, liquidates the pool in the pocket."""
    for k in range(pocket.pools[0].position_last):
        underlying = book.instruments[pocket.positions[k].instrument].underlying
        if is_liquidated_after(models, underlying, 1 - distance, book, pocket):
            return True
        if is_liquidated_after(models, underlying, 1 + distance, book, pocket):
            return True
    for k in range(pocket.pools[0].balance_last):
        underlying = book.assets[pocket.balances[k].asset].underlying
        if underlying >= 0 and is_liquidated_after(models, underlying, 1 - distance, book, pocket):
            return True
    return False


@njit(**LOOP)
def is_liquidated_after(models, underlying, factor, book, pocket):  # type: ignore[no-untyped-def]
    """Whether the pool in the pocket is liquidated with one underlying at `factor` of its price; the price
    is given back."""
    move_underlying(underlying, factor, book, pocket)
    found = models[pocket.pools[0].model](0, pocket)
    move_underlying(underlying, 1.0, book, pocket)
    return is_breached(found.maintenance_margin, found.equity, 1.0)


@njit(**LOOP)
def oldest_marks(rows, book, seen_ns, oldest_ns):  # type: ignore[no-untyped-def]
    """Writes for each of `rows` when the oldest mark that it reads was seen; 0 where it reads none."""
    for k in range(len(rows)):
        account = book.pools[rows[k]]
        found = 0
        for row in range(account.position_first, account.position_last):
            seen = seen_ns[book.instruments[book.positions[row].instrument].mark]
            if found == 0 or seen < found:
                found = seen
        oldest_ns[k] = found
