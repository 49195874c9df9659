"""[history]: whether evaluations and decisions are kept, for how long, and how much of them."""

from __future__ import annotations

import msgspec


class History(msgspec.Struct, frozen=True):
    """[history]: what `margind why` and `margind tune` read; no alert depends on it."""

    enabled: bool = True
    keep_days: float = 30.0
    most_mb: int = 512  # on the disk; the oldest goes first
