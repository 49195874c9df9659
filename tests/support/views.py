"""Views of a book for the tests of sinks: any number of pools, every column settable."""

from __future__ import annotations

from typing import Any

import numpy as np

from monitor.clock import Clock, ManualClock
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId, account_id, pool_id
from monitor.domain.turn import BookView, PoolLabel, Turn


def label(number: int, venue: str = "loopback", accounts: int = 10) -> PoolLabel:
    """The label of pool `number`, spread over some accounts."""
    account = account_id(venue, f"account-{number % accounts}")
    return PoolLabel(pool_id(account, f"pool-{number}"), account, venue, "arb", "tiered", "USDT")


def view_of(labels: tuple[PoolLabel, ...], clock: Clock, generation: int = 1, **columns: Any) -> BookView:
    """A view with equity 1000 and maintenance 100 everywhere, but for the columns that are given."""
    size = len(labels)
    now_ns = clock.monotonic_ns()
    defaults: dict[str, tuple[Any, Any]] = {
        "equity": (1000.0, np.float64),
        "initial_margin": (200.0, np.float64),
        "maintenance_margin": (100.0, np.float64),
        "band": (int(RiskBand.CLEAR), np.int64),
        "reasons": (0, np.int64),
        "deficit": (False, np.bool_),
        "margin_error": (np.nan, np.float64),
        "distance": (0.25, np.float64),
        "price_seen_ns": (now_ns - 500_000_000, np.int64),
        "account_seen_ns": (now_ns - 2_000_000_000, np.int64),
        "positions": (1, np.int64),
    }
    arrays = {
        name: np.array(np.broadcast_to(columns.get(name, default), (size,)), dtype=dtype)
        for name, (default, dtype) in defaults.items()
    }
    for array in arrays.values():
        array.flags.writeable = False
    return BookView(generation, clock.wall_ns(), now_ns, labels, **arrays)


def turn_of(view: BookView, removed: tuple[PoolId, ...] = ()) -> Turn:
    """A turn that carries this view and nothing else."""
    return Turn(view.as_of_ns, view.now_ns, None, (), removed, (), len(view.pools), view)


def turn_with(size: int, clock: Clock | None = None, **columns: Any) -> Turn:
    """A turn over `size` pools."""
    return turn_of(view_of(tuple(label(number) for number in range(size)), clock or ManualClock(), **columns))
