"""What the book is told at start: models, limits, and where the levels of a pool come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from monitor.domain.identity import AccountId


class LevelRow(NamedTuple):
    """Where each level is raised and cleared: warning, margin_call, critical, liquidation. 0 in a distance:
    not used."""

    raise_at: tuple[float, float, float, float]
    clear_at: tuple[float, float, float, float]
    distance_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # fractions
    distance_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)


# Compiled code calls the model of every pool by its address and looks at no index: there is always one.
NO_MODELS = ("venue_ratio",)
LevelsFor = Callable[[AccountId, str, str], LevelRow]  # account, desk, model


class BookSettings(NamedTuple):
    """`models` are the names that were compiled, in their order; a pool of another model is unsupported."""

    models: tuple[str, ...]
    levels_for: LevelsFor
    index_gap_limit: float = 0.05
    margin_error_limit: float = 0.02
