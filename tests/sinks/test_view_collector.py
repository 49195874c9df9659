"""The figures of pools as Prometheus' own client reads them from the page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from monitor.clock import ManualClock
from monitor.sinks.metrics import MetricsServer
from tests.support.scrape import get, mixed_view, sample, samples
from tests.support.views import label, turn_with, view_of

Serve = Callable[..., MetricsServer]
NO_NUMBER = float("nan")


def test_pools_are_counted_by_venue_and_band(serve: Serve, clock: ManualClock) -> None:
    """Each band of each venue has a count, zero included, and each reason of the unknown ones."""
    found = samples(get(serve(mixed_view(clock)), "/metrics")[1])
    counts = {
        band: sample(found, "margind_pools", venue="loopback", band=band)
        for band in ("UNKNOWN", "clear", "warning", "margin_call", "critical", "liquidation")
    }
    assert counts == {
        "UNKNOWN": 1, "clear": 2, "warning": 0, "margin_call": 1, "critical": 1, "liquidation": 1
    }  # fmt: skip
    assert [sample(found, "margind_unknown_pools", reason=r) for r in ("stale", "gap", "partial")] == [
        1,
        1,
        0,
    ]
    assert sample(found, "margind_up") == 1


def test_the_histogram_holds_known_pools_only(serve: Serve, clock: ManualClock) -> None:
    """UNKNOWN is in no bucket; a pool with nothing left is beyond every edge."""
    found = samples(get(serve(mixed_view(clock)), "/metrics")[1])
    edges = {
        edge: sample(found, "margind_margin_ratio_bucket", venue="loopback", le=edge)
        for edge in ("0.05", "0.7", "0.85", "0.9", "1.0", "+Inf")
    }
    assert edges == {"0.05": 2, "0.7": 3, "0.85": 3, "0.9": 4, "1.0": 4, "+Inf": 5}
    assert sample(found, "margind_margin_ratio_count", venue="loopback") == 5


def test_the_nearest_come_first_and_are_bounded(serve: Serve, clock: ManualClock) -> None:
    """Of 5,000 pools the 20 nearest have series, and none of them is UNKNOWN."""
    rng = np.random.default_rng(1)
    distance = rng.random(5000)
    band = np.where(np.arange(5000) % 7 == 0, -1, 0)
    band[[11, 12]] = 4, 3
    found = samples(get(serve(turn_with(5000, clock, distance=distance, band=band).view), "/metrics")[1])
    pools = {dict(labels)["pool"] for name, labels in found if name == "margind_nearest_distance_ratio"}
    others = [row for row in np.argsort(distance) if band[row] == 0][:18]
    assert pools == {label(row).id for row in (11, 12, *others)}
    assert len(found) < 700


def test_ages_and_errors_are_the_worst_of_the_account(serve: Serve, clock: ManualClock) -> None:
    """Ages grow while no turn comes; an account that was never reconciled is infinitely old."""
    view = mixed_view(clock)
    clock.advance_s(4)
    found = samples(get(serve(view), "/metrics")[1])
    ages = [sample(found, "margind_account_age_seconds", account=f"loopback/account-{n}") for n in (0, 1)]
    assert ages == [9.0, float("inf")]
    assert sample(found, "margind_price_age_seconds", account="loopback/account-0") == 4.5
    assert sample(found, "margind_margin_error_ratio", account="loopback/account-2") == 0.03
    assert sample(found, "margind_margin_error_ratio", account="loopback/account-1") is None


def test_series_of_each_pool_are_opt_in(serve: Serve, clock: ManualClock) -> None:
    """Without per_pool no pool outside the nearest is named; with it each has five values."""
    view = mixed_view(clock)
    assert "margind_pool_" not in get(serve(view), "/metrics")[1]


def test_series_of_each_pool_read_back(serve: Serve, clock: ManualClock) -> None:
    """Our own writer is read by Prometheus' client: values, NaN for UNKNOWN, +Inf for nothing left."""
    found = samples(get(serve(mixed_view(clock), per_pool=True), "/metrics")[1])
    values = {
        dict(labels)["pool"][-1]: value
        for (name, labels), value in found.items()
        if name == "margind_pool_margin_ratio"
    }
    assert values == pytest.approx(
        {"0": 0.01, "1": NO_NUMBER, "2": 0.9, "3": 0.7, "4": 0.0, "5": float("inf")}, nan_ok=True
    )
    assert sum(name.startswith("margind_pool_") for name, _ in found) == 6 * 5


def test_words_of_labels_are_escaped(serve: Serve, clock: ManualClock) -> None:
    """A desk's name with quotes, backslashes and a line break comes back as it was."""
    desk = 'the "arb" \\ desk\n2'
    odd = label(0)
    labels = (type(odd)(odd.id, odd.account, odd.venue, desk, odd.model, odd.unit),)
    found = samples(get(serve(view_of(labels, clock), per_pool=True), "/metrics")[1])
    desks = {
        dict(words)["desk"] for name, words in found if name in ("margind_pool_band", "margind_nearest_band")
    }
    assert desks == {desk}
