"""MARGIN 11, cross: the sum over positions, each as in isolated margin, against one wallet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.oracles import bitmex_isolated
from tests.support.small_market import Figures, Line, SmallPool


def assess(pool: SmallPool) -> Figures:
    """Each position with an empty wallet of its own, and the wallet without positions, put together."""
    (line,) = pool.lines
    lines = [replace(line, legs=()), *(Line(line.coin, Decimal(0), (leg,)) for leg in line.legs)]
    parts = [bitmex_isolated.assess(SmallPool("bitmex_isolated", (one,))) for one in lines]
    return Figures(
        sum((part.equity for part in parts), Decimal(0)),
        sum((part.initial_margin for part in parts), Decimal(0)),
        sum((part.maintenance_margin for part in parts), Decimal(0)),
        sum((part.terms for part in parts), Decimal(0)),
    )
