"""How much each price moves: an exponentially weighted mean of squared one-minute returns, half-life an hour.

Told as a volatility of a day, a fraction: distance to liquidation is shown in it as well as in per cent. Its
root is the present speed: what a usual minute of now moves. Beside it the speed of the worst hour held.
Nothing is told before ten returns were seen, of one bad hour before an hour was: absent data, absent figure.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monitor.book.growing import grown
from monitor.book.speed import WorstHours

MINUTE_NS = 60_000_000_000
DAY_MINUTES = 1_440
KEPT = 0.5 ** (1 / 60)  # of a weight, after a minute
FEWEST = 10  # returns

Floats = npt.NDArray[np.float64]


class Volatility:
    """By the row of a price."""

    def __init__(self) -> None:
        self._due_ns = 0
        self._taken_ns = 0
        self._last: Floats = np.full(16, math.nan)
        self._sum: Floats = np.zeros(16)
        self._weight: Floats = np.zeros(16)
        self._count: npt.NDArray[np.int64] = np.zeros(16, dtype=np.int64)
        self._hours = WorstHours()

    def sample(self, values: Floats, now_ns: int) -> None:
        """Takes all prices in, once a minute; what has no price gives no return. A longer pause counts as its
        own length: a return of five minutes is worth a fifth of its square."""
        if now_ns < self._due_ns:
            return
        minutes = max(1.0, (now_ns - self._taken_ns) / MINUTE_NS)
        self._due_ns, self._taken_ns = now_ns + MINUTE_NS, now_ns
        self._grow(len(values))
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = np.log(values / self._last[: len(values)]) ** 2 / minutes
        rows = np.flatnonzero(np.isfinite(squares))
        self._sum[rows] = KEPT * self._sum[rows] + (1 - KEPT) * squares[rows]
        self._weight[rows] = KEPT * self._weight[rows] + (1 - KEPT)
        self._count[rows] += 1
        self._last[: len(values)] = values
        self._hours.take(np.where(np.isfinite(squares), squares, math.nan), round(min(minutes, DAY_MINUTES)))

    def take_history(self, row: int, prices: Floats) -> None:
        """Prices a minute apart from before this one was watched here, oldest first. What was watched for
        long enough is believed over it."""
        self._grow(row + 1)
        if self._count[row] >= FEWEST:
            return
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = np.diff(np.log(prices)) ** 2
        squares = np.where(np.isfinite(squares), squares, math.nan)
        self._hours.take_history(row, squares)
        known = np.isfinite(squares)
        weights = (1 - KEPT) * KEPT ** np.arange(len(squares))[::-1]
        self._sum[row] = weights[known] @ squares[known]
        self._weight[row] = weights[known].sum()
        self._count[row] = known.sum()

    def of_a_day(self, row: int) -> float | None:
        """The volatility of a day; None before enough was seen, and where nothing moved."""
        speed = self.present_speed(row)
        return None if speed is None else speed * math.sqrt(DAY_MINUTES)

    def present_speed(self, row: int) -> float | None:
        """What a minute of now moves, a fraction: the root of the mean; None before enough was seen, and
        where nothing moved."""
        if row >= len(self._last) or self._count[row] < FEWEST or self._sum[row] <= 0:
            return None
        return math.sqrt(float(self._sum[row] / self._weight[row]))

    def present_speeds(self, count: int) -> Floats:
        """The present speed of the first `count` rows at once; nan where it is not known."""
        self._grow(count)
        rows = slice(0, count)
        known = (self._count[rows] >= FEWEST) & (self._sum[rows] > 0)
        squares = self._sum[rows] / np.where(known, self._weight[rows], 1.0)
        return np.where(known, np.sqrt(squares), math.nan)

    def bad_hour_speed(self, row: int) -> float | None:
        """What a minute of the worst hour held moved; None before an hour was seen."""
        found = self._hours.mean_square(row)
        return math.sqrt(found) if found > 0 else None

    def _grow(self, count: int) -> None:
        if count > len(self._last):
            self._last = grown(self._last, count, math.nan)
            self._sum = grown(self._sum, count, 0.0)
            self._weight = grown(self._weight, count, 0.0)
            self._count = grown(self._count, count, 0)
