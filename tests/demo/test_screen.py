"""What the demo shows besides the table: how much was told, by which way, and how fast the hour runs."""

from __future__ import annotations

import io

import pytest

from monitor.demo.command import SPEED, Options, speed_of
from monitor.demo.screen import Screen


def test_alerts_and_mails_are_counted_apart() -> None:
    """At the end of a run into a file one line says how many of each arrived."""
    out = io.StringIO()
    with Screen(out) as screen:
        screen.alert({"level": "critical", "headline": "CRITICAL one"})
        screen.alert({"level": "warning", "headline": "WARNING two"})
        screen.mail()
    assert "2 alerts, 1 e-mails" in out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("wall_s", "speed", "expected"),
    [(None, None, SPEED), (20.0, None, 180.0), (20.0, 10.0, 10.0), (None, 60.0, 60.0)],
)
def test_the_hour_fits_into_the_time_that_is_given(
    wall_s: float | None, speed: float | None, expected: float
) -> None:
    """A demo of twenty seconds shows the whole fall, unless a speed was asked for."""
    assert speed_of(Options(wall_s, speed, 1, None)) == expected
