"""How long there is left, in the words of a message."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.message import document
from alerts.urgency import NOT_YET, time_lines
from alerts.wording import duration, utc_time
from monitor.domain.assessment import Deadline, MarginAssessment, RiskBand, TimeLeft, TransferRoute
from monitor.domain.identity import AccountId
from tests.support.notifications import AS_OF_NS, a_notification, an_assessment, hostile_text

MINUTE_NS = 60 * 10**9
MAIN, ALPHA = AccountId("binance_usdm/main"), AccountId("binance_usdm/alpha")
ROUTE = TransferRoute(MAIN, ALPHA, "USDT", 1200.0)


def hurried(
    minutes: float | None = 92.4,
    bad_minutes: float | None = 11.5,
    route: TransferRoute = ROUTE,
    band: RiskBand = RiskBand.CRITICAL,
) -> MarginAssessment:
    """A pool with so much time left, and one way to help it."""
    times = [None if one is None else TimeLeft("BTC", -1.93, 0.021, one) for one in (minutes, bad_minutes)]
    latest = [
        None if one is None else AS_OF_NS + round((one - route.takes_s / 60) * MINUTE_NS)
        for one in (minutes, bad_minutes)
    ]
    return an_assessment(
        band=band, at_present_speed=times[0], at_bad_hour=times[1], deadlines=(Deadline(route, *latest),)
    )


def test_a_message_says_until_when_a_transfer_helps() -> None:
    """The time left at both speeds, and the moment after which to reduce instead."""
    assert time_lines(hurried()) == [
        (
            "time left: at the present speed (BTC 0.021 % a minute) liquidation is 92 min away; at one bad "
            "hour's (BTC 0.021 % a minute) 11 min; if every minute goes against it"
        ),
        (
            "deadline: a transfer of USDT from binance_usdm/main takes 20 min: too late for it after 04:12 "
            "UTC, then reduce instead; in one bad hour it is too late already"
        ),
    ]


@pytest.mark.parametrize(
    ("minutes", "bad_minutes", "end"),
    [
        (19.9, 3.0, "too late for it already, reduce instead"),
        (90.0, None, "too late for it after 04:10 UTC, then reduce instead"),
        (90.0, 40.0, "04:10 UTC, then reduce instead; in one bad hour after 03:20 UTC"),
        (None, None, "how long there is for it is not known yet"),
        (None, 40.0, "at the present speed not known yet; in one bad hour after 03:20 UTC"),
        (3000.0, None, "too late for it after 2026-11-04 04:40 UTC, then reduce instead"),
    ],
)
def test_a_deadline_says_what_is_known(minutes, bad_minutes, end) -> None:
    """No time is told that is not known, and one that has passed says so."""
    assert time_lines(hurried(minutes, bad_minutes))[1].endswith(end)


def test_no_speed_is_told_as_such() -> None:
    """Absent data is told in words."""
    assert time_lines(an_assessment()) == [NOT_YET]
    assert "at one bad hour's not known yet" in time_lines(hurried(bad_minutes=None))[0]


def test_past_the_line_no_time_is_left() -> None:
    """A pool at liquidation is told to reduce, and a pool without a liquidating move nothing of time."""
    assert time_lines(hurried(band=RiskBand.LIQUIDATION)) == [
        "time left: none, a transfer may come too late: reduce"
    ]
    assert time_lines(an_assessment(moves=())) == []


def test_programs_read_the_same() -> None:
    """The document has the minutes and the moments as numbers, null for what is not known."""
    body = document(a_notification(hurried(bad_minutes=None)))
    assert body["assessment"]["time_left"]["bad_hour"] is None
    assert body["assessment"]["time_left"]["present_speed"]["minutes"] == 92.4
    assert body["deadlines"] == [
        {
            "from": "binance_usdm/main",
            "asset": "USDT",
            "takes_s": 1200.0,
            "latest": "2026-11-02T04:12:24Z",
            "latest_in_a_bad_hour": None,
        }
    ]
    unknown = document(a_notification(msgspec.structs.replace(hurried(), band=RiskBand.UNKNOWN)))
    assert (unknown["assessment"]["time_left"], unknown["deadlines"]) == (None, [])


@given(name=hostile_text, takes_s=st.floats(), minutes=st.floats(), at_ns=st.integers(-(10**20), 10**20))
def test_every_time_has_words(name: str, takes_s: float, minutes: float, at_ns: int) -> None:
    """However odd a name or a number is, the lines are printable and single."""
    route = TransferRoute(AccountId(name), ALPHA, name, takes_s)
    left = TimeLeft(name, -1.93, minutes, minutes)
    picture = an_assessment(
        at_present_speed=left, at_bad_hour=left, deadlines=(Deadline(route, at_ns, None),)
    )
    assert all(line.isprintable() and line for line in time_lines(picture))


def test_a_duration_is_rounded_down() -> None:
    """Nobody is told of more time than there is."""
    told = [duration(value) for value in (-3.0, 0.9, 119.9, 120.0, 7199.0, 7200.0, 172_799.0, 172_800.0)]
    assert told == ["0 s", "0 s", "119 s", "2 min", "119 min", "2 h 0 min", "47 h 59 min", "2 d"]
    assert utc_time(AS_OF_NS + 59 * 10**9, AS_OF_NS) == "03:00 UTC"
