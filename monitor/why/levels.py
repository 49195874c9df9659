"""The levels of a pool in words: where each comes from, and how far a figure is from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.book.settings import LevelRow
from monitor.config import RATIO_LEVELS, Threshold
from monitor.domain.assessment import RiskBand
from monitor.history.records import Pool, Settings
from monitor.thresholds import OFFLINE, SHIPPED, row_for, takes, weight


def row_of(pool: Pool, settings: Settings) -> LevelRow:
    """Where each level of the pool was raised and cleared."""
    name = pool.id.rsplit("/", 1)[1]
    hold_minutes = settings.alerts.resolve_after_s / 60
    return row_for(settings.thresholds, pool.account, pool.desk, pool.model, name, hold_minutes)


def origin_of(pool: Pool, thresholds: Iterable[Threshold], key: str) -> str:
    """Which entry gives `ratio`, `distance` or `hysteresis` to the pool."""
    name = pool.id.rsplit("/", 1)[1]
    matching = [t for t in thresholds if takes(t, pool.account, pool.desk, pool.model, name)]
    for threshold in sorted(matching, key=weight, reverse=True):
        if getattr(threshold, key) is not None:
            return f"[[thresholds]] of {_match(threshold)}"
    if key == "hysteresis":
        return "the default"
    known = pool.model in SHIPPED or pool.model in OFFLINE
    return f"what ships for the model {pool.model}" if known else "the default"


def _match(threshold: Threshold) -> str:
    keys = ("pool", "account", "desk", "model")
    given = [f"{key} {getattr(threshold, key)}" for key in keys if getattr(threshold, key) is not None]
    return ", ".join(given) or "everything"


def crossed_by(row: LevelRow, band: int, ratio: float | None, distance: float) -> list[str]:
    """Which scale says this band, with the figure beside the level."""
    found = []
    level = row.raise_at[band - 1]
    if ratio is None or ratio >= level:
        words = "no equity is left" if ratio is None else f"margin ratio {ratio:.4f}"
        found.append(f"{words}: at or past {level:g}")
    if band <= len(row.distance_raise) and distance <= row.distance_raise[band - 1]:
        found.append(f"distance {_percent(distance)}: at or under {_percent(row.distance_raise[band - 1])}")
    return found


def clears(row: LevelRow, band: int) -> str:
    """What it has to come back to."""
    words = f"ratio under {row.clear_at[band - 1]:.4g}"
    if band <= len(row.distance_clear) and row.distance_clear[band - 1] > 0:
        words += f" and distance over {_percent(row.distance_clear[band - 1])}"
    return words


def how_far(pool: Pool, settings: Settings, band: int, ratio: float | None, distance: float) -> Iterator[str]:
    """From the next worse level, on each scale."""
    row, thresholds = row_of(pool, settings), settings.thresholds
    place = max(band, 0)
    if place >= len(row.raise_at):
        return
    name = RiskBand(place + 1).label
    if ratio is not None:
        level = row.raise_at[place]
        origin = origin_of(pool, thresholds, "ratio") if place < len(RATIO_LEVELS) else "liquidation"
        yield f"margin ratio {ratio:.4f} is {level - ratio:.4f} under {name} at {level:g} ({origin})"
    if place < len(row.distance_raise) and row.distance_raise[place] > 0:
        level, origin = row.distance_raise[place], origin_of(pool, thresholds, "distance")
        yield f"distance {_percent(distance)} against {name} at {_percent(level)} ({origin})"


def _percent(fraction: float) -> str:
    if fraction != fraction:
        return "not solved yet"
    return "none: no move liquidates" if fraction == float("inf") else f"{100 * fraction:.4g} %"
