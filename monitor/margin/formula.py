"""Marks a function as a formula: compiled inside a loop, plain Python everywhere else.

Importing this imports numba. Commands that assess nothing (`status`, `check-config`) therefore import no
model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])

# How all compiled code counts: no bounds check, no lock held, 1/0 is inf (numba's default error model is 2 to
# 8 times slower), and nobody counts who holds an array: whoever calls holds them all, nothing compiled makes
# one, and counting is a tenth of all compiling.
ARITHMETIC = {"nogil": True, "error_model": "numpy", "_nrt": False}
# What only compiled code calls: no door for Python or C, which takes a third of all compiling to build (a
# book is seventy numbers to unpack). The same for all, as numba compiles a formula anew for other callers.
INSIDE = ARITHMETIC | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def formula(function: F) -> F:
    """Lets compiled code call `function`, and returns it untouched for everybody else."""
    register_jitable(**INSIDE)(function)
    return function
