"""`why` names the threshold that was crossed and where it comes from, or what keeps a page back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts.alert import Ack, AlertKey, Condition, Notice
from alerts.incidents import Incidents
from alerts.intents import Outlook, intent_of
from alerts.ledger import Ledger
from alerts.route import Routing
from alerts.silences import Silence, matcher_of
from monitor.config import Alerts, Levels, Route, Threshold
from monitor.config_duty import TimeInterval
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from monitor.exit_codes import CommandFailed
from monitor.history.records import Settings
from monitor.names import Metrics
from monitor.why import answer as answers
from monitor.why.command import why
from monitor.why.files import LEDGER, asked
from tests.support.alerting import a_state
from tests.support.histories import ALPHA, Kept, a_label

DESK = Threshold(desk="basis", distance=Levels(0.2, 0.1, 0.05))
POOL = Threshold(pool=ALPHA, ratio=Levels(0.3, 0.4, 0.6))


class Night:
    """A history and a ledger of the same pools, in step."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.kept = Kept(folder, [a_label(ALPHA)], **config)
        self.folder = folder
        self.incidents = Incidents(Alerts())
        self.notices: list[Notice] = []

    @property
    def now_ns(self) -> int:
        """The wall clock."""
        return self.kept.clock.wall_ns()

    def saw(self, state: PoolState, **columns: Any) -> None:
        """An evaluation, and what the alerts make of it."""
        self.kept.saw(state, band=int(state.band), flush=False, **columns)
        self.notices += self.incidents.observe(state, self.kept.clock.monotonic_ns(), self.now_ns)
        self.notices += self.incidents.tick(self.kept.clock.monotonic_ns() + 1, self.now_ns)
        self.kept.keeper.decided(self.notices[-1:])
        self.kept.keeper.flush()

    def write(self, *, ack: bool = False, silence: Silence | None = None) -> list[str]:
        """The ledger of it; answers the ids of what was told."""
        return asyncio.run(self._write(ack, silence))

    async def _write(self, ack: bool, silence: Silence | None) -> list[str]:
        ledger = Ledger(self.folder / LEDGER, Metrics())
        ledger.open()
        ids = []
        for notice in self.notices:
            outlook = Outlook(self.incidents.open, Routing((Route(("first",)),)), "main")
            intent = intent_of((notice,), None, self.now_ns, outlook)
            await ledger.intend([intent])
            await ledger.settle(intent.notification.id, 0, "first", "confirmed", 2, "")
            ids.append(intent.notification.id)
        if ack:
            key = AlertKey(ALPHA, Condition.MARGIN)
            given = self.incidents.acknowledge(key, "kim", self.now_ns)
            assert isinstance(given, Ack)
            await ledger.keep_ack(given)
        if silence is not None:
            await ledger.keep_silence(silence)
        ledger.close()
        return ids

    def why(self, words: str = ALPHA) -> str:
        """The answer as of the night's own now."""
        found, files = asked(words, self.folder)
        return "\n".join(answers.answer(found, files, self.now_ns))


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """One quiet evaluation so far."""
    night = Night(tmp_path)
    night.saw(a_state(ALPHA))
    return night


def test_a_page_tells_its_threshold_its_value_and_its_deliveries(night: Night) -> None:
    """By id, by incident, and by the pool while it is open."""
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=900.0, distance=0.012)
    (id_,) = night.write()
    for words in (id_, f"{ALPHA}#1", f"{ALPHA}#margin/1", ALPHA):
        text = night.why(words)
        assert "raised to critical" in text
        assert "margin ratio 0.9000: at or past 0.85, critical (what ships for the model tiered)" in text
        assert "distance 1.2 %: at or under 1.5 %, critical (what ships for the model tiered)" in text
        assert "clears at ratio under 0.8075 and distance over 1.575 %, held for 30 s" in text
        assert "route 1, first: confirmed, 2 attempts" in text


@pytest.mark.parametrize(
    ("threshold", "origin"),
    [
        (DESK, "distance 4 %: at or under 5 %, critical ([[thresholds]] of desk basis)"),
        (POOL, f"margin ratio 0.7000: at or past 0.6, critical ([[thresholds]] of pool {ALPHA})"),
    ],
)
def test_the_entry_that_a_level_comes_from_is_named(
    tmp_path: Path, threshold: Threshold, origin: str
) -> None:
    """As it was in force then."""
    night = Night(tmp_path, thresholds=(threshold,))
    night.saw(a_state(ALPHA))
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=700.0, distance=0.04)
    night.write()
    assert origin in night.why()


def test_it_crossed_when_it_first_was_so_bad(night: Night) -> None:
    """Not when it was told again."""
    for figure in (900.0, 910.0, 920.0):
        night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=figure)
    night.write()
    assert "critical: margin ratio 0.9000" in night.why()


def test_a_pool_that_is_clear_tells_how_far_it_is(night: Night) -> None:
    """From the next level on each scale, with the last evaluations."""
    night.write()
    text = night.why()
    assert "nothing is open" in text
    assert "margin ratio 0.1000 is 0.4000 under warning at 0.5 (what ships for the model tiered)" in text
    assert "distance 25 % against warning at 5 %" in text


def test_unknown_tells_since_when_and_in_which_words(night: Night) -> None:
    """No level can be judged, and no figure is shown."""
    now_ns = night.kept.clock.monotonic_ns()
    state = a_state(ALPHA, RiskBand.UNKNOWN, unknown_since_ns=now_ns, unknown_seen_ns=now_ns)
    night.saw(state, reasons=1)
    night.write()
    text = night.why()
    assert "(stale): BTCUSDT mark silent: no level can be judged" in text
    assert "told after 9 s" in text
    assert "unknown at critical is so, and was not told when this was written" in text


def test_what_a_silence_holds_names_it(night: Night) -> None:
    """With its matchers, author, end and reason."""
    night.kept.saw(a_state(ALPHA, RiskBand.WARNING), band=1, maintenance_margin=600.0)
    silence = Silence("1f2e", (matcher_of("desk=basis"),), "ben", "moving", 0, night.now_ns + 10**12)
    night.write(silence=silence)
    assert f"margin at warning is held by silence 1f2e ({silence.matchers[0]}) of ben" in night.why()


def test_what_quiet_hours_hold_says_so(tmp_path: Path) -> None:
    """From the routes that were in force."""
    night = Night(tmp_path)
    always = Settings(
        0,
        routes=(Route(("first",), mute_time_intervals=("night",)),),
        time_intervals=(TimeInterval("night"),),
    )
    night.kept.keeper._settings = [always]
    night.kept.saw(a_state(ALPHA, RiskBand.WARNING), band=1, maintenance_margin=600.0)
    night.write()
    assert "margin at warning is held by quiet hours" in night.why()


def test_what_the_alert_of_a_venue_tells_of_is_not_told_once_more(tmp_path: Path) -> None:
    """One fault, one alert, and its name."""
    night = Night(tmp_path)
    pools = [PoolId(f"binance_usdm/{name}/cross-USDT") for name in ("alpha", "beta", "gamma")]
    began = night.kept.clock.monotonic_ns()
    for second in range(15):
        night.kept.clock.advance_s(1)
        for pool in pools:
            state = a_state(pool, RiskBand.UNKNOWN, unknown_since_ns=began, unknown_seen_ns=began)
            night.notices += night.incidents.observe(state, began + second * 10**9, night.now_ns)
        night.notices += night.incidents.tick(began + second * 10**9, night.now_ns)
    night.kept.saw(a_state(ALPHA, RiskBand.UNKNOWN), band=-1, reasons=1)
    night.write()
    assert "unknown is inhibited by binance_usdm/*/basis" in night.why()


def test_what_something_worse_inhibits_says_so(night: Night) -> None:
    """The venue's figure is not told beside a worse one of ours."""
    night.saw(a_state(ALPHA, RiskBand.LIQUIDATION), maintenance_margin=1100.0)
    worse = a_state(ALPHA, RiskBand.CLEAR, venue_band=RiskBand.CRITICAL)
    night.kept.saw(worse, band=0)
    night.write()
    assert "venue_worse at critical is inhibited by margin" in night.why()


def test_an_acknowledgement_is_told(night: Night) -> None:
    """Who has it, and that it is not repeated."""
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=900.0)
    night.write(ack=True)
    assert "acknowledged by kim" in night.why()


def test_a_pool_that_is_gone_is_not_judged(night: Night) -> None:
    """Its last evaluation is of then."""
    night.kept.labels = ()
    night.kept.saw(removed=(ALPHA,), generation=2)
    night.write()
    assert "gone since" in night.why()


def test_what_the_ledger_keeps_no_more_is_told_from_the_history(night: Night) -> None:
    """Without deliveries, and saying so."""
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=900.0)
    text = night.why(f"{ALPHA}#1")
    assert "raised to critical" in text
    assert "to whom it went is not known any more" in text


def test_without_a_history_the_ledger_answers_alone(night: Night, tmp_path: Path) -> None:
    """And says what is missing."""
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=900.0)
    night.write()
    night.kept.keeper.close()
    night.kept.keeper._file.close()
    for path in (tmp_path / "history").iterdir():
        path.unlink()
    text = night.why()
    assert "route 1, first: confirmed" in text
    assert "there is no history" in text


def test_damage_is_told_beside_the_answer(night: Night, tmp_path: Path) -> None:
    """An answer from half a history says so."""
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=900.0)
    night.saw(a_state(ALPHA, RiskBand.CRITICAL), maintenance_margin=910.0)
    with closing(sqlite3.connect(tmp_path / "history" / "history.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE batches SET body = x'00' WHERE seq = 2")
    assert "doubt: 1 batches are damaged or missing" in night.why()


def test_a_name_that_nobody_knows_is_refused_with_what_there_is(night: Night) -> None:
    """Near names are shown."""
    with pytest.raises(CommandFailed, match="there are binance_usdm/alpha/cross-USDT"):
        night.why("alpha")
    with pytest.raises(CommandFailed, match="neither the ledger"):
        night.why(f"{ALPHA}#77")


def test_names_and_words_of_others_are_one_printable_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a venue calls a thing does not move the cursor of a terminal."""
    night = Night(tmp_path)
    night.saw(a_state(PoolId(ALPHA), RiskBand.UNKNOWN, detail="bad\x1b[2J\nnews"), reasons=1)
    night.write()
    assert why(ALPHA, tmp_path, False) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert why(ALPHA, tmp_path, True) == 0
    assert json.loads(capsys.readouterr().out)["pool"] == ALPHA
