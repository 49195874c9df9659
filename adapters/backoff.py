"""How long to wait before trying again: exponential, capped, full jitter, so that not all knock at once."""

from __future__ import annotations

import random

FIRST_S = 0.25
LONGEST_S = 6.0  # after a call that is lost (8 s), and every account is to be fresh in 15 s (FAULTS T6)


class Backoff:
    """Counts failures in a row; `rng` is injected, so that a seeded run waits the same."""

    def __init__(self, rng: random.Random, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._rng = rng
        self._first_s = first_s
        self._longest_s = longest_s
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now: anywhere between 0 and a ceiling that doubles each time."""
        pause_s = self._rng.uniform(0, self._ceiling_s)
        self._ceiling_s = min(2 * self._ceiling_s, self._longest_s)
        return pause_s

    def reset(self) -> None:
        """It worked: the next failure starts small again."""
        self._ceiling_s = self._first_s
