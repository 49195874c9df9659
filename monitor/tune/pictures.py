"""The pictures of the report, as SVG. matplotlib's Figure without pyplot: it keeps nothing and opens no
window."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from monitor.tune.candidates import IN_FORCE
from monitor.tune.outcome import Outcome
from monitor.tune.study import Study

SIZE = (5.6, 3.6)
OTHERS, FORCE, CHOSEN = "#8a94a6", "#c2410c", "#0f766e"


def trade_off(study: Study) -> str:
    """Pages a day against warnings missed: the corner at the lower left is what everybody wants."""
    figure, axes = _figure()
    for outcome in reversed(_in_order(study)):
        axes.plot(outcome.pages_a_day, outcome.missed, **_mark(study, outcome))
    axes.set_xlabel("pages a day")
    axes.set_ylabel(f"warnings missed (no page {study.wanted.lead_minutes:g} min before)")
    axes.set_yticks(range(max((outcome.missed for outcome in study.outcomes), default=0) + 2))
    axes.set_ylim(-0.4, None)
    return _svg(study, figure, axes, "trade-off")


def lead_times(study: Study) -> str:
    """Pages a day against the lead before the worst warned breach, and what is asked for."""
    figure, axes = _figure()
    for outcome in reversed(_in_order(study)):
        worst = outcome.shortest or 0.0
        axes.plot(outcome.pages_a_day, worst, **_mark(study, outcome))
    axes.axhline(study.wanted.lead_minutes, color="#111827", linewidth=0.8, linestyle="--")
    axes.set_yscale("symlog", linthresh=1.0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(0, 1.5 * max(study.wanted.lead_minutes, *(each.shortest or 0.0 for each in study.outcomes)))
    axes.set_xlabel("pages a day")
    axes.set_ylabel("shortest lead before a breach, minutes")
    return _svg(study, figure, axes, "leads")


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.grid(color="#e5e7eb", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _in_order(study: Study) -> Sequence[Outcome]:
    """Those that matter first."""
    return sorted(study.outcomes, key=lambda each: (each.name != study.choice.name, each.name != IN_FORCE))


def _mark(study: Study, outcome: Outcome) -> dict[str, Any]:
    if outcome.name == study.choice.name:
        mark: dict[str, Any] = {"marker": "o", "markersize": 11, "color": CHOSEN}
        mark["label"] = f"recommended: {outcome.name}"
    elif outcome.name == IN_FORCE:
        mark = {"marker": "D", "markersize": 9, "color": FORCE, "label": "in force"}
    else:
        mark = {"marker": "o", "markersize": 5, "color": OTHERS, "alpha": 0.7, "label": "_others"}
    return mark | {"linestyle": "", "clip_on": False}


def _svg(study: Study, figure: Figure, axes: Axes, salt: str) -> str:
    """Without the XML header, so that it can stand inside a page."""
    handles, labels = axes.get_legend_handles_labels()
    named = list(zip(handles, labels, strict=True))[::-1]
    if named:
        figure.legend(*zip(*named, strict=True), loc="outside upper left", frameon=False, fontsize=9)
    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "font.family": "sans-serif"}):
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = out.getvalue()
    return text[text.index("<svg") :]
