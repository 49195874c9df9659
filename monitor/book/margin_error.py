"""How far our figures are from the venue's, at the venue's own marks. The honest test of every model, on
every reconcile."""

from __future__ import annotations

import math

NOTIONAL_FLOOR = 1e-4  # dust: a requirement below this share of notional is compared with that instead


def relative_error(ours: float, venues: float | None, notional: float) -> float:
    """|ours - venue's| over max(venue's, 1e-4 of notional); 0 when both are nothing, nan when the venue
    tells none."""
    if venues is None:
        return math.nan
    scale = max(abs(venues), NOTIONAL_FLOOR * notional)
    if scale == 0:
        return 0.0 if ours == 0 else math.inf
    return abs(ours - venues) / scale
