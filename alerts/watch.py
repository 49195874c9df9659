"""What is remembered of something that may have to be told."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.alert import Level


@dataclass(slots=True)
class Watch:
    """One key that is open, or that wants to be."""

    desk: str
    detail: str
    wanted: Level | None  # None: nothing can be said now, so what is open stays as it is
    due_ns: int = 0  # a raise waits until then
    better_since_ns: int | None = None
    worst_since_better: Level = Level.CLEAR
    hidden_as: tuple[object, Level] | None = None  # by which version of what holds back, at which level
    hidden_until_ns: int = 0  # wall clock
    step_ns: int | None = 0  # wall clock: when nobody has answered for too long; 0: not looked up yet
    restored: bool = False  # its first evaluation after a restart is told at once, also if it is better
