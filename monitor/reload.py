"""SIGHUP: the config is read again and taken whole, or not at all.

Levels, receivers, routes, escalations and times change in a running daemon. What is watched and where it is
kept does not: a restart is silent and takes seconds, and half a change of accounts would be worse than none.
"""

from __future__ import annotations

from monitor.config import Config
from monitor.config_problem import ConfigError

FIXED = (
    "daemon",
    "store",
    "metrics",
    "heartbeat",
    "commands",
    "history",
    "accounts",
    "deleverage",
    "hooks",
)


class ReloadRefused(Exception):
    """The new config is not taken; says why, in one line."""


def checked(running: Config, fresh: Config) -> Config:
    """The new config, if a running daemon can take it; raises ReloadRefused naming what needs a restart."""
    moved = [name for name in FIXED if getattr(running, name) != getattr(fresh, name)]
    if moved:
        raise ReloadRefused(f"a change of {' and '.join(moved)} needs a restart")
    return fresh


def words(error: Exception) -> str:
    """What was wrong, on one line."""
    if isinstance(error, ConfigError):
        return "; ".join(error.lines())
    return str(error)
