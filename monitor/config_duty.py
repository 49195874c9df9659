"""Who is told when: hours of the day, whose turn it is, and who is next when nobody answers."""

from __future__ import annotations

import msgspec


class Escalation(msgspec.Struct, frozen=True):
    """[[escalations]]: further receivers of what nobody has acknowledged for so long.

    Each that matches is a step, the shortest wait first. A worse level begins the wait anew.
    """

    after_s: float
    receivers: tuple[str, ...]
    desk: str | None = None
    account: str | None = None
    venue: str | None = None
    minimum: str = "critical"  # lowest level that is escalated


class TimeInterval(msgspec.Struct, frozen=True):
    """[[time_intervals]]: hours of a week, in Alertmanager's words. Empty lists are all day, every day."""

    name: str
    times: tuple[str, ...] = ()  # "22:00-24:00"; "22:00-07:00" goes on after midnight
    weekdays: tuple[str, ...] = ()  # "saturday", "monday:friday"; of the day when the hours begin
    location: str = "UTC"  # a name of the time zone database, "Europe/London"


class Rota(msgspec.Struct, frozen=True):
    """[[rotas]]: a name that routes may use as a receiver; it stands for whose turn it is.

    The others of the rota follow behind, for when that one can't be reached.
    """

    name: str
    receivers: tuple[str, ...]
    begins: str  # "2026-11-23T09:00": the first turn of the first receiver
    turn_h: float = 168.0  # by the clock on the wall: a turn that begins at nine ends at nine
    location: str = "UTC"
    overrides: tuple[str, ...] = ()  # "2026-12-24T09:00/2026-12-27T09:00 ben"
