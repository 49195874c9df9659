"""One order of danger, for the table and for the metrics."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.assessment import RiskBand
from monitor.sinks.danger import danger_key, most_dangerous, shown_ratios
from monitor.sinks.state_record import StateRecord, encode_rows
from tests.support.views import turn_with

POOL = st.tuples(
    st.sampled_from(RiskBand),
    st.sampled_from([0.0, 0.01, 0.2, math.inf, math.nan]),
    st.sampled_from([-5.0, 0.0, 100.0, 1000.0]),
    st.sampled_from([0.0, 50.0, 90.0]),
)


@given(st.lists(POOL, max_size=12), st.integers(1, 12))
def test_columns_and_records_are_sorted_alike(
    pools: list[tuple[RiskBand, float, float, float]], count: int
) -> None:
    """The rows nearest to liquidation are the first known ones of the table, whatever ties there are."""
    band, distance, equity, maintenance_margin = zip(*pools, strict=True) if pools else ((),) * 4
    view = turn_with(
        len(pools), band=band, distance=distance, equity=equity, maintenance_margin=maintenance_margin
    ).view
    records = [
        msgspec.json.decode(blob, type=StateRecord) for blob in encode_rows(view, np.arange(len(pools)))
    ]
    table = sorted((record for record in records if record.band != "UNKNOWN"), key=danger_key)
    nearest = [danger_key(records[row]) for row in most_dangerous(view, count)]
    assert nearest == [danger_key(record) for record in table[:count]]


def test_nothing_left_is_beyond_every_ratio() -> None:
    """A gauge shows +inf for an insolvent pool, so that it alerts, and nan for an UNKNOWN one."""
    view = turn_with(3, band=[4, -1, 0], equity=[-1.0, -1.0, 0.0], maintenance_margin=[5.0, 5.0, 0.0]).view
    assert [str(ratio) for ratio in shown_ratios(view)] == ["inf", "nan", "0.0"]
