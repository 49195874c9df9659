"""One order for every list of pools: UNKNOWN first, then band, then distance, then ratio; the worst leads."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import RiskBand
from monitor.domain.turn import BookView
from monitor.sinks.state_record import EVERY_ROW, Rows, StateRecord, margin_ratios

RANK = {band.label: (99 if band is RiskBand.UNKNOWN else int(band)) for band in RiskBand}


def danger_key(record: StateRecord) -> tuple[float, ...]:
    """Sorts records by danger: a known band without a ratio has nothing left, no distance is the safest."""
    distance = math.inf if record.distance_percent is None else record.distance_percent
    ratio = math.inf if record.ratio is None else record.ratio
    return (-RANK.get(record.band, 99), distance, -ratio)


def shown_ratios(view: BookView, rows: Rows = EVERY_ROW) -> npt.NDArray[np.float64]:
    """Ratio of rows as a gauge has it: +inf where nothing is left to divide by, nan where UNKNOWN."""
    ratio = margin_ratios(view, rows)
    ratio[np.isnan(ratio) & (view.band[rows] != RiskBand.UNKNOWN)] = np.inf
    return ratio


def most_dangerous(view: BookView, count: int) -> npt.NDArray[np.intp]:
    """The rows of the `count` pools nearest to liquidation among those whose figures are known."""
    known = np.flatnonzero(view.band != RiskBand.UNKNOWN)
    ratio = shown_ratios(view, known)
    distance = view.distance[known]
    distance = np.where(np.isnan(distance), np.inf, distance)
    return known[np.lexsort((-ratio, distance, -view.band[known]))[:count]]
