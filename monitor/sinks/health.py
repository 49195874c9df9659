"""Whether the daemon lives and whether it is ready, as an answer with its reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from monitor.domain.assessment import RiskBand
from monitor.domain.turn import BookView

OLDEST_TURN_S = 10.0
LONGEST_LIST = 50


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of /healthz and /readyz."""

    ok: bool
    reason: str
    last_turn_age_s: float | None = None
    pools: int | None = None
    unknown: int | None = None
    missing: tuple[str, ...] = ()  # accounts without a verdict, the first of them


def liveness(view: BookView | None, now_ns: int) -> Health:
    """Alive: the newest turn is younger than 10 s."""
    if view is None:
        return Health(False, "no turn yet")
    age_s = round((now_ns - view.now_ns) / 1e9, 3)
    if age_s >= OLDEST_TURN_S:
        return Health(False, f"the newest turn is older than {OLDEST_TURN_S:.0f} s", age_s)
    return Health(True, "turning", age_s)


def readiness(view: BookView | None, now_ns: int, accounts: Sequence[str]) -> Health:
    """Ready: alive, and every account has a verdict; UNKNOWN is one."""
    alive = liveness(view, now_ns)
    if view is None or not alive.ok:
        return alive
    judged = {label.account for label in view.pools}
    missing = tuple(account for account in accounts if account not in judged)
    unknown = int(np.count_nonzero(view.band == RiskBand.UNKNOWN))
    counts = (alive.last_turn_age_s, len(view.pools), unknown)
    if missing:
        return Health(False, f"{len(missing)} accounts have no verdict yet", *counts, missing[:LONGEST_LIST])
    return Health(True, "every account has a verdict", *counts)
