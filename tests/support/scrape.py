"""A scraper's side of the metrics pages, and a view with a pool of every sort."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from monitor.clock import ManualClock
from monitor.domain.turn import BookView
from monitor.sinks.metrics import MetricsServer
from tests.support.views import turn_with

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def get(server: MetricsServer, path: str, host: str | None = None) -> tuple[int, str]:
    """Status and body of one page."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def samples(text: str) -> Samples:
    """Every sample of an exposition, as Prometheus' own client reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(found: Samples, name: str, **labels: str) -> float | None:
    """One value, None when there is no such series."""
    return found.get((name, tuple(sorted(labels.items()))))


def mixed_view(clock: ManualClock) -> BookView:
    """Six pools: clear, UNKNOWN, critical, margin call, empty, insolvent."""
    return turn_with(
        6,
        clock,
        band=[0, -1, 3, 2, 0, 4],
        reasons=[0, 3, 0, 0, 0, 0],
        equity=[1000, 1000, 1000, 1000, 0, -5],
        maintenance_margin=[10, 10, 900, 700, 0, 4],
        distance=[0.3, 0.1, 0.01, 0.2, np.inf, 0.0],
        margin_error=[0.001, np.nan, -0.03, np.nan, np.nan, np.nan],
        account_seen_ns=[clock.monotonic_ns() - 5_000_000_000, 0, 1, 1, 1, 1],
    ).view
