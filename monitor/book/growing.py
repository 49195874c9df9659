"""Arrays that grow by doubling, so that adding a row stays cheap."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

S = TypeVar("S", bound=np.generic)


def grown(array: npt.NDArray[S], count: int, fill: object) -> npt.NDArray[S]:
    """A copy with room for at least `count` rows; new ones hold `fill`."""
    larger = np.empty((max(count, 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    larger[len(array) :] = fill
    return larger
