"""The public schema: what a reader sees of every kind of pool."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import ManualClock
from monitor.domain.assessment import Reason, RiskBand
from monitor.sinks.state_record import StateRecord, encode_rows, margin_ratios, utc
from tests.support.views import turn_with

FIGURES = (
    "ratio",
    "equity",
    "initial_margin",
    "maintenance_margin",
    "headroom",
    "distance_percent",
    "deficit",
)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def record(**columns: Any) -> dict[str, Any]:
    """One pool with these columns, as JSON gives it to a reader."""
    (blob,) = encode_rows(turn_with(1, **columns).view, np.array([0]))
    decoded: dict[str, Any] = json.loads(blob, parse_constant=pytest.fail)
    return decoded


def test_an_unknown_pool_has_no_figures() -> None:
    """UNKNOWN shows why, and null for every figure: never the last good number."""
    shown = record(band=RiskBand.UNKNOWN, reasons=Reason.STALE | Reason.GAP, deficit=True)
    assert (shown["band"], shown["reasons"]) == ("UNKNOWN", ["stale", "gap"])
    assert [shown[name] for name in FIGURES] == [None] * len(FIGURES)
    assert shown["account_age_s"] == 2.0


@pytest.mark.parametrize(
    ("equity", "maintenance_margin", "ratio"),
    [
        (100.0, 50.0, 0.5),
        (0.0, 50.0, None),
        (-1.0, 50.0, None),
        (0.0, 0.0, 0.0),
        (-5.0, 0.0, 0.0),
        (10.0, 0.0, 0.0),
    ],
)
def test_the_ratio_is_null_where_nothing_is_left(
    equity: float, maintenance_margin: float, ratio: float | None
) -> None:
    """With equity gone and margin required there is no ratio; with nothing required there is no danger."""
    shown = record(equity=equity, maintenance_margin=maintenance_margin, band=RiskBand.LIQUIDATION)
    assert shown["ratio"] == ratio
    assert shown["headroom"] == equity - maintenance_margin


def test_what_was_never_seen_has_no_age() -> None:
    """A time of 0 is never, and not fifty years ago; no liquidating move is null."""
    shown = record(price_seen_ns=0, account_seen_ns=0, distance=math.inf)
    assert [shown[name] for name in ("price_age_s", "account_age_s", "distance_percent")] == [None] * 3


def test_the_band_has_its_public_word() -> None:
    """The words of the bands are those of the schema."""
    words = [record(band=band)["band"] for band in RiskBand]
    assert words == ["UNKNOWN", "clear", "warning", "margin_call", "critical", "liquidation"]


def test_a_moment_is_utc_to_the_millisecond() -> None:
    """RFC 3339 with a Z, milliseconds cut and not rounded up."""
    assert utc(1_700_000_000_999_999_999) == "2023-11-14T22:13:20.999Z"
    assert utc(ManualClock().wall_ns()) == "2023-11-14T22:13:20.000Z"


@given(
    equity=ANY_FLOAT,
    maintenance=ANY_FLOAT,
    distance=ANY_FLOAT,
    error=ANY_FLOAT,
    band=st.sampled_from(RiskBand),
)
def test_whatever_the_columns_hold_it_is_json(
    equity: float, maintenance: float, distance: float, error: float, band: RiskBand
) -> None:
    """No column can make a value that is not JSON or not of the schema: NaN and infinity are null."""
    view = turn_with(
        1, equity=equity, maintenance_margin=maintenance, distance=distance, margin_error=error, band=band
    ).view
    with np.errstate(invalid="ignore", over="ignore"):
        (blob,) = encode_rows(view, np.array([0]))
    json.loads(blob, parse_constant=pytest.fail)
    shown = msgspec.json.decode(blob, type=StateRecord)
    assert shown.band == band.label
    assert math.isnan(margin_ratios(view)[0]) or band is not RiskBand.UNKNOWN
