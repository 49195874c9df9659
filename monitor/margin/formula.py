"""Marks a function as a formula: compiled inside a loop, plain Python everywhere else.

Importing this imports numba. Commands that assess nothing (`status`, `check-config`) therefore import no
model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])


def formula(function: F) -> F:
    """Lets compiled code call `function`, and returns it untouched for everybody else."""
    register_jitable(function)
    return function
