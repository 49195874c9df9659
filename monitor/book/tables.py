"""The row types as numpy record arrays: the dtype is derived from the dataclass, so the two can't drift
apart."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import numpy as np

Rows: TypeAlias = Any  # a np.recarray of one row type; numpy's stubs know its fields no better


def dtype_of(row: type) -> np.dtype[np.void]:
    """int fields become int64, numbers float64."""
    kinds = [
        (field.name, np.int64 if field.type == "int" else np.float64) for field in dataclasses.fields(row)
    ]
    return np.dtype(kinds, align=True)


def empty_rows(row: type, count: int) -> Rows:
    """`count` rows of zeros."""
    return np.zeros(count, dtype_of(row)).view(np.recarray)
