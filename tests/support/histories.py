"""Histories for tests: kept by the real keeper, flushed by hand, in virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from monitor.clock import ManualClock
from monitor.config import Alerts, Config, Daemon, Threshold
from monitor.config_history import History
from monitor.domain.identity import AccountId, PoolId
from monitor.domain.turn import BookView, PoolLabel, PoolState
from monitor.history.keeper import HistoryKeeper
from monitor.names import Metrics
from tests.support.views import turn_of, view_of

SECOND_NS = 1_000_000_000
ALPHA = PoolId("binance_usdm/alpha/cross-USDT")


def a_label(pool: str, desk: str = "basis", model: str = "tiered") -> PoolLabel:
    """The label of a pool of this id."""
    venue, account, _ = pool.split("/", 2)
    return PoolLabel(PoolId(pool), AccountId(f"{venue}/{account}"), venue, desk, model, "USDT")


class Kept:
    """A keeper over a folder, and the time."""

    def __init__(self, folder: Path, labels: Iterable[PoolLabel] = (a_label(ALPHA),), **config: Any) -> None:
        self.folder, self.clock, self.metrics = folder, ManualClock(), Metrics()
        self.labels = tuple(labels)
        self.config = a_kept_config(folder, **config)
        self.keeper = HistoryKeeper(self.config, self.clock, self.metrics)

    def view(self, generation: int = 1, **columns: Any) -> BookView:
        """A view of now."""
        return view_of(self.labels, self.clock, generation, **columns)

    def saw(
        self,
        *states: PoolState,
        removed: tuple[PoolId, ...] = (),
        after_s: float = 1.0,
        flush: bool = True,
        **columns: Any,
    ) -> None:
        """A turn some time later, and a flush behind it."""
        self.clock.advance_s(after_s)
        turn = turn_of(self.view(**columns), removed)
        self.keeper.offer(msgspec.structs.replace(turn, changed=states))
        if flush:
            self.keeper.flush()


def a_kept_config(
    folder: Path, history: History | None = None, thresholds: tuple[Threshold, ...] = (), **alerts: Any
) -> Config:
    """Without accounts: the keeper asks for none."""
    times, kept = Alerts(**alerts), history or History()
    return Config(Daemon(str(folder)), (), (), (), thresholds=thresholds, alerts=times, history=kept)
