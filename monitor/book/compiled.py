"""The only file that knows numba's types: the models that a config uses, compiled once into one list that
every loop takes.

NUMBA_DISABLE_JIT=1 runs everything as plain Python, for coverage and debugging.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numba import config as numba_config
from numba import njit, types
from numba.core.errors import NumbaExperimentalFeatureWarning

from monitor.book.tables import empty_rows
from monitor.margin import rows as row_types
from monitor.margin.models import MODELS
from monitor.margin.rows import Book, Requirement

# Every loop: no bounds check, no lock held, and 1/0 is inf (numba's default error model is 2 to 8 times
# slower).
LOOP = {"nogil": True, "error_model": "numpy", "cache": True}
# What only compiled code calls: no door for Python, which takes a third of all compiling to build (two books
# are a hundred numbers to unpack), and nothing of its own on the disk, for the loop around it has it whole.
INNER = LOOP | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def empty_book() -> Book[float]:
    """A book without rows, of the types that every loop is compiled for."""
    return Book(
        pools=empty_rows(row_types.Pool, 0),
        balances=empty_rows(row_types.Balance, 0),
        positions=empty_rows(row_types.Position, 0),
        instruments=empty_rows(row_types.Instrument, 0),
        options=empty_rows(row_types.Option, 0),
        units=empty_rows(row_types.RiskUnit, 0),
        scenarios=empty_rows(row_types.Scenario, 0),
        assets=empty_rows(row_types.Asset, 0),
        tiers=empty_rows(row_types.Tier, 0),
        quotes=np.zeros(0),  # type: ignore[arg-type]
    )


def compile_models(names: Sequence[str]) -> Any:
    """A list of the models' compiled functions in the order of `names`. Never index it from Python: that
    crashes the interpreter."""
    functions = [MODELS[name].assess for name in names]
    if numba_config.DISABLE_JIT:
        return functions
    warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
    signature = numba.typeof(Requirement(1.0, 1.0, 1.0))(types.int64, numba.typeof(empty_book()))
    compiled = numba.typed.List.empty_list(types.FunctionType(signature))
    add = njit(types.void(numba.typeof(compiled), types.FunctionType(signature)))(_append)
    for function in functions:
        add(compiled, njit(signature, **LOOP)(function))
    return compiled


@njit(inline="always", **LOOP)
def assess(models, pool, book):  # type: ignore[no-untyped-def]
    """One pool's requirement; without a balance there is no row that a model could begin with.

    Inlined, because a call that hands the book on costs as much as a small pool.
    """
    account = book.pools[pool]
    if account.balance_first < account.balance_last:
        return models[account.model](pool, book)
    if account.position_first < account.position_last:
        return Requirement(math.nan, math.nan, math.nan)
    return Requirement(0.0, 0.0, 0.0)


def _append(functions: Any, function: Any) -> None:
    functions.append(function)
