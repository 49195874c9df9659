"""The last hour of a pool as a small picture: its margin ratio, the levels, and gaps where nothing was known.

No text of anybody else's is drawn. matplotlib's Figure is used without pyplot, which keeps what it draws, and
is imported when it is first wanted: that takes a second, of a thread that nobody waits for.
"""

from __future__ import annotations

import io

import numpy as np

from alerts.aids import Levels
from alerts.trend import Hour

WIDTH_IN, HEIGHT_IN, DPI = 5.6, 1.9, 100
PLACE = (0.085, 0.215, 0.9, 0.75)  # of the axes: left, bottom, width, height
HOUR_MIN = 60
FEWEST = 2  # points that make a line
TALLEST = 3.0  # a ratio beyond leaves the picture
NAMES = ("warning", "margin call", "critical", "liquidation")
COLOURS = ("#d9a400", "#e07000", "#cc2222", "#000000")
LINE, UNKNOWN = "#1f4e9c", "#dddddd"


def is_worth(hour: Hour) -> bool:
    """Whether there is anything to see."""
    return int(np.isfinite(hour.ratios).sum()) >= FEWEST


def png_of(hour: Hour, levels: Levels) -> bytes:
    """The picture. May take a second the first time: call it in a thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes(PLACE)
    minutes = hour.seconds / 60
    known = hour.ratios[np.isfinite(hour.ratios)]
    axes.set_xlim(-HOUR_MIN, 0)
    axes.set_ylim(0, min(max(1.1, 1.1 * float(known.max(initial=0.0))), TALLEST))
    for begin, end in gaps(hour):
        axes.axvspan(begin / 60, end / 60, color=UNKNOWN, linewidth=0)
    for level, name, colour in zip(levels, NAMES, COLOURS, strict=False):
        axes.axhline(level, color=colour, linewidth=0.8, linestyle="--")
        axes.text(-HOUR_MIN + 0.5, level, name, color=colour, fontsize=6, verticalalignment="bottom")
    axes.plot(minutes, hour.ratios, color=LINE, linewidth=1.6, marker=".", markersize=2)
    axes.set_xlabel("minutes ago; grey: not known", fontsize=7)
    axes.set_ylabel("margin ratio", fontsize=7)
    axes.set_xticks(range(-HOUR_MIN, 1, 10), [str(-at) for at in range(-HOUR_MIN, 1, 10)])
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    canvas.print_png(drawn)  # type: ignore[no-untyped-call]
    return drawn.getvalue()


def gaps(hour: Hour) -> list[tuple[float, float]]:
    """From when to when, in seconds, nothing was known between two samples that were taken."""
    found: list[tuple[float, float]] = []
    for at in range(len(hour.ratios)):
        if np.isfinite(hour.ratios[at]):
            continue
        begin = float(hour.seconds[max(at - 1, 0)])
        end = float(hour.seconds[min(at + 1, len(hour.seconds) - 1)])
        if found and begin <= found[-1][1]:
            begin = found.pop()[0]
        found.append((begin, end))
    return found


def with_now(hour: Hour, ratio: float | None) -> Hour:
    """What a page says is so now stands at the end of its picture."""
    last = np.nan if ratio is None else ratio
    return Hour(np.append(hour.seconds, 0.0), np.append(hour.ratios, np.float32(last)))
