"""Hours of the week and turns of a rota."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.hours import BadHours, days_of, is_within, moment_of, on_call, override_of, span_of, zone_of
from monitor.config_duty import Rota, TimeInterval


def at(text: str) -> int:
    """A moment in UTC, in nanoseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-23T21:59", False),  # a Monday
        ("2026-11-23T22:00", True),
        ("2026-11-24T06:59", True),
        ("2026-11-24T07:00", False),
        ("2026-11-27T23:00", True),  # Friday
        ("2026-11-28T06:00", True),  # the night of Friday
        ("2026-11-28T23:00", False),  # Saturday
        ("2026-11-23T06:00", False),  # the night of Sunday
    ],
)
def test_a_night_belongs_to_the_day_when_it_begins(moment: str, inside: bool) -> None:
    """Hours that go on after midnight are of the weekday when they began."""
    nights = TimeInterval("nights", ("22:00-07:00",), ("monday:friday",))
    assert is_within(nights, at(moment)) is inside


@pytest.mark.parametrize(("moment", "inside"), [("2026-07-01T21:30", True), ("2026-12-01T21:30", False)])
def test_hours_are_those_of_the_place(moment: str, inside: bool) -> None:
    """22:00 in London is 21:00 in UTC in summer."""
    assert is_within(TimeInterval("night", ("22:00-24:00",), location="Europe/London"), at(moment)) is inside


def test_an_interval_without_hours_and_days_is_always() -> None:
    """What an interval leaves out is not limited."""
    assert is_within(TimeInterval("always"), at("2026-11-23T00:00"))


@given(st.integers(0, 7 * 24 * 60 - 1))
def test_every_minute_is_in_an_interval_or_in_its_rest(minute: int) -> None:
    """Two intervals that make up a week never both hold, and never neither."""
    moment_ns = at("2026-11-23T00:00") + minute * 60 * 10**9
    work = TimeInterval("work", ("07:00-22:00",))
    night = TimeInterval("night", ("22:00-07:00",))
    assert is_within(work, moment_ns) is not is_within(night, moment_ns)


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-11-01T00:00", "anna"),  # before it begins
        ("2026-11-23T08:59", "anna"),
        ("2026-11-30T08:59", "anna"),
        ("2026-11-30T09:00", "ben"),
        ("2026-12-07T09:00", "anna"),
        ("2026-12-24T12:00", "anna"),  # by an override; it would be ben
    ],
)
def test_turns_follow_each_other(moment: str, first: str) -> None:
    """A turn ends when the next begins, after the last comes the first, and an override goes before."""
    overrides = ("2026-12-24T09:00/2026-12-25T09:00 anna",)
    rota = Rota("duty", ("anna", "ben"), begins="2026-11-23T09:00", overrides=overrides)
    assert on_call(rota, at(moment))[0] == first
    assert sorted(on_call(rota, at(moment))) == ["anna", "ben"]


@pytest.mark.parametrize(
    ("read", "text", "advice"),
    [
        (span_of, "22-7", "22:00-07:00"),
        (span_of, "22:00-25:00", "no span"),
        (span_of, "22:60-23:00", "no span"),
        (span_of, "07:00-07:00", "no span"),
        (lambda text: days_of((text,)), "mon", "saturday"),
        (lambda text: days_of((text,)), "monday:friday:sunday", "no weekday"),
        (moment_of, "2026-11-23T09:00Z", "local time"),
        (moment_of, "soon", "local time"),
        (override_of, "2026-12-24T09:00 ben", "no override"),
        (override_of, "2026-12-25T09:00/2026-12-24T09:00 ben", "ends before"),
        (zone_of, "Europe/Londn", "time zone"),
        (zone_of, "../etc/passwd", "time zone"),
        (zone_of, "", "time zone"),
    ],
)
def test_what_is_no_time_is_refused_with_what_would_be(read: object, text: str, advice: str) -> None:
    """A text that can't be read names itself and an example."""
    with pytest.raises(BadHours, match=advice):
        read(text)  # type: ignore[operator]
