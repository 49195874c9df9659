"""The row types as numpy record arrays: the dtype is derived from the dataclass, so the two can't drift
apart."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias, TypeVar

import numpy as np

KINDS = {"int": np.int64, "Place": np.uint64, "N": np.float64}
Row = TypeVar("Row")
Rows: TypeAlias = Any  # a np.recarray of one row type; numpy's stubs know its fields no better


def dtype_of(row: type) -> np.dtype[np.void]:
    """int fields become int64, places uint64, numbers float64."""
    return np.dtype([(field.name, KINDS[str(field.type)]) for field in dataclasses.fields(row)], align=True)


def empty_rows(row: type, count: int) -> Rows:
    """`count` rows of zeros."""
    return np.zeros(count, dtype_of(row)).view(np.recarray)


def row_of(kind: type[Row], table: Rows, place: int) -> Row:
    """One row as its plain type: Python reads a field of a record ten times slower."""
    return kind(*table.item(place))
