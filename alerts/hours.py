"""Hours of the week and turns of a rota. Pure; the time is an argument, and the zone is the config's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.config_duty import Rota, TimeInterval

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
_TIMES = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_OVERRIDE = re.compile(r"(\S+)/(\S+) (\S+)")


class BadHours(ValueError):
    """What stands in the config is no time: the text says what would be right."""


def is_within(interval: TimeInterval, wall_ns: int) -> bool:
    """Whether a moment lies in the interval; its end is not part of it."""
    local = _local(wall_ns, interval.location)
    minute = local.hour * 60 + local.minute
    spans = [span_of(text) for text in interval.times] or [(0, DAY_MINUTES)]
    days = days_of(interval.weekdays)
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    return any(
        (begin <= minute < end and today in days)
        or (end > DAY_MINUTES and minute < end - DAY_MINUTES and yesterday in days)
        for begin, end in spans
    )


def on_call(rota: Rota, wall_ns: int) -> tuple[str, ...]:
    """Everybody of the rota, whose turn it is first; before it begins, the first."""
    local = _local(wall_ns, rota.location).replace(tzinfo=None)
    for text in rota.overrides:
        begin, end, receiver = override_of(text)
        if begin <= local < end:
            return (receiver, *(name for name in rota.receivers if name != receiver))
    turns = (local - moment_of(rota.begins)) // timedelta(hours=rota.turn_h)
    first = max(turns, 0) % len(rota.receivers)
    return (*rota.receivers[first:], *rota.receivers[:first])


def span_of(text: str) -> tuple[int, int]:
    """From minute to minute of a day; past the day's end where it goes on after midnight. Raises BadHours."""
    found = _TIMES.fullmatch(text)
    if found is not None:
        hours = [int(part) for part in found.groups()]
        begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if max(hours[1], hours[3]) < 60 and begin < DAY_MINUTES and end <= DAY_MINUTES and begin != end:
            return (begin, end if end > begin else end + DAY_MINUTES)
    raise BadHours(f'{text[:40]!r} is no span of a day: write "22:00-07:00"')


def time_of(text: str) -> int:
    """The minute of a day. Raises BadHours."""
    try:
        return span_of(f"{text}-24:00")[0]
    except BadHours:
        raise BadHours(f'{text[:40]!r} is no time of day: write "09:00"') from None


def days_of(texts: Sequence[str]) -> frozenset[int]:
    """Numbers of weekdays, Monday is 0; all where none is named. Raises BadHours."""
    found: set[int] = set()
    for text in texts:
        names = text.split(":")
        if len(names) > 2 or any(name not in DAYS for name in names):
            raise BadHours(f'{text[:40]!r} is no weekday: write "saturday" or "monday:friday"')
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(found or range(7))


def moment_of(text: str) -> datetime:
    """A local time of day. Raises BadHours."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise BadHours(f'{text[:40]!r} is no local time: write "2026-11-23T09:00"')
    return moment


def override_of(text: str) -> tuple[datetime, datetime, str]:
    """From when, until when, and who. Raises BadHours."""
    found = _OVERRIDE.fullmatch(text)
    if found is None:
        raise BadHours(f'{text[:60]!r} is no override: write "2026-12-24T09:00/2026-12-27T09:00 ben"')
    begin, end = moment_of(found[1]), moment_of(found[2])
    if begin >= end:
        raise BadHours(f"{text[:60]!r} ends before it begins")
    return begin, end, found[3]


def zone_of(name: str) -> ZoneInfo:
    """A zone of the database. Raises BadHours."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no name at all, a folder
        raise BadHours(f'{name[:60]!r} is no time zone: write "UTC" or "Europe/London"') from None


def _local(wall_ns: int, location: str) -> datetime:
    return datetime.fromtimestamp(wall_ns // 1_000_000_000, UTC).astimezone(zone_of(location))
