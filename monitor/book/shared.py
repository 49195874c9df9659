"""What the tables that pools share come to: found when they change, so that no sweep has to look."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.book.costs import DEDUCTED, GROWTH, JUMPS, STEEPEST

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Shared(NamedTuple):
    """Flaws are 0, or nan where a number of the row, or of what it points at, is no finite one."""

    instrument_flaws: Floats
    asset_flaws: Floats
    each: Floats  # by instrument, of its schedule: greatest rate, sum of jumps, greatest slope and deduction
    # The greatest of each of the first three, infinite where a schedule does not rise: what is charged for a
    # notional follows it no faster.
    steepest: float
    roughest: float
    growth: float


@np.errstate(invalid="ignore")  # what is no number is what is looked for
def shared_of(book: Any) -> Shared:
    """The same for any book of record arrays."""
    each = _extremes(book.instruments, book.tiers)
    steepest, roughest, growth = (float(each[:, k].max(initial=0)) for k in (STEEPEST, JUMPS, GROWTH))
    bad_tiers = _bad(book.tiers)
    bad_units = _bad(book.units) | _any(book.units, "tier", bad_tiers)
    bad_units |= _any(book.units, "scenario", _bad(book.scenarios))
    instruments = _bad(book.instruments) | _any(book.instruments, "tier", bad_tiers)
    # A row of -1 is none, and finds what is appended.
    instruments |= np.append(_bad(book.options), False)[book.instruments["option"]]
    instruments |= np.append(bad_units, False)[book.instruments["unit"]]
    assets = _bad(book.assets) | _any(book.assets, "tier", bad_tiers)
    assets |= _any(book.assets, "liability", bad_tiers)
    return Shared(_flaws(instruments), _flaws(assets), each, steepest, roughest, growth)


def _flaws(bad: Flags) -> Floats:
    return np.where(bad, np.nan, 0.0)


def _bad(table: Any) -> Flags:
    """Which rows hold a number that is not finite."""
    found = np.zeros(len(table), dtype=np.bool_)
    for name in table.dtype.names:
        if table.dtype[name] == np.float64:
            found |= ~np.isfinite(table[name])
    return found


def _any(owners: Any, name: str, bad: Flags) -> Flags:
    """Which owners have a bad one among the rows that they point at."""
    found = np.zeros(len(owners), dtype=np.bool_)
    whose, rows = _spread(owners[f"{name}_first"], owners[f"{name}_last"])
    np.logical_or.at(found, whose, bad[rows])
    return found


def _spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Every row of all these ranges, and before it whose it is."""
    counts = last - first
    whose = np.repeat(np.arange(len(first)), counts)
    return whose, np.arange(len(whose)) + np.repeat(last - np.cumsum(counts), counts)


def _extremes(instruments: Any, tiers: Any) -> Floats:
    each = np.zeros((len(instruments), DEDUCTED + 1))
    whose, rows = _spread(instruments["tier_first"], instruments["tier_last"])
    rates = tiers["maintenance_rate"]
    np.maximum.at(each[:, STEEPEST], whose, np.where(rates >= 0, rates, np.inf)[rows])
    np.maximum.at(each[:, GROWTH], whose, np.abs(tiers["slope"])[rows])
    np.maximum.at(each[:, DEDUCTED], whose, np.abs(tiers["deduction"])[rows])
    is_next = rows > instruments["tier_first"][whose]
    np.add.at(each[:, JUMPS], whose[is_next], _jumps(tiers)[rows[is_next]])
    return each


def _jumps(tiers: Any) -> Floats:
    """By how much each step of a schedule jumps at its floor; infinite where it lies below the one before."""
    floors, rates, deductions = tiers["floor"], tiers["maintenance_rate"], tiers["deduction"]
    jumps = np.zeros(len(tiers))
    jumps[1:] = np.abs(floors[1:] * np.diff(rates) - np.diff(deductions))
    jumps[1:][~(np.diff(floors) >= 0)] = np.inf
    return jumps
