"""The worst hour of each price: how fast it moved in the wildest sixty minutes that are held.

A speed is the root of the mean square of one-minute returns (of the logarithm). Held are seven days, as the
worst window that ended in each hour of them, so memory is bounded and a wild day is forgotten after a week.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monitor.book.growing import grown

HOUR = 60  # minutes
HELD_HOURS = 168
FEWEST_OF_HOUR = 45  # minutes that must be known of an hour to count as one

Floats = npt.NDArray[np.float64]


class WorstHours:
    """By the row of a price. The newest hour minute by minute, older ones by their worst window."""

    def __init__(self) -> None:
        self._minute = 0  # since ever; says which column is written next
        self._squares: Floats = np.full((16, HOUR), math.nan)
        self._worst: Floats = np.full((16, HELD_HOURS), math.nan)

    def take(self, squares: Floats, minutes: int) -> None:
        """The mean square of a minute over the last `minutes`, by row; nan where a price was not known."""
        self._grow(len(squares))
        rows = slice(0, len(squares))
        for _ in range(min(minutes, HOUR)):
            self._squares[:, self._minute % HOUR] = math.nan
            self._squares[rows, self._minute % HOUR] = squares
            self._minute += 1
            if self._minute % HOUR == 0:
                self._worst[:, self._held] = math.nan
        self._worst[:, self._held] = np.fmax(self._worst[:, self._held], _mean_of_hour(self._squares))

    def take_history(self, row: int, squares: Floats) -> None:
        """The one-minute squares of a price from before it was watched here, oldest first: they count as
        part of the newest hour that is held."""
        self._grow(row + 1)
        squares = squares[-HOUR * HELD_HOURS :]
        if len(squares) >= HOUR:
            windows = np.lib.stride_tricks.sliding_window_view(squares, HOUR)
            worst = np.fmax.reduce(_mean_of_hour(windows))
            self._worst[row, self._held] = np.fmax(self._worst[row, self._held], worst)
        newest = squares[-HOUR:]
        places = (self._minute - len(newest) + np.arange(len(newest))) % HOUR
        self._squares[row, places] = newest

    def mean_square(self, row: int) -> float:
        """Of a minute in the worst hour that is held; nan before an hour was seen."""
        if row >= len(self._worst):
            return math.nan
        return float(np.fmax.reduce(self._worst[row]))

    @property
    def _held(self) -> int:
        return self._minute // HOUR % HELD_HOURS

    def _grow(self, count: int) -> None:
        if count > len(self._squares):
            self._squares = grown(self._squares, count, math.nan)
            self._worst = grown(self._worst, count, math.nan)


def _mean_of_hour(squares: Floats) -> Floats:
    """The mean along the last axis; nan where too few minutes of the hour are known."""
    known = np.isfinite(squares)
    count = known.sum(axis=-1)
    total = np.where(known, squares, 0.0).sum(axis=-1)
    return np.where(count >= FEWEST_OF_HOUR, total / np.maximum(count, 1), math.nan)
