"""The only file that knows numba's types: the models that a config uses, each compiled once, and the call
that every loop makes to them.

NUMBA_DISABLE_JIT=1 runs everything as plain Python, for coverage and debugging.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numba import config as numba_config
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from monitor.book.tables import empty_rows
from monitor.margin import rows as row_types
from monitor.margin.formula import ARITHMETIC, INSIDE
from monitor.margin.models import MODELS
from monitor.margin.rows import Book, Requirement

LOOP = ARITHMETIC | {"cache": True}
# Called by loops: nothing of its own on the disk, for the loop around it has it whole.
INNER = INSIDE | {"cache": False}
# What one place calls is written into it: each function that is compiled alone is optimised again in all that
# call it.
INLINE = INNER | {"inline": "always"}
REQUIREMENT = numba.typeof(Requirement(1.0, 1.0, 1.0))


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
    """The models in the order of `names`, for `call_model`: int64, the address of each one compiled."""
    functions = [MODELS[name].assess for name in names]
    if numba_config.DISABLE_JIT:
        return functions
    return np.array([_address(_compiled(function)) for function in functions], dtype=np.int64)


@functools.cache  # for good: what holds its address holds nothing else of it
def _compiled(function: Callable[..., Any]) -> Any:
    signature = REQUIREMENT(types.int64, numba.typeof(empty_book()))
    return njit(signature, **INNER | {"cache": True})(function)


def _address(compiled: Any) -> int:
    (found,) = compiled.overloads.values()
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_func_name))


if numba_config.DISABLE_JIT:

    def call_model(model, pool, book):  # type: ignore[no-untyped-def]
        """One of `compile_models`' answer called: the pool's requirement."""
        return model(pool, book)
else:

    @intrinsic
    def call_model(_typing, model, pool, book):  # type: ignore[no-untyped-def]
        """One of `compile_models`' answer called: the pool's requirement.

        A call by address as compiled code makes it to what it knows. Numba's own lists of functions do the
        same through a C wrapper for each, and are three times the code.
        """

        def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            convention = context.call_conv
            taken = signature.args[1:]
            kind = convention.get_function_type(signature.return_type, taken)
            code = builder.inttoptr(arguments[0], kind.as_pointer())
            called = (builder, code, signature.return_type, taken, arguments[1:])
            status, found = convention.call_function(*called)
            # An index out of bounds, where that is checked.
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return found

        return REQUIREMENT(types.int64, types.int64, book), build


@njit(inline="always", **LOOP)
def assess(models, pool, book):  # type: ignore[no-untyped-def]
    """One pool's requirement; without a balance there is no row that a model could begin with.

    Inlined, because a call that hands the book on costs as much as a small pool.
    """
    account = book.pools[pool]
    if account.balance_first < account.balance_last:
        return call_model(models[account.model], pool, book)  # type: ignore[no-untyped-call]
    if account.position_first < account.position_last:
        return Requirement(math.nan, math.nan, math.nan)
    return Requirement(0.0, 0.0, 0.0)
