"""Who is asked, who is told, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from monitor.deleverage.hooks import Hook
from monitor.deleverage.pages import Pages
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.results import Results
from monitor.domain.identity import PoolId
from monitor.names import Metrics


class Waiting(NamedTuple):
    """A request that waits for a person."""

    request: DeleverageRequest
    until_ns: int  # monotonic


class Asked(NamedTuple):
    """Who is asked and told."""

    hooks: tuple[Hook, ...]
    results: Results
    pages: Pages
    metrics: Metrics
    incident_of: Callable[[PoolId], int]
