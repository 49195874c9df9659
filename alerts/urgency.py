"""How long there is left, as a desk reads it: the time to liquidation, and until when a transfer helps.

Minutes are the distance over a speed: they hold if each minute goes against the pool as far as minutes move
now, or moved in the worst hour that is held. Not a forecast: what one has to be ready for.
"""

from __future__ import annotations

from alerts.phrases import is_past_the_line, is_told, nearest_move
from alerts.wording import NAME_LIMIT, duration, percent, plain, utc_time
from monitor.domain.assessment import Deadline, MarginAssessment, TimeLeft

ROUTES_SHOWN = 3
NOT_YET = "time left: not known yet, for its prices were seen for less than ten minutes, or stood still"


def time_lines(assessment: MarginAssessment) -> list[str]:
    """The time left, and one line for each way of moving collateral here."""
    if nearest_move(assessment) is None or is_told(assessment.pool, assessment):
        return []
    if is_past_the_line(assessment):
        return ["time left: none, a transfer may come too late: reduce"] if assessment.deadlines else []
    shown = assessment.deadlines[:ROUTES_SHOWN]
    rest = len(assessment.deadlines) - len(shown)
    more = [f"deadline: and {rest:,} more ways"] if rest > 0 else []
    return [_time_line(assessment), *(_deadline_line(one, assessment) for one in shown), *more]


def _time_line(assessment: MarginAssessment) -> str:
    present, bad_hour = assessment.at_present_speed, assessment.at_bad_hour
    if present is None and bad_hour is None:
        return NOT_YET
    now = (
        "at the present speed not known yet"
        if present is None
        else f"at the present speed ({_speed_text(present)}) liquidation is {_minutes_text(present)} away"
    )
    worst = (
        "at one bad hour's not known yet"
        if bad_hour is None
        else f"at one bad hour's ({_speed_text(bad_hour)}) {_minutes_text(bad_hour)}"
    )
    return f"time left: {now}; {worst}; if every minute goes against it"


def _speed_text(left: TimeLeft) -> str:
    return f"{plain(left.underlying, NAME_LIMIT)} {percent(left.speed_percent, signed=False)} a minute"


def _minutes_text(left: TimeLeft) -> str:
    return duration(60 * left.minutes)


def _deadline_line(deadline: Deadline, assessment: MarginAssessment) -> str:
    """`deadline: a transfer of USDT from binance_usdm/main takes 20 min: too late after 14:32 UTC, ...`"""
    route = deadline.route
    source = plain(route.from_account, NAME_LIMIT)
    way = f"deadline: a transfer of {plain(route.asset, NAME_LIMIT)} from {source}"
    return f"{way} takes {duration(route.takes_s)}: {_until(deadline, assessment)}"


def _until(deadline: Deadline, assessment: MarginAssessment) -> str:
    latest_ns, bad_hour_ns, now_ns = deadline.latest_ns, deadline.bad_hour_ns, assessment.as_of_ns
    if latest_ns is None and bad_hour_ns is None:
        return "how long there is for it is not known yet"
    if latest_ns is not None and latest_ns <= now_ns:
        return "too late for it already, reduce instead"
    if bad_hour_ns is not None and bad_hour_ns <= now_ns:
        worst = "; in one bad hour it is too late already"
    elif bad_hour_ns is not None:
        worst = f"; in one bad hour after {utc_time(bad_hour_ns, now_ns)}"
    else:
        worst = ""
    if latest_ns is None:
        return f"at the present speed not known yet{worst}"
    return f"too late for it after {utc_time(latest_ns, now_ns)}, then reduce instead{worst}"
