"""The margin ratio as it is shown. Nothing is decided by it: decisions never divide."""

from __future__ import annotations


def ratio_of(maintenance: float, equity: float) -> float | None:
    """Maintenance over equity, for showing; None when equity is not above zero and something is required."""
    if maintenance <= 0:
        return 0.0
    return maintenance / equity if equity > 0 else None
