"""What the keeper writes is what was seen, and the loop never waits for it."""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.service import AlertService
from monitor.config import Levels, Threshold
from monitor.config_history import History
from monitor.daemon import Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.history import keeper
from monitor.history.file import FILE, FOLDER
from monitor.history.keeper import FLUSH_S
from monitor.history.reading import read
from monitor.history.records import DEFICIT, MARGIN_ERROR_OPEN
from tests.support.alerting import a_state
from tests.support.histories import ALPHA, Kept, a_kept_config, a_label
from tests.support.views import turn_of

FIGURE = st.floats(allow_nan=True, allow_infinity=True, width=64)
ROW = st.tuples(FIGURE, FIGURE, FIGURE, st.sampled_from(RiskBand), st.integers(0, 63), st.booleans())


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=8))
def test_what_is_read_is_what_was_seen(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float, float, RiskBand, int, bool]]
) -> None:
    """Every evaluation that is kept has the very figures of its view, and the first is always kept."""
    kept = Kept(tmp_path_factory.mktemp("kept"))
    seen = []
    for equity, maintenance, distance, band, reasons, deficit in rows:
        columns: dict[str, Any] = {"equity": equity, "maintenance_margin": maintenance, "distance": distance}
        kept.saw(band=int(band), reasons=reasons, deficit=deficit, **columns)
        seen.append((equity, maintenance, distance, int(band), reasons, deficit))
    found = read(kept.folder)
    told = [
        (each.equity, each.maintenance, each.distance, each.band, each.reasons, bool(each.flags & DEFICIT))
        for each in found.of_pool(ALPHA)
    ]
    assert found.damage == ()
    assert repr(told[0]) == repr(seen[0])
    left = iter(map(repr, seen))
    assert all(repr(each) in left for each in told), "in order, and none that was not seen"


def test_a_step_of_the_ratio_is_kept_and_a_smaller_one_is_not(tmp_path: Path) -> None:
    """A ten-thousandth of the ratio, or a hundredth of the distance, is a change."""
    kept = Kept(tmp_path)
    for maintenance, distance in ((100.0, 0.25), (100.05, 0.2501), (100.2, 0.25), (100.2, 0.2474)):
        kept.saw(maintenance_margin=maintenance, distance=distance)
    told = [(each.maintenance, each.distance) for each in read(tmp_path).of_pool(ALPHA)]
    assert told == [(100.0, 0.25), (100.2, 0.25), (100.2, 0.2474)]


def test_a_crossing_between_two_flushes_is_kept_with_its_own_time(tmp_path: Path) -> None:
    """A band that lasted a fifth of a second was there."""
    kept = Kept(tmp_path)
    kept.saw()
    for band in (RiskBand.CRITICAL, RiskBand.CLEAR):
        kept.saw(a_state(ALPHA, band), after_s=0.2, flush=False, band=int(band))
    kept.keeper.flush()
    told = read(tmp_path).of_pool(ALPHA)
    assert [each.band for each in told] == [0, 3, 0]
    assert told[1].at_ns - told[0].at_ns == 200_000_000


def test_what_only_a_state_tells_is_kept(tmp_path: Path) -> None:
    """The venue's band, an open margin error, and since when a pool is UNKNOWN, in words."""
    kept = Kept(tmp_path)
    kept.saw()
    now_ns = kept.clock.monotonic_ns()
    worse = a_state(ALPHA, RiskBand.CLEAR, venue_band=RiskBand.CRITICAL, margin_error_open=True)
    kept.saw(worse)
    kept.saw(a_state(ALPHA, RiskBand.UNKNOWN, unknown_since_ns=now_ns, unknown_seen_ns=now_ns), band=-1)
    _, second, third = read(tmp_path).of_pool(ALPHA)
    assert (second.venue_band, second.flags) == (int(RiskBand.CRITICAL), MARGIN_ERROR_OPEN)
    assert third.detail == "BTCUSDT mark silent"
    assert third.at_ns - third.unknown_since_ns == 2_000_000_000


def test_a_pool_that_is_gone_is_told_and_tells_itself_anew(tmp_path: Path) -> None:
    """A replay must not go on with what was."""
    kept = Kept(tmp_path, [a_label(ALPHA), a_label("bybit/mike/unified")])
    kept.saw()
    both, kept.labels = kept.labels, kept.labels[1:]
    kept.saw(removed=(ALPHA,), generation=2)
    kept.labels = both
    kept.saw(generation=3)
    found = read(tmp_path)
    gone = [found.pools[number].id for batch in found.batches for _, number in batch.removed]
    assert gone == [ALPHA]
    assert len(found.of_pool(ALPHA)) == 2


def test_a_pool_that_moves_to_another_desk_is_another(tmp_path: Path) -> None:
    """What was judged by one desk's thresholds is not judged by another's."""
    for desk in ("basis", "macro"):
        kept = Kept(tmp_path, [a_label(ALPHA, desk)])
        kept.saw()
        kept.keeper.close()
    assert [pool.desk for pool in read(tmp_path).pools.values()] == ["basis", "macro"]


def test_a_full_queue_keeps_the_newest_state_of_each_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was between is counted, in the metric and in the batch."""
    monkeypatch.setattr(keeper, "MOST_TURNS", 2)
    kept = Kept(tmp_path)
    bands = [RiskBand.CLEAR, RiskBand.WARNING, RiskBand.MARGIN_CALL, RiskBand.CRITICAL]
    for band in bands:
        kept.saw(a_state(ALPHA, band), flush=False, band=int(band))
    kept.keeper.flush()
    found = read(tmp_path)
    told = [each.band for each in found.of_pool(ALPHA)]
    assert (told[0], told[-1]) == (0, 3)
    assert sum(batch.dropped for batch in found.batches) == 2
    assert kept.metrics.history_dropped._value.get() == 2


def test_what_is_old_goes(tmp_path: Path) -> None:
    """Past `keep_days`, whatever room there is."""
    kept = Kept(tmp_path, history=History(keep_days=1))
    for hours in range(30):
        kept.saw(after_s=3_600, equity=1000.0 - hours)
    held = read(tmp_path).of_pool(ALPHA)
    assert (held[-1].at_ns - held[0].at_ns) / 3.6e12 == pytest.approx(24, abs=1)


def test_what_is_too_much_goes_the_oldest_first(tmp_path: Path) -> None:
    """The file stays within `most_mb`, and the newest stays in it."""
    kept = Kept(tmp_path, [a_label(f"bybit/a{n}/unified") for n in range(3_000)], history=History(most_mb=1))
    rng = np.random.default_rng(1)
    for _ in range(30):
        kept.saw(after_s=61, equity=1000.0 + 100 * rng.random(3_000))
    found = read(tmp_path)
    newest = found.batches[-1]
    assert (tmp_path / FOLDER / FILE).stat().st_size < 1_500_000
    assert 1 < len(found.batches) < 30
    assert len(newest.packed) > 0
    assert found.damage == ()
    assert kept.metrics.history_bytes._value.get() <= 1_000_000


def test_thresholds_in_force_are_kept_with_their_time(tmp_path: Path) -> None:
    """`why` and `tune` judge by what was in force then."""
    ours = Threshold(desk="basis", ratio=Levels(0.3, 0.4, 0.5))
    kept = Kept(tmp_path)
    kept.saw()
    kept.clock.advance_s(10)
    kept.keeper.settle(Kept(tmp_path, thresholds=(ours,)).config)
    kept.saw()
    found = read(tmp_path)
    assert [each.thresholds for each in found.settings] == [(), (ours,)]
    assert found.settings_at(found.settings[0].since_ns + 1).thresholds == ()


def test_a_disk_that_takes_nothing_costs_the_history_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, and goes on where the disk does, with every pool told anew."""
    kept = Kept(tmp_path)
    kept.saw()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(kept.keeper._file, "add", full)
        kept.saw(equity=900.0)
    kept.saw(equity=900.0)
    assert kept.metrics.history_errors._value.get() == 1
    assert [each.equity for each in read(tmp_path).of_pool(ALPHA)] == [1000.0, 900.0]


def test_the_thread_writes_what_waits_when_it_is_closed(tmp_path: Path) -> None:
    """Nothing of the last second is lost in a stop as asked."""
    kept = Kept(tmp_path)
    kept.keeper.start()
    kept.saw(flush=False)
    began_s = time.monotonic()
    kept.keeper.close()
    assert time.monotonic() - began_s < 5 * FLUSH_S
    assert len(read(tmp_path).of_pool(ALPHA)) == 1


def test_no_evaluation_is_of_a_pool_that_was_not_in_the_view(tmp_path: Path) -> None:
    """A state of a pool that has left the list by now is no evaluation."""
    kept = Kept(tmp_path)
    kept.saw(a_state(PoolId("bybit/other/unified"), RiskBand.CRITICAL))
    assert [pool.id for pool in read(tmp_path).pools.values()] == [ALPHA]
    assert math.isnan(read(tmp_path).of_pool(ALPHA)[0].margin_error)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_daemon_keeps_a_history_where_it_is_wanted(tmp_path: Path, *, is_wanted: bool) -> None:
    """`[history] enabled` decides; nothing else changes."""
    daemon = Daemon(a_kept_config(tmp_path, History(enabled=is_wanted)))
    assert (daemon._history is not None) == is_wanted
    assert not (tmp_path / FOLDER).exists(), "nothing is written before it runs"


def test_what_the_alerts_decide_reaches_the_history(tmp_path: Path) -> None:
    """Every notice, with the id that its message has."""
    kept = Kept(tmp_path)
    service = AlertService(kept.config, kept.clock, kept.metrics, lambda _: None, {})
    service.heard = kept.keeper.decided
    state = a_state(ALPHA, RiskBand.CRITICAL)
    kept.clock.advance_s(1)
    service.on_turn(msgspec.structs.replace(turn_of(kept.view()), changed=(state,)))
    kept.keeper.flush()
    (decision,) = read(tmp_path).decisions
    assert (decision.pool, decision.condition, decision.kind) == (ALPHA, "margin", "raised")
    assert decision.level == int(RiskBand.CRITICAL)
    assert decision.notification.startswith("msg_")
