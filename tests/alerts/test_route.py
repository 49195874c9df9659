"""Who hears of what."""

from __future__ import annotations

import msgspec
import pytest

from alerts.alert import Condition, Level
from alerts.route import routes_of
from monitor.config import Route
from tests.support.notifications import a_notification

PAGE = msgspec.structs.replace(a_notification(), worst=Level.CRITICAL)  # binance_usdm/alpha, desk basis


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
