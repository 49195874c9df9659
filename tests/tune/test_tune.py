"""`tune` judges as the daemon does, and finds the thresholds that are known to be best."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Condition, Kind, Level
from monitor.config import Alerts, Levels, Threshold
from monitor.config_problem import ConfigError
from monitor.domain.assessment import RiskBand
from monitor.exit_codes import CommandFailed
from monitor.history.reading import read
from monitor.history.records import ROW, Pool
from monitor.thresholds import level_row
from monitor.tune import tracks
from monitor.tune.candidates import IN_FORCE, Candidate, candidates_of, grid
from monitor.tune.command import Ask, moment_of, tune
from monitor.tune.judge import bands_of
from monitor.tune.outcome import Outcome, Wanted, choose
from monitor.tune.pipeline import told_by
from monitor.tune.report import html
from monitor.tune.study import study
from monitor.tune.tracks import Track, breaches_of, carried, tracks_of
from tests.support.alerting import a_state
from tests.support.histories import ALPHA, Kept, a_label

BETA, GAMMA = "binance_usdm/beta/cross-USDT", "bybit/gamma/unified"
POOL = Pool(ALPHA, "binance_usdm/alpha", "basis", "tiered", "USDT")
RATE = 0.005  # of maintenance: distance is RATE * (1 / ratio - 1)
WANTED = Wanted(10.0, Level.WARNING)


def distance(ratio: float) -> float:
    """As far as a position of this maintenance rate is from its end."""
    return max(0.0, RATE * (1 / ratio - 1))


def by_distance(warning: float) -> Threshold:
    """Levels in distance that begin there; the ratio only says liquidation."""
    distances = Levels(warning, warning / 2, warning / 4)
    return Threshold(model="tiered", ratio=Levels(0.98, 0.985, 0.99), distance=distances)


def a_history(folder: Path) -> Kept:
    """Five hours. Two pools fall a per cent of the price every five minutes from 20 % away to their end; the
    third goes down to 6 % and back for ever."""
    kept = Kept(folder, [a_label(ALPHA), a_label(BETA), a_label(GAMMA)], thresholds=(by_distance(0.02),))
    for minute in range(300):
        fall = max(0.0, 0.20 - minute / 500)
        swing = 0.06 + 0.10 * abs(1 - (minute % 60) / 30)
        near = np.array([fall, max(0.0, 0.25 - minute / 500), swing])
        ratios = RATE / (near + RATE)
        kept.saw(
            after_s=60,
            equity=1000.0,
            maintenance_margin=1000.0 * ratios,
            distance=near,
            band=np.array([4 if ratio >= 1 else 0 for ratio in ratios]),
        )
    return kept


def a_track(ratios: list[float], distances: list[float] | None = None) -> Track:
    """One pool, a row a second."""
    rows = np.zeros(len(ratios), dtype=ROW)
    rows["at_ns"] = np.arange(len(ratios)) * 1_000_000_000
    rows["equity"], rows["maintenance"] = 1000.0, 1000.0 * np.array(ratios)
    rows["distance"] = list(map(distance, ratios)) if distances is None else distances
    return Track(POOL, rows, {}, carried(rows), ())


def test_the_best_set_of_a_known_history_is_found(tmp_path: Path) -> None:
    """5 % warns 25 minutes before both breaches and stays under the swing of the third; 3 % is too late for
    twenty minutes, 8 % pages for the swing as well."""
    kept = a_history(tmp_path)
    sets = [Candidate(f"{100 * at:g} %", (by_distance(at),)) for at in (0.03, 0.05, 0.08)]
    found = study(read(kept.folder), sets, Wanted(20.0, Level.WARNING))
    assert [breach.pool for breach in found.breaches] == [ALPHA, BETA]
    assert {each.name: each.missed for each in found.outcomes} == {IN_FORCE: 2, "3 %": 2, "5 %": 0, "8 %": 0}
    assert found.choice.name == "5 %"
    best, early = found.outcome("5 %"), found.outcome("8 %")
    assert best is not None and early is not None
    assert best.shortest == pytest.approx(25, abs=1.1)
    assert best.idle == 0
    assert early.idle == 5, "one for each swing of five hours"
    assert best.pages < early.pages


def test_the_replay_at_what_was_in_force_tells_what_was_told() -> None:
    """A level is raised at once, and eased when better held for as long as the config says."""
    times = Alerts(resolve_after_s=3)
    track = a_track([0.1, 0.6, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    row = level_row(Levels(0.5, 0.7, 0.85), None, 0.05)
    told = told_by([track], [bands_of(track, row)], times)
    said = [(each.at_ns / 1e9, each.notice.kind) for each in told]
    assert said[0] == (1.0, Kind.RAISED)
    assert said[1][1] is Kind.RESOLVED
    assert said[1][0] == pytest.approx(6, abs=0.6)


def test_hysteresis_is_the_products_own() -> None:
    """Between clear and raise the band stays what it was, on both scales."""
    row = level_row(Levels(0.5, 0.7, 0.85), Levels(0.05, 0.03, 0.015), 0.1)
    by_ratio = a_track([0.4, 0.5, 0.46, 0.44], [np.inf] * 4)
    assert bands_of(by_ratio, row).tolist() == [0, 1, 1, 0]
    away = a_track([0.001] * 4, [0.06, 0.05, 0.054, 0.056])
    assert bands_of(away._replace(distance=np.array([0.06, 0.05, 0.054, 0.056])), row).tolist() == [
        0,
        1,
        1,
        0,
    ]


@given(ratios=st.lists(st.floats(0.001, 1.5), min_size=1, max_size=40), earlier=st.floats(1.0, 6.0))
def test_levels_that_are_farther_out_never_give_a_milder_band(ratios: list[float], earlier: float) -> None:
    """So earlier thresholds never warn later."""
    track = a_track(ratios)
    near = level_row(Levels(0.5, 0.7, 0.85), Levels(0.05, 0.03, 0.015), 0.05)
    far = level_row(
        Levels(0.5 / earlier, 0.7 / earlier, 0.85 / earlier),
        Levels(0.05 * earlier, 0.03 * earlier, 0.015 * earlier),
        0.05,
    )
    assert (bands_of(track, far) >= bands_of(track, near)).all()


def test_an_old_distance_is_carried_by_the_ratio() -> None:
    """What was solved once follows the ratio until it is solved again."""
    ratios = [0.05, 0.1, 0.2, 0.4]
    track = a_track(ratios, [distance(0.05)] * 4)
    assert track.distance.tolist() == pytest.approx([distance(ratio) for ratio in ratios])
    never = a_track(ratios, [np.nan] * 4)
    assert np.isnan(never.distance).all()


def test_unknown_stays_unknown_and_pages_by_its_own_rule(tmp_path: Path) -> None:
    """At any thresholds, and after the time of the config."""
    kept = Kept(tmp_path)
    kept.saw()
    now_ns = kept.clock.monotonic_ns()
    kept.saw(a_state(ALPHA, RiskBand.UNKNOWN, unknown_since_ns=now_ns, unknown_seen_ns=now_ns), band=-1)
    kept.saw(after_s=60, band=-1, reasons=1)
    kept.saw(a_state(ALPHA, RiskBand.CLEAR), after_s=1)
    (track,) = tracks_of(read(tmp_path))
    row = level_row(Levels(0.01, 0.02, 0.03), None, 0.05)
    told = told_by([track], [bands_of(track, row)], Alerts())
    unknown = [each for each in told if each.notice.key.condition is Condition.UNKNOWN]
    assert unknown[0].notice.kind is Kind.RAISED
    assert (unknown[0].at_ns - track.rows["at_ns"][0]) / 1e9 == pytest.approx(9, abs=0.6)


def test_a_breach_that_flaps_is_one(tmp_path: Path) -> None:
    """In and out of liquidation within an hour needs one warning, not many."""
    track = a_track([0.1, 1.1, 0.9, 1.1, 0.1])
    assert len(breaches_of([track], apart_ns=3_600_000_000_000)) == 1


def an_outcome(name: str, pages: int, *leads: float | None) -> Outcome:
    """An outcome with these leads."""
    missed = sum(lead is None or lead < WANTED.lead_minutes for lead in leads)
    return Outcome(name, (), pages, float(pages), 0, leads, missed)


@pytest.mark.parametrize(
    ("outcomes", "best"),
    [
        ([an_outcome("few", 1, 2.0), an_outcome("enough", 5, 12.0), an_outcome("many", 9, 30.0)], "enough"),
        ([an_outcome("late", 5, 11.0), an_outcome("early", 5, 20.0)], "early"),
        ([an_outcome(IN_FORCE, 5, 20.0), an_outcome("other", 5, 20.0)], IN_FORCE),
        ([an_outcome("none", 1, None, 2.0), an_outcome("one", 9, None, 12.0)], "one"),
        ([an_outcome("a", 1), an_outcome("b", 2)], None),
    ],
)
def test_the_choice_is_quiet_among_those_that_miss_the_fewest(
    outcomes: list[Outcome], best: str | None
) -> None:
    """All else equal the earliest, then what is in force; nothing where no breach could be missed."""
    assert choose(outcomes, WANTED).name == best


def test_of_sets_that_page_about_as_often_the_one_that_stands_open_least_is_taken() -> None:
    """A tenth more pages is worth it; what pages much more is not."""
    standing = an_outcome("standing", 100, 30.0)._replace(standing=9.0)
    knee = an_outcome("knee", 108, 12.0)._replace(standing=3.0)
    loud = an_outcome("loud", 150, 12.0)._replace(standing=1.0)
    assert choose([standing, knee, loud], WANTED).name == "knee"


def test_the_report_is_whole_and_asks_nothing_of_anybody(tmp_path: Path) -> None:
    """Pictures inside, no script, no address, names of others escaped."""
    kept = Kept(tmp_path, [a_label(ALPHA)])
    kept.saw(maintenance_margin=1100.0, band=4)
    found = study(read(tmp_path), [Candidate("<script>alert(1)</script>", ())], WANTED)
    page = html(found)
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page and "@import" not in page


def test_the_grid_is_around_what_ships_and_goes_by_the_distance() -> None:
    """Twice as far: twice the distance, and the ratio at which a position stands twice as far away."""
    twice = next(each for each in grid([POOL]) if each.name == "all x 2, hysteresis 5 %").thresholds[0]
    assert twice.distance == Levels(0.1, 0.06, 0.03)
    assert twice.ratio is not None
    assert twice.ratio.warning == pytest.approx(1 / 3, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "must be 1 to 200 tables"),
        ("[[sets]]\nname = 3", "sets[0].name"),
        ('[[sets]]\nname = "a"\nlevels = 1', "unknown key: a set has name and thresholds"),
        ('[[sets]]\nname = "a"\n[[sets.thresholds]]\nmodel = "tired"\nhysteresis = 0.1', "did you mean"),
        (
            '[[sets]]\nname = "a"\n[[sets.thresholds]]\nhysteresis_volatilities = 1.0',
            "unsupported here",
        ),
        ('[[sets]]\nname = "a"\n[[sets]]\nname = "a"', "more than once"),
        ("not toml at all", "is not TOML"),
        ("x = 1\n[[sets]]\nname = 'a'", "unknown key"),
    ],
)
def test_a_file_of_sets_is_refused_with_what_would_be_right(tmp_path: Path, text: str, advice: str) -> None:
    """All mistakes at once, each with its key."""
    path = tmp_path / "sets.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        candidates_of(path, [POOL])
    assert advice in str(refused.value)


def test_the_command_compares_the_sets_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON, with the report beside it, for its owner only."""
    kept = a_history(tmp_path)
    path, report = tmp_path / "sets.toml", tmp_path / "out.html"
    path.write_text(
        '[[sets]]\nname = "far"\n[[sets.thresholds]]\nmodel = "tiered"\n'
        "distance = { warning = 0.08, margin_call = 0.04, critical = 0.02 }\n"
    )
    assert tune(Ask(kept.folder, None, None, path, report, True, 10.0, "warning")) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["sets"]] == [IN_FORCE, "far"]
    assert report.stat().st_mode & 0o777 == 0o600
    assert "Recommended: far" in report.read_text()


def test_a_time_without_evaluations_is_refused(tmp_path: Path) -> None:
    """Not judged as a night without pages."""
    kept = a_history(tmp_path)
    with pytest.raises(CommandFailed, match="no evaluations"):
        tune(Ask(kept.folder, 0, 1, None, None, False, 10.0, "warning"))
    with pytest.raises(CommandFailed, match="is not there"):
        tune(Ask(tmp_path / "nowhere", None, None, None, None, False, 10.0, "warning"))


def test_more_than_can_be_judged_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to ask instead, and not by running out of memory."""
    monkeypatch.setattr(tracks, "MOST_ROWS", 100)
    with pytest.raises(CommandFailed, match="begin later, with --from"):
        tune(Ask(a_history(tmp_path).folder, None, None, None, None, False, 10.0, "warning"))


def test_times_of_the_command_line_are_utc_or_ago() -> None:
    """What says no zone is UTC."""
    assert moment_of("1970-01-01T01:00") == 3_600_000_000_000
    assert moment_of("1970-01-01T02:00+02:00") == 0
    assert moment_of("1.5h", now_ns=7_200_000_000_000) == 1_800_000_000_000
    with pytest.raises(ValueError):
        moment_of("yesterday")
