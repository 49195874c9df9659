"""A formula, watched while it runs: each number that it names becomes a line of the derivation.

The models are plain Python over any number. Here their own source runs over traced numbers, and Python's
trace hook tells what is bound to which local name: nothing is written a second time that could differ.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec

from monitor.explain.traced import Traced, figure, in_figures, in_names
from monitor.margin import rows

FORMULAS = str(Path(rows.__file__).parent)
TIER_WALK = "step_at"  # of margin.common: which step of a schedule holds
Snapshot = dict[str, Any]


class Line(msgspec.Struct, frozen=True):
    """One number of the derivation: what it is called, how it is made in names and in figures, what it is."""

    section: str  # the position or balance that it belongs to; "" for the pool
    within: str  # the formula that names it, where it is not the model itself
    name: str
    names: str
    figures: str
    value: float


class Watcher:
    """Collects the lines of one run. `headings`: the sections that rows begin, by their identity; `plain`:
    the formula whose numbers are told without its name."""

    def __init__(self, headings: Mapping[int, str], plain: str, section: str = "") -> None:
        self.lines: list[Line] = []
        self._headings = headings
        self._plain = plain
        self._section = section
        self._seen: dict[FrameType, Snapshot] = {}

    def watch(self, formula: Callable[..., Any], *given: Any) -> Any:
        """Runs the formula over traced numbers; afterwards `lines` holds its derivation."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return formula(*given)
        finally:
            sys.settrace(before)

    def name(self, name: str, result: Any) -> None:
        """What the formula answered, where it gave that no name itself."""
        self._bound(self._plain, name, result)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "call" or not is_formula(frame.f_code):
            return None
        self._seen[frame] = dict(frame.f_locals)
        return self._step

    def _step(self, frame: FrameType, event: str, value: Any) -> Any:
        before, now = self._seen[frame], dict(frame.f_locals)
        for name, bound in now.items():
            if before.get(name) is not bound:
                self._bound(frame.f_code.co_name, name, bound)
        self._seen[frame] = now
        if event == "return":
            if frame.f_code.co_name == TIER_WALK:
                self._tier(now, int(value))
            del self._seen[frame]
        return self._step

    def _bound(self, function: str, name: str, bound: Any) -> None:
        heading = self._headings.get(id(bound))
        if heading is not None:
            self._section = heading
        if not isinstance(bound, Traced) or bound.made is None or bound.name:
            return
        words = name.replace("_", " ")
        within = "" if function == self._plain else function.replace("_", " ")
        told = (in_names(bound, inside=True), in_figures(bound, inside=True), float(bound))
        self.lines.append(Line(self._section, within, words, *told))
        bound.name = words

    def _tier(self, found: Mapping[str, Any], row: int) -> None:
        """Which step holds, and why."""
        tiers, first, last = found["tiers"], int(found["first"]), int(found["last"])
        floor = figure(tiers[row].floor)
        why = f"{floor} ≤ {figure(found['value'])}"
        if row + 1 < last:
            why += f" < {figure(tiers[row + 1].floor)}"
        where = f"{row - first + 1} of {last - first}"
        self.lines.append(Line(self._section, "", "tier", where, why, float(row - first + 1)))


def is_formula(code: CodeType) -> bool:
    """Whether the code stands in one of the files of formulas."""
    return code.co_filename.startswith(FORMULAS)
