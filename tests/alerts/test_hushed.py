"""Acknowledgements and silences among the rules of incidents: what is held back, and what never is."""

from __future__ import annotations

from typing import Any

from alerts.alert import Ack, AlertKey, Condition, Kind, Level, Notice
from alerts.holding import Holding
from alerts.incidents import Incidents
from alerts.silences import Silences, silence_of
from monitor.config import Alerts
from monitor.domain.assessment import RiskBand
from tests.support.alerting import ALPHA, SECOND_NS, a_state

TIMES = Alerts(resolve_after_s=30, repeat_after_s=600, unknown_after_s=9)
MARGIN = AlertKey(ALPHA, Condition.MARGIN)
START_NS = 1_793_588_400 * SECOND_NS


class Night:
    """Incidents, silences and a clock in seconds; what was told so far is kept."""

    def __init__(self, **config: Any) -> None:
        self.silences = Silences(**config)
        self.incidents = Incidents(TIMES, holding=Holding(self.silences))
        self.told: list[Notice] = []

    def at(self, second: float, band: RiskBand | None = None) -> list[str]:
        """What is told in that second, with the pool in this band or as it was."""
        now_ns = round(second * SECOND_NS)
        if band is None:
            notices = self.incidents.tick(now_ns, START_NS + now_ns)
        else:
            notices = self.incidents.observe(a_state(ALPHA, band), now_ns, START_NS + now_ns)
        self.told += notices
        return [f"{notice.kind.value} {notice.incident.level.label}" for notice in notices]

    def acknowledge(self, second: float) -> Ack | None:
        """Kim has it."""
        return self.incidents.acknowledge(MARGIN, "kim", START_NS + round(second * SECOND_NS))

    def silence(self, second: float, seconds: float, *matchers: str) -> str:
        """Kim wants to hear nothing of it."""
        wall_ns = START_NS + round(second * SECOND_NS)
        fresh = silence_of(
            f"s{second:g}",
            matchers or ("venue=binance_usdm",),
            "kim",
            "known",
            seconds,
            longest_s=86_400,
            wall_ns=wall_ns,
        )
        self.silences.put(fresh)
        return fresh.id

    def restarted(self) -> Incidents:
        """The next run, with what the ledger kept."""
        ack = self.incidents.ack(MARGIN)
        numbers = {incident.key: incident.number for incident in self.incidents.open}
        acks = () if ack is None else (ack,)
        self.incidents = Incidents(TIMES, self.incidents.open, numbers, 1, acks, Holding(self.silences))
        return self.incidents


def test_what_somebody_has_is_not_repeated() -> None:
    """No repeats of that level, however long it stays; its end is told."""
    night = Night()
    night.at(0, RiskBand.CRITICAL)
    ack = night.acknowledge(5)
    assert ack == Ack(MARGIN, 1, Level.CRITICAL, "kim", START_NS + 5 * SECOND_NS)
    assert [night.at(second) for second in (600, 1_200, 7_200)] == [[], [], []]
    night.at(7_300, RiskBand.CLEAR)
    assert night.at(7_330) == ["resolved clear"]
    assert night.incidents.ack(MARGIN) is None


def test_worse_than_what_somebody_has_breaks_through() -> None:
    """At once, and from then on it is repeated again."""
    night = Night()
    night.at(0, RiskBand.WARNING)
    night.acknowledge(5)
    assert night.at(6, RiskBand.CRITICAL) == ["escalated critical"]
    assert night.at(606) == ["repeated critical"]


def test_better_than_what_somebody_has_is_theirs_as_well() -> None:
    """It is told that it eased, and not repeated."""
    night = Night()
    night.at(0, RiskBand.CRITICAL)
    night.acknowledge(1)
    night.at(10, RiskBand.WARNING)
    assert night.at(40) == ["eased warning"]
    assert night.at(700) == []


def test_the_next_incident_is_nobodys() -> None:
    """An acknowledgement ends with what it was about."""
    night = Night()
    night.at(0, RiskBand.WARNING)
    night.acknowledge(1)
    night.at(10, RiskBand.CLEAR)
    night.at(40)
    assert night.at(50, RiskBand.WARNING) == ["raised warning"]
    assert night.at(650) == ["repeated warning"]


def test_nothing_open_is_nothing_to_have() -> None:
    """Who acknowledges nothing is told so."""
    assert Night().acknowledge(0) is None


def test_an_acknowledgement_outlives_a_restart() -> None:
    """And one of an incident that is over does not."""
    night = Night()
    night.at(0, RiskBand.CRITICAL)
    ack = night.acknowledge(5)
    assert night.restarted().ack(MARGIN) == ack
    assert night.at(700, RiskBand.CRITICAL) == []
    old = Ack(MARGIN, 7, Level.CRITICAL, "kim", 0)
    assert Incidents(TIMES, night.incidents.open, acks=[old]).ack(MARGIN) is None


def test_what_a_silence_hides_is_told_when_it_ends() -> None:
    """A raise is not lost: it is late, by the silence."""
    night = Night()
    night.silence(0, 100)
    assert night.at(10, RiskBand.WARNING) == []
    assert night.at(99.9) == []
    assert night.at(100) == ["raised warning"]


def test_what_is_over_when_a_silence_ends_is_never_told() -> None:
    """Neither that it was, nor that it ended."""
    night = Night()
    night.silence(0, 100)
    night.at(10, RiskBand.WARNING)
    night.at(50, RiskBand.CLEAR)
    assert [night.at(second) for second in (80, 100, 200)] == [[], [], []]


def test_a_silence_never_delays_what_is_critical() -> None:
    """A page at critical breaks through, unless the config says otherwise."""
    for may, expected in ((False, ["raised critical"]), (True, [])):
        night = Night(may_hide_critical=may)
        night.silence(0, 100)
        assert night.at(10, RiskBand.CRITICAL) == expected


def test_repeats_and_easing_are_hidden_and_an_end_is_not() -> None:
    """Who heard of the trouble hears of its end."""
    night = Night()
    night.at(0, RiskBand.MARGIN_CALL)
    night.silence(1, 2_000)
    assert night.at(601) == []
    night.at(700, RiskBand.WARNING)
    assert night.at(730) == []
    night.at(800, RiskBand.CLEAR)
    assert night.at(830) == ["resolved clear"]


def test_an_ended_silence_tells_at_the_next_look() -> None:
    """Ended by hand, or ended by time."""
    night = Night()
    id_ = night.silence(0, 1_000)
    night.at(10, RiskBand.WARNING)
    ended = night.silences.ended(id_, START_NS + 20 * SECOND_NS)
    assert ended is not None
    night.silences.put(ended)
    assert night.at(20) == ["raised warning"]


def test_a_silence_of_others_hides_nothing() -> None:
    """It is about what fits its matchers."""
    night = Night()
    night.silence(0, 100, "venue=bybit")
    assert night.at(10, RiskBand.WARNING) == ["raised warning"]


def test_what_is_hidden_can_be_asked_for() -> None:
    """Its key, desk and level, and which silence hides it."""
    night = Night()
    id_ = night.silence(0, 100)
    night.at(10, RiskBand.WARNING)
    wall_ns = START_NS + 11 * SECOND_NS
    held = [(key, desk, level, by.silence) for key, desk, level, by in night.incidents.held(wall_ns)]
    assert held == [(MARGIN, "basis", Level.WARNING, id_)]
    assert night.incidents.held(START_NS + 100 * SECOND_NS) == []


def test_the_first_notice_of_an_incident_is_its_raise() -> None:
    """Also where a silence hid its beginning: the number and the occasion begin at one."""
    night = Night()
    night.silence(0, 100)
    night.at(10, RiskBand.WARNING)
    night.at(100)
    (first,) = night.told
    assert (first.kind, first.incident.number, first.incident.occasion) == (Kind.RAISED, 1, 1)
