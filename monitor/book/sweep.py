"""The hot loop: assesses the given pools, bands included, and answers which of them changed.

Types: `models` from `compile_models`; `bounds` from `bounds_of`; `rows` int64 pool rows; `shared` from
`shared_of`; `quote_reasons` int64 a quote; `levels` a LevelTables; `figures` from `empty_figures`; `pocket`
from `pocket_for`; `scratch` from `scratch_for`; `crossed` int64 with room for all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.bounds import NOBODY_KNOWS, NONE, ROUNDING, is_far, list_exposed
from monitor.book.compiled import INLINE, LOOP, call_model
from monitor.book.near import distance_band
from monitor.book.settings import LevelRow
from monitor.margin.band import LIQUIDATION, UNKNOWN, is_finite, next_band
from monitor.margin.rows import Requirement

IMPLAUSIBLE = 8  # domain.assessment.Reason; an enum does not compile
NOTHING = Requirement(0.0, 0.0, 0.0)  # of a pool without a balance: no row that a model could begin with
RATIO_LEVELS = 4
FIGURES = np.dtype(
    [
        ("equity", np.float64),
        ("initial_margin", np.float64),
        ("maintenance_margin", np.float64),
        ("band", np.int64),
        ("last_band", np.int64),  # the last one that was known: hysteresis goes on from here after UNKNOWN
        ("reasons", np.int64),
        ("deficit", np.int64),
        ("beside", np.int64),  # the band by the scales of `book.beside`
        ("held", np.int64),  # the band that a move within the dead-band gives: a level is not cleared into it
    ],
    align=True,
)


class LevelTables(NamedTuple):
    """Levels: ratios flat, four a row; distances float64[:, 3] as fractions, 0 where not used."""

    raise_at: npt.NDArray[np.float64]
    clear_at: npt.NDArray[np.float64]
    distance_raise: npt.NDArray[np.float64]
    distance_clear: npt.NDArray[np.float64]
    farthest: npt.NDArray[np.float64]  # the greatest of a row's distances


def level_tables(rows: Sequence[LevelRow]) -> LevelTables:
    """The tables of these rows."""
    return LevelTables(
        np.array([row.raise_at for row in rows], dtype=np.float64).ravel(),
        np.array([row.clear_at for row in rows], dtype=np.float64).ravel(),
        np.array([row.distance_raise for row in rows], dtype=np.float64).reshape(-1, 3),
        np.array([row.distance_clear for row in rows], dtype=np.float64).reshape(-1, 3),
        np.array([max(row.distance_raise + row.distance_clear) for row in rows], dtype=np.float64),
    )


def empty_figures(count: int) -> Any:
    """Figures of pools that were never assessed: UNKNOWN."""
    figures = np.zeros(count, FIGURES).view(np.recarray)
    figures["band"] = UNKNOWN
    return figures


@njit(**LOOP)
def sweep(models, bounds, rows, book, shared, quote_reasons, levels, figures, pocket, scratch, crossed):  # type: ignore[no-untyped-def]
    """Assesses `rows`, writes `figures`, puts those whose band, reasons or deficit changed into `crossed`;
    answers how many.

    What is no finite number is IMPLAUSIBLE where nothing else explains the pool yet. The steps stand here in
    full: a call that hands the book on costs as much as a small pool.
    """
    count = 0
    for pool in rows:
        account = book.pools[pool]
        holds = account.balance_first < account.balance_last
        found = call_model(models[account.model], pool, book) if holds else NOTHING  # type: ignore[no-untyped-call]
        reasons, probe = inputs(pool, book, shared, quote_reasons)
        probe += found.equity + found.initial_margin + found.maintenance_margin
        if reasons == 0 and not is_finite(probe):
            reasons = IMPLAUSIBLE
        figure = figures[pool]
        figure.equity, figure.initial_margin, figure.maintenance_margin = found
        band, deficit = UNKNOWN, 0
        if reasons == 0:
            last, maintenance = figure.last_band, found.maintenance_margin
            ratios = RATIO_LEVELS * account.levels
            band = next_band(last, maintenance, found.equity, ratios, levels.raise_at, levels.clear_at)
            if levels.distance_raise[account.levels, 0] > 0 and maintenance > 0 and band < LIQUIDATION:
                many = count_exposed(bounds, found, pool, book, levels, shared, scratch)
                if many != 0:
                    near = distance_band(models, many, last, pool, book, levels, pocket, scratch.exposed)
                    band = max(band, near)  # the worse; both go on from the last: one band, one hysteresis
            band = max(band, figure.beside, min(last, figure.held))
            figure.last_band = band
            deficit = 1 if found.equity < 0 and maintenance <= 0 else 0
        if band != figure.band or reasons != figure.reasons or deficit != figure.deficit:
            figure.band, figure.reasons, figure.deficit = band, reasons, deficit
            crossed[count] = pool
            count += 1
    return count


@njit(**INLINE)
def count_exposed(bounds, found, pool, book, levels, shared, scratch):  # type: ignore[no-untyped-def]
    """How many underlyings, listed in `scratch`, may liquidate the pool within its farthest level."""
    account = book.pools[pool]
    bound = bounds[account.model]
    if bound == NONE:
        return NOBODY_KNOWS
    far = levels.farthest[account.levels]
    left = found.equity - found.maintenance_margin
    left -= ROUNDING * (abs(found.equity) + found.maintenance_margin)
    if is_far(pool, far, bound, shared, left, book):
        return 0
    return list_exposed(account, far, bound, left, book, scratch)


@njit(**INLINE)
def inputs(pool, book, shared, quote_reasons):  # type: ignore[no-untyped-def]
    """Why the pool can't be assessed, and the sum of all numbers in its own rows and prices: NaN in any of
    them, or in the terms of what it holds, is NaN here."""
    account = book.pools[pool]
    reasons = account.reasons
    probe = account.told_equity + account.told_maintenance + account.threshold
    if account.balance_first == account.balance_last and account.position_first < account.position_last:
        probe = math.nan  # positions whose profit nobody receives
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        price = asset.price
        reasons |= quote_reasons[price]
        if asset.average != price:
            reasons |= quote_reasons[asset.average]
            probe += book.quotes[asset.average]
        probe += balance.wallet + balance.borrowed + balance.order_loss + book.quotes[price]
        probe += shared.asset_flaws[balance.asset]
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = instrument.mark
        reasons |= quote_reasons[mark]
        probe += position.quantity + position.entry_price + position.leverage + book.quotes[mark]
        probe += position.bids + position.asks + shared.instrument_flaws[position.instrument]
        reasons |= quote_reasons[instrument.funding]
        probe += book.quotes[instrument.funding]
        if instrument.index != mark or instrument.option >= 0 or instrument.unit >= 0:
            also, sum_of_them = inputs_beside(instrument, book, quote_reasons)
            reasons |= also
            probe += sum_of_them
    return reasons, probe


@njit(**INLINE)
def inputs_beside(instrument, book, quote_reasons):  # type: ignore[no-untyped-def]
    """The same of what an instrument has beside its mark: its index, an option's measured terms, the index
    and the expiry that its risk unit reads."""
    reasons, probe = quote_reasons[instrument.index], book.quotes[instrument.index]
    if instrument.option >= 0:
        option = book.options[instrument.option]
        reasons |= (
            quote_reasons[option.forward] | quote_reasons[option.volatility] | quote_reasons[option.years]
        )
        probe += book.quotes[option.forward] + book.quotes[option.volatility] + book.quotes[option.years]
    if instrument.unit >= 0:
        index = book.units[instrument.unit].index
        reasons |= quote_reasons[index] | quote_reasons[instrument.years]
        probe += book.quotes[index] + book.quotes[instrument.years]
    return reasons, probe


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
