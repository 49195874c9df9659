"""What the book is told at start: models, limits, and where the levels of a pool come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from monitor.domain.identity import AccountId


class LevelRow(NamedTuple):
    """Where each level is raised and cleared: warning, margin_call, critical, liquidation. 0 in any but the
    ratios: not used."""

    raise_at: tuple[float, float, float, float]
    clear_at: tuple[float, float, float, float]
    distance_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # fractions
    distance_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    minutes_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # to liquidation, at the present speed
    minutes_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    volatilities_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of a day
    volatilities_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    funding_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # what is coming, of the headroom
    funding_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    depeg_raise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # from 1, of a stablecoin
    depeg_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    dead_band: float = 0.0  # minutes at the present speed that a cleared level stays away from


# Compiled code calls the model of every pool by its address and looks at no index: there is always one.
NO_MODELS = ("venue_ratio",)
LevelsFor = Callable[[AccountId, str, str, str], LevelRow]  # account, desk, model, name of the pool


class BookSettings(NamedTuple):
    """`models` are the names that were compiled, in their order; a pool of another model is unsupported."""

    models: tuple[str, ...]
    levels_for: LevelsFor
    index_gap_limit: float = 0.05
    margin_error_limit: float = 0.02
    uses_beside: bool = False  # whether any level is on a scale of `book.beside`, so that it is compiled
