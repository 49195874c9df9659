"""The venue's own word by another way: what is short of it and what is left over add up to it."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Figures, SmallPool


def assess(pool: SmallPool) -> Figures:
    """Headroom told twice: as equity less the requirement, and the requirement as equity less headroom."""
    equity, maintenance = pool.told
    headroom = equity - maintenance
    return Figures(
        equity=headroom + maintenance,
        initial_margin=Decimal(0),
        maintenance_margin=equity - headroom,
        terms=abs(equity) + abs(maintenance),
    )
