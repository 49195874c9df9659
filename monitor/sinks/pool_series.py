"""Five series for each pool, for those who ask: our own writer, the library's takes ten times as long.

Label strings are rendered once for each list of pools, the values at each scrape, in the scrape's thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from monitor.domain.assessment import RiskBand
from monitor.domain.turn import BookView, PoolLabel
from monitor.sinks.danger import shown_ratios

Column = npt.NDArray[np.float64]
SERIES: tuple[tuple[str, str, Callable[[BookView], Column]], ...] = (
    ("margind_pool_band", "Band: -1 UNKNOWN, 0 clear to 4 liquidation.", lambda v: v.band.astype(np.float64)),
    (
        "margind_pool_margin_ratio",
        "Maintenance margin / equity; 1 is liquidation.",
        shown_ratios,
    ),
    ("margind_pool_equity", "Equity in the pool's own unit.", lambda v: _known(v, v.equity)),
    (
        "margind_pool_maintenance_margin",
        "Maintenance margin in the pool's own unit.",
        lambda v: _known(v, v.maintenance_margin),
    ),
    (
        "margind_pool_distance_ratio",
        "Nearest liquidating move, as a fraction.",
        lambda v: _known(v, v.distance),
    ),
)


class PoolSeries:
    """Renders the text of a view; keeps the label strings while the list of pools stays the same."""

    def __init__(self) -> None:
        self._pools: tuple[PoolLabel, ...] = ()
        self._labels: list[str] = []

    def render(self, view: BookView) -> bytes:
        """The exposition text. A pool that is UNKNOWN has NaN, never the last good number."""
        if view.pools is not self._pools:
            self._labels = [_label_text(label) for label in view.pools]
            self._pools = view.pools
        lines: list[str] = []
        for name, text, column in SERIES:
            lines += (f"# HELP {name} {text}", f"# TYPE {name} gauge")
            values = column(view).tolist()
            lines += [
                f"{name}{label} {_number(value)}" for label, value in zip(self._labels, values, strict=True)
            ]
        lines.append("")
        return "\n".join(lines).encode()


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value).replace("inf", "Inf")  # "Inf" and "-Inf", as Prometheus reads them


def _known(view: BookView, column: Column) -> Column:
    return np.where(view.band == RiskBand.UNKNOWN, np.nan, column)


def _label_text(label: PoolLabel) -> str:
    pairs = (
        ("pool", label.id),
        ("account", label.account),
        ("venue", label.venue),
        ("desk", label.desk),
        ("unit", label.unit),
    )
    return "{" + ",".join(f'{name}="{_escaped(word)}"' for name, word in pairs) + "}"


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
