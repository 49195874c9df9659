"""Who hears of what."""

from __future__ import annotations

import msgspec
import pytest

from alerts.alert import Condition, Kind, Level, Notification
from alerts.route import Receivers, Routing
from monitor.config import Route
from monitor.config_duty import Escalation, Rota, TimeInterval
from tests.support.notifications import a_notification

NOON_NS = 1_795_521_600 * 10**9  # Tuesday, 2026-11-24T12:00Z
NIGHT_NS = NOON_NS + 14 * 3600 * 10**9  # Wednesday, 02:00Z
NIGHT = TimeInterval("night", times=("22:00-07:00",))
PAGE = msgspec.structs.replace(a_notification(), worst=Level.CRITICAL)  # binance_usdm/alpha, desk basis


def routes_of(told: Notification, routes: tuple[Route, ...]) -> tuple[Receivers, ...]:
    """Without hours, rotas and escalations."""
    return Routing(routes).of(told, NOON_NS)


@pytest.mark.parametrize(
    ("route", "takes"),
    [
        (Route(("a",)), True),
        (Route(("a",), desk="basis"), True),
        (Route(("a",), desk="other"), False),
        (Route(("a",), account="binance_usdm/alpha"), True),
        (Route(("a",), account="binance_usdm/alph"), False),
        (Route(("a",), venue="binance_usdm"), True),
        (Route(("a",), venue="bybit"), False),
        (Route(("a",), minimum="critical"), True),
        (Route(("a",), minimum="liquidation"), False),
        (Route(("a",), desk="basis", venue="bybit"), False),
    ],
)
def test_every_matcher_that_a_route_gives_must_hold(route: Route, takes: bool) -> None:
    """A route takes what all of its matchers take; what it leaves out matches everything."""
    assert bool(routes_of(PAGE, (route,))) is takes


def test_the_first_match_wins_unless_it_continues() -> None:
    """Routes are tried in order, and only `continue` lets a later one hear of it too."""
    first, second, third = Route(("a",), continue_=True), Route(("b", "c")), Route(("d",))
    assert routes_of(PAGE, (first, second, third)) == (("a",), ("b", "c"))
    assert routes_of(PAGE, (second, first)) == (("b", "c"),)


def test_who_heard_of_the_trouble_hears_of_its_end() -> None:
    """A minimum is held against the worst that was told of the incident, not against the resolution."""
    ended = msgspec.structs.replace(PAGE, level=Level.CLEAR)
    mild = msgspec.structs.replace(ended, worst=Level.WARNING)
    routes = (Route(("a",), minimum="critical"),)
    assert routes_of(ended, routes) == (("a",),)
    assert routes_of(mild, routes) == ()


def test_the_daemons_own_trouble_goes_everywhere() -> None:
    """No matcher keeps a receiver from hearing that the record of what was told is damaged."""
    page = a_notification(condition=Condition.LEDGER, described=False)
    routes = (Route(("a",), desk="other"), Route(("b",), venue="bybit"), Route(("a",)))
    assert routes_of(page, routes) == (("a",), ("b",))


def test_quiet_hours_take_only_what_is_critical() -> None:
    """A route with quiet hours hears of critical pages at night, and of milder ones only by day."""
    mild = msgspec.structs.replace(PAGE, level=Level.WARNING, worst=Level.WARNING)
    routing = Routing((Route(("a",), mute_time_intervals=("night",)),), time_intervals=(NIGHT,))
    assert routing.of(mild, NOON_NS) == (("a",),)
    assert routing.of(mild, NIGHT_NS) == ()
    assert routing.is_quiet(mild.key, mild.desk, Level.WARNING, NIGHT_NS)
    assert routing.of(PAGE, NIGHT_NS) == (("a",),)
    assert not routing.is_quiet(mild.key, mild.desk, Level.CRITICAL, NIGHT_NS)


def test_an_end_is_told_in_quiet_hours_too() -> None:
    """Nobody is left with an alert that has ended."""
    ended = msgspec.structs.replace(PAGE, level=Level.CLEAR, kind=Kind.RESOLVED)
    routing = Routing((Route(("a",), active_time_intervals=("night",)),), time_intervals=(NIGHT,))
    assert routing.of(ended, NOON_NS) == (("a",),)


def test_outside_its_active_hours_a_route_is_quiet() -> None:
    """An active interval is the other side of a mute one."""
    mild = msgspec.structs.replace(PAGE, level=Level.WARNING, worst=Level.WARNING)
    routing = Routing((Route(("a",), active_time_intervals=("night",)),), time_intervals=(NIGHT,))
    assert routing.is_quiet(mild.key, mild.desk, Level.WARNING, NOON_NS)
    assert not routing.is_quiet(mild.key, mild.desk, Level.WARNING, NIGHT_NS)


def test_a_step_is_told_to_its_own_receivers_and_then_they_hear_on() -> None:
    """Who is told because nobody answered hears of everything after it; who was told before hears no echo."""
    steps = (Escalation(900, ("head",)), Escalation(300, ("phone",)), Escalation(300, ("x",), desk="other"))
    routing = Routing((Route(("slack",)),), steps)
    step = msgspec.structs.replace(PAGE, kind=Kind.UNACKNOWLEDGED, reached_s=300.0)
    repeat = msgspec.structs.replace(PAGE, kind=Kind.REPEATED, reached_s=300.0)
    assert routing.of(PAGE, NOON_NS) == (("slack",),)
    assert routing.of(step, NOON_NS) == (("phone",),)
    assert routing.of(repeat, NOON_NS) == (("slack",), ("phone",))


def test_a_rota_stands_for_whose_turn_it_is() -> None:
    """Whose turn it is is tried first, the others of the rota after that one."""
    rota = Rota("duty", ("anna", "ben", "cleo"), begins="2026-11-23T09:00", turn_h=24)
    routing = Routing((Route(("duty", "email")),), rotas=(rota,))
    assert routing.of(PAGE, NOON_NS) == (("ben", "cleo", "anna", "email"),)
