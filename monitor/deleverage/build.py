"""Puts the parts of deleveraging together for a daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alerts.alert import Condition, own_key
from monitor.book.live_book import LiveBook
from monitor.clock import Clock
from monitor.config import Config
from monitor.config_deleverage import Deleverage
from monitor.deleverage.asked import Asked
from monitor.deleverage.fence import Fence
from monitor.deleverage.history import History
from monitor.deleverage.hooks import hooks_of, stream_key
from monitor.deleverage.moment import Known
from monitor.deleverage.pages import Pages
from monitor.deleverage.results import Results
from monitor.deleverage.service import Deleveraging
from monitor.deleverage.switch import KillFile
from monitor.deleverage.trail import Trail
from monitor.deleverage.watch import Watch
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from monitor.sinks.store_link import StoreLink


def is_on(config: Deleverage) -> bool:
    """Whether any pool is covered."""
    return bool(config.desks or config.accounts or config.pools)


def built(
    config: Config,
    store_url: str,
    book: LiveBook,
    clock: Clock,
    metrics: Metrics,
    incident_of: Callable[[PoolId], int],
) -> Deleveraging:
    """Everything that `config` says of it; the audit log is kept also where no pool is covered."""
    policy, shard, folder = config.deleverage, config.daemon.shard, Path(config.daemon.data_dir)
    place = (store_url, config.store.password)
    known = Known(
        config=policy,
        book=book,
        clock=clock,
        trail=Trail(folder, policy.audit_key, clock, metrics),
        fence=Fence(StoreLink(*place), shard, policy.lease_s, clock),
        kill_file=KillFile(folder),
        history=History(),
        watch=Watch(policy),
    )
    asked = Asked(
        hooks=hooks_of(config.hooks, policy, shard, *place) if is_on(policy) else (),
        results=Results(StoreLink(*place), stream_key(shard, "results"), policy.key, metrics),
        pages=Pages(own_key(shard, Condition.DELEVERAGE).pool),
        metrics=metrics,
        incident_of=incident_of,
    )
    return Deleveraging(shard, known, asked)
