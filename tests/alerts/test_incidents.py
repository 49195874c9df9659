"""The rules of what is told and when, each by example; `test_incidents_machine` proves them at random."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.alert import AlertKey, Condition, Incident, Kind, Level, Notice, notification_id
from alerts.incidents import Incidents
from alerts.levels import levels_of
from monitor.config import Alerts
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import PoolState
from tests.support.alerting import ALPHA, BETA, SECOND_NS, a_state

WALL_NS = 1_793_588_400 * SECOND_NS
TIMES = Alerts(resolve_after_s=30, repeat_after_s=3600, unknown_after_s=9)


class Told:
    """Incidents, and a clock in seconds."""

    def __init__(
        self, restored: tuple[Incident, ...] = (), numbers: dict[AlertKey, int] | None = None
    ) -> None:
        self.incidents = Incidents(TIMES, restored, numbers)

    def at(self, seconds: float, state: PoolState | None = None) -> list[str]:
        """What is told when the state is seen, or time has come, `seconds` after the start."""
        return [_short(notice) for notice in self.notices(seconds, state)]

    def notices(self, seconds: float, state: PoolState | None = None) -> list[Notice]:
        """As `at`, whole."""
        now_ns = round(seconds * SECOND_NS)
        if state is None:
            return self.incidents.tick(now_ns, WALL_NS + now_ns)
        return self.incidents.observe(state, now_ns, WALL_NS + now_ns)


def _short(notice: Notice) -> str:
    return f"{notice.key.condition.value} {notice.kind.value} {notice.incident.level.label}"


def _band(band: RiskBand, **changes: Any) -> PoolState:
    return a_state(ALPHA, band, **changes)


def test_a_crossing_is_told_at_once() -> None:
    """What is worse than what was told is told when it is seen."""
    told = Told()
    assert told.at(0, _band(RiskBand.CLEAR)) == []
    assert told.at(1, _band(RiskBand.WARNING)) == ["margin raised warning"]
    assert told.at(1.1, _band(RiskBand.CRITICAL)) == ["margin escalated critical"]


def test_a_jump_of_two_levels_is_one_notice() -> None:
    """From clear to critical is one page, at critical."""
    assert Told().at(0, _band(RiskBand.CRITICAL)) == ["margin raised critical"]


def test_the_first_look_is_not_suppressed() -> None:
    """What is wrong when the daemon starts is told on the first evaluation."""
    assert Told().at(0, _band(RiskBand.LIQUIDATION)) == ["margin raised liquidation"]


def test_better_is_told_when_it_has_held() -> None:
    """A better band is told after it held, and not a moment before."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    assert told.at(10, _band(RiskBand.WARNING)) == []
    assert told.at(39.9) == []
    assert told.at(40) == ["margin eased warning"]
    assert told.at(41, _band(RiskBand.CLEAR)) == []
    assert told.at(71) == ["margin resolved clear"]
    assert told.at(200) == []


def test_flapping_is_told_once() -> None:
    """A pool that comes and goes across a level is one page until it stays away."""
    told = Told()
    assert told.at(0, _band(RiskBand.WARNING)) == ["margin raised warning"]
    for second in range(1, 300, 2):
        assert told.at(second, _band(RiskBand.CLEAR)) == []
        assert told.at(second + 1, _band(RiskBand.WARNING)) == []


def test_easing_is_to_the_worst_of_the_time_that_it_held() -> None:
    """Critical, then half a minute between clear and warning: what is told is warning."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    told.at(1, _band(RiskBand.CLEAR))
    told.at(20, _band(RiskBand.WARNING))
    told.at(21, _band(RiskBand.CLEAR))
    assert told.at(31) == ["margin eased warning"]


def test_worse_is_never_delayed_by_a_hold() -> None:
    """While a better band is held back, a worse one is told at once."""
    told = Told()
    told.at(0, _band(RiskBand.WARNING))
    told.at(1, _band(RiskBand.CLEAR))
    assert told.at(2, _band(RiskBand.LIQUIDATION)) == ["margin escalated liquidation"]


def test_what_stays_is_repeated() -> None:
    """An incident that stays open is told again after its time, counted from the newest notice."""
    told = Told()
    told.at(0, _band(RiskBand.WARNING))
    told.at(600, _band(RiskBand.CRITICAL))
    assert told.at(4199) == []
    assert told.at(4200) == ["margin repeated critical"]
    assert told.at(4201) == []


@pytest.mark.parametrize(
    ("began_s", "seen_s", "due_s"), [(0, 5, 9), (0, 5.1, 9.1), (0, 20, 24), (-60, 0, 4), (0, 0, 9)]
)
def test_unknown_pages_when_it_still_holds(began_s: float, seen_s: float, due_s: float) -> None:
    """Nine seconds after the fault began, or four after it was noticed, whichever is later; not before."""
    told = Told()
    state = _band(
        RiskBand.UNKNOWN,
        unknown_since_ns=round(began_s * SECOND_NS),
        unknown_seen_ns=round(seen_s * SECOND_NS),
    )
    assert told.at(seen_s, state) == []
    assert told.at(due_s - 0.01) == []
    assert told.at(due_s) == ["unknown raised critical"]


def test_a_short_unknown_is_silent() -> None:
    """What is known again before the page was due is never told."""
    told = Told()
    told.at(1, _band(RiskBand.UNKNOWN))
    assert told.at(8, _band(RiskBand.CLEAR)) == []
    assert told.at(100) == []


def test_an_incident_stays_open_through_unknown() -> None:
    """Back at the same band is silent, worse escalates, and the UNKNOWN has an incident of its own."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    assert told.at(1, _band(RiskBand.UNKNOWN, unknown_since_ns=SECOND_NS, unknown_seen_ns=SECOND_NS)) == []
    assert told.at(10) == ["unknown raised critical"]
    assert {incident.key.condition for incident in told.incidents.open} == {
        Condition.MARGIN,
        Condition.UNKNOWN,
    }
    assert told.at(60, _band(RiskBand.CRITICAL)) == []
    assert told.at(61, _band(RiskBand.LIQUIDATION)) == ["margin escalated liquidation"]
    assert told.at(90) == ["unknown resolved clear"]


def test_the_time_in_unknown_does_not_count_as_better() -> None:
    """A hold begins again after UNKNOWN: nobody saw whether the pool stayed better."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    told.at(1, _band(RiskBand.CLEAR))
    told.at(5, _band(RiskBand.UNKNOWN, unknown_since_ns=5 * SECOND_NS, unknown_seen_ns=5 * SECOND_NS))
    told.at(8, _band(RiskBand.CLEAR))
    assert told.at(37.9) == []
    assert told.at(38) == ["margin resolved clear"]


def test_the_other_conditions_have_their_levels() -> None:
    """Deficit is critical, margin error a warning, and the venue's figure counts where it is worse than
    ours."""
    state = _band(RiskBand.WARNING, deficit=True, margin_error_open=True, venue_band=RiskBand.CRITICAL)
    assert levels_of(state) == {
        Condition.MARGIN: Level.WARNING,
        Condition.UNKNOWN: Level.CLEAR,
        Condition.DEFICIT: Level.CRITICAL,
        Condition.MARGIN_ERROR: Level.WARNING,
        Condition.VENUE_WORSE: Level.CRITICAL,
        Condition.RULE_CHANGE: Level.CLEAR,
    }
    changed = levels_of(_band(RiskBand.CLEAR, rule_change="BTCUSDT tier 1: ..."))
    assert changed[Condition.RULE_CHANGE] is Level.WARNING


def test_the_worse_of_a_pool_keeps_the_milder_waiting() -> None:
    """Only the worst of a pool is told; what is milder and still so is told when the worst is over."""
    told = Told()
    state = _band(RiskBand.WARNING, deficit=True, margin_error_open=True)
    assert told.at(0, state) == ["deficit raised critical"]
    better = _band(RiskBand.WARNING, margin_error_open=True)
    told.at(1, better)
    assert sorted(told.at(31, better)) == [
        "deficit resolved clear",
        "margin raised warning",
        "margin_error raised warning",
    ]


def test_a_pool_that_is_gone_ends_its_incidents() -> None:
    """What is open of a removed pool is told as resolved, saying why; what was only waiting is dropped."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    told.at(1, _band(RiskBand.UNKNOWN, unknown_since_ns=SECOND_NS, unknown_seen_ns=SECOND_NS))
    notices = told.incidents.forget(ALPHA, "gone", WALL_NS)
    assert [(_short(notice), notice.detail) for notice in notices] == [("margin resolved clear", "gone")]
    assert told.at(100) == []
    assert told.incidents.forget(ALPHA, "gone", WALL_NS) == []


def test_numbers_rise_and_ids_differ() -> None:
    """Each incident of a key has the next number, each notice of it the next occasion, and no id comes
    twice."""
    told = Told()
    notices = told.notices(0, _band(RiskBand.WARNING)) + told.notices(1, _band(RiskBand.CRITICAL))
    told.at(2, _band(RiskBand.CLEAR))
    notices += told.notices(32) + told.notices(33, _band(RiskBand.WARNING))
    notices += told.incidents.observe(a_state(BETA, RiskBand.WARNING), 0, WALL_NS)
    counted = [(notice.incident.number, notice.incident.occasion) for notice in notices]
    assert counted == [(1, 1), (1, 2), (1, 3), (2, 1), (1, 1)]
    assert len({notification_id(notice.incident) for notice in notices}) == len(notices)


def _restarted(told: Told) -> Told:
    open_ = told.incidents.open
    return Told(open_, {incident.key: incident.number for incident in open_})


def test_a_restart_in_the_same_state_is_silent() -> None:
    """What was told before a restart, and still holds, is not told again."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    again = _restarted(told)
    assert again.at(0, _band(RiskBand.UNKNOWN)) == []
    assert again.at(2, _band(RiskBand.CRITICAL)) == []
    assert again.at(40) == []


def test_what_resolved_while_down_is_told_on_the_first_evaluation() -> None:
    """No hold: it may have been well for hours. UNKNOWN first, as every start is, says nothing yet."""
    told = Told()
    told.at(0, _band(RiskBand.CRITICAL))
    again = _restarted(told)
    assert again.at(0, _band(RiskBand.UNKNOWN)) == []
    assert again.at(2, _band(RiskBand.CLEAR)) == ["margin resolved clear"]


def test_an_unknown_of_the_last_run_resolves_when_the_pool_is_known() -> None:
    """The not knowing of a start is not the fault of before: the first known evaluation ends it."""
    told = Told()
    told.at(0, _band(RiskBand.UNKNOWN))
    assert told.at(9) == ["unknown raised critical"]
    again = _restarted(told)
    assert again.at(0, _band(RiskBand.UNKNOWN)) == []
    assert again.at(1, _band(RiskBand.WARNING)) == ["margin raised warning", "unknown resolved clear"]


def test_what_began_while_down_is_told_at_once() -> None:
    """A restart suppresses nothing: worse than what was told is told on the first evaluation."""
    told = Told()
    told.at(0, _band(RiskBand.WARNING))
    assert _restarted(told).at(0, _band(RiskBand.LIQUIDATION)) == ["margin escalated liquidation"]


def test_after_damage_numbers_start_past_the_old_ones() -> None:
    """When the record is damaged, a new incident never takes the number, and so the id, of an old one."""
    incidents = Incidents(TIMES, first_number=1_793_588_400)
    (notice,) = incidents.observe(_band(RiskBand.WARNING), 0, WALL_NS)
    assert notice.incident.number == 1_793_588_400


def test_the_daemons_own_trouble_is_an_incident() -> None:
    """A ledger that fails is raised, and resolved after it held, like anything else."""
    incidents = Incidents(TIMES)
    key = AlertKey(ALPHA, Condition.LEDGER)
    (raised,) = incidents.observe_own(key, "disk full", Level.CRITICAL, 0, WALL_NS)
    assert (raised.kind, raised.detail, raised.desk) == (Kind.RAISED, "disk full", "")
    assert incidents.observe_own(key, "", Level.CLEAR, SECOND_NS, WALL_NS) == []
    (ended,) = incidents.tick(31 * SECOND_NS, WALL_NS)
    assert ended.kind is Kind.RESOLVED
