"""Figures of pools for Prometheus, read from the newest view at each scrape; bounded for any book."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import numpy.typing as npt
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.clock import Clock
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.turn import BookView, PoolLabel
from monitor.sinks.danger import most_dangerous, shown_ratios
from monitor.sinks.state_record import ages_s

NEAREST = 20
RATIO_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)


class ViewCollector(Collector):
    """Registered beside the counters; runs in the thread of the scrape, on an immutable view."""

    def __init__(self, view: Callable[[], BookView | None], clock: Clock) -> None:
        self._view = view
        self._clock = clock

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape."""
        yield GaugeMetricFamily("margind_up", "1 while the daemon answers.", 1)
        yield _build_info()
        view = self._view()
        if view is None:
            return
        venues = Grouped([label.venue for label in view.pools])
        accounts = Grouped([label.account for label in view.pools])
        yield _pools(view, venues)
        yield _reasons(view)
        yield _ratios(view, venues)
        yield from _nearest(view)
        yield from _ages(view, accounts, self._clock.monotonic_ns())
        yield _margin_error(view, accounts)


class Grouped:
    """Rows by a word of theirs: the words, and for each row the index of its word."""

    def __init__(self, words: Sequence[str]) -> None:
        self.names = sorted(set(words))
        index = {name: position for position, name in enumerate(self.names)}
        self.codes = np.array([index[word] for word in words], dtype=np.intp)

    def worst(self, column: npt.NDArray[np.float64]) -> list[tuple[str, float]]:
        """The greatest value under each word; words that have only nan are left out."""
        greatest = np.full(len(self.names), np.nan)
        np.fmax.at(greatest, self.codes, column)
        pairs = zip(self.names, greatest.tolist(), strict=True)
        return [(name, value) for name, value in pairs if not math.isnan(value)]


def _build_info() -> Metric:
    try:
        release = version("margind")
    except PackageNotFoundError:  # run from a source tree
        release = "source"
    family = GaugeMetricFamily(
        "margind_build_info", "Always 1; the release is in the labels.", labels=["version", "python"]
    )
    family.add_metric([release, platform.python_version()], 1)
    return family


def _pools(view: BookView, venues: Grouped) -> Metric:
    family = GaugeMetricFamily("margind_pools", "Pools by venue and band.", labels=["venue", "band"])
    for code, venue in enumerate(venues.names):
        bands = view.band[venues.codes == code]
        for band in RiskBand:
            family.add_metric([venue, band.label], int(np.count_nonzero(bands == band)))
    return family


def _reasons(view: BookView) -> Metric:
    family = GaugeMetricFamily(
        "margind_unknown_pools", "Pools that are UNKNOWN, by each reason that holds.", labels=["reason"]
    )
    reasons = view.reasons[view.band == RiskBand.UNKNOWN]
    for reason in Reason:
        family.add_metric([reason.labels[0]], int(np.count_nonzero(reasons & int(reason))))
    return family


def _ratios(view: BookView, venues: Grouped) -> Metric:
    """A histogram of the present, not of events: read its buckets as they are, never through rate()."""
    family = HistogramMetricFamily(
        "margind_margin_ratio", "Margin ratios of all known pools at this moment.", labels=["venue"]
    )
    known = view.band != RiskBand.UNKNOWN
    ratio = shown_ratios(view)
    for code, venue in enumerate(venues.names):
        mine = ratio[known & (venues.codes == code)]
        buckets = [(repr(edge), int(np.count_nonzero(mine <= edge))) for edge in RATIO_BUCKETS]
        finite = float(mine[np.isfinite(mine)].sum())
        family.add_metric([venue], [*buckets, ("+Inf", len(mine))], finite)
    return family


def _nearest(view: BookView) -> Iterator[Metric]:
    rows = most_dangerous(view, NEAREST)
    labels = [view.pools[row] for row in rows.tolist()]
    columns = (
        ("margind_nearest_margin_ratio", "Ratio", shown_ratios(view, rows)),
        ("margind_nearest_distance_ratio", "Liquidating move, as a fraction,", view.distance[rows]),
        ("margind_nearest_band", "Band (0 clear to 4 liquidation)", view.band[rows].astype(np.float64)),
    )
    for name, what, column in columns:
        text = f"{what} of the {NEAREST} pools nearest to liquidation."
        yield _by_pool(name, text, labels, column)


def _by_pool(name: str, text: str, labels: list[PoolLabel], column: npt.NDArray[np.float64]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["pool", "venue", "desk"])
    for label, value in zip(labels, column.tolist(), strict=True):
        family.add_metric([label.id, label.venue, label.desk], value)
    return family


def _ages(view: BookView, accounts: Grouped, now_ns: int) -> Iterator[Metric]:
    yield _by_account(
        "margind_price_age_seconds",
        "Age of the oldest mark that a pool of the account reads.",
        accounts.worst(ages_s(view.price_seen_ns, now_ns)),
    )
    yield _by_account(
        "margind_account_age_seconds",
        "Time since the account's last full reconcile; +Inf before the first.",
        accounts.worst(ages_s(view.account_seen_ns, now_ns, never=np.inf)),
    )


def _margin_error(view: BookView, accounts: Grouped) -> Metric:
    return _by_account(
        "margind_margin_error_ratio",
        "Our figure against the venue's, relative, the worst of the account's pools.",
        accounts.worst(np.abs(view.margin_error)),
    )


def _by_account(name: str, text: str, values: list[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["account"])
    for account, value in values:
        family.add_metric([account], value)
    return family
