"""What escalations, rotas and time intervals may hold, and what must hold between them and the routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from alerts.hours import BadHours, days_of, moment_of, override_of, span_of, time_of, zone_of
from monitor.config import Alerts, Route
from monitor.config_check import Entry, Known, check_names, refuse_repeats
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.config_names import LEVEL_NAMES
from monitor.config_problem import Findings, key_at, shown, suggestion
from monitor.config_read import Rule
from monitor.config_rules import are_receivers, is_name, is_venue, one_of, within

INTERVAL_KEYS = ("mute_time_intervals", "active_time_intervals")
Named = Iterable[Entry[Any]]


def readable(read: Callable[[str], object]) -> Rule:
    """A text, or each text of a list, that can be read as what it stands for."""

    def rule(value: str | tuple[str, ...]) -> Iterable[tuple[str, str]]:
        for index, text in enumerate((value,) if isinstance(value, str) else value):
            try:
                read(text)
            except BadHours as error:
                yield "" if isinstance(value, str) else f"[{index}]", str(error)

    return rule


DUTY_RULES: dict[tuple[type, str], Rule] = {
    (Alerts, "canary_at"): readable(time_of),
    (Escalation, "after_s"): within(10, 86_400, "seconds"),
    (Escalation, "receivers"): are_receivers,
    (Escalation, "venue"): is_venue,
    (Escalation, "minimum"): one_of(*LEVEL_NAMES),
    (Rota, "name"): is_name,
    (Rota, "receivers"): are_receivers,
    (Rota, "begins"): readable(moment_of),
    (Rota, "turn_h"): within(1, 24 * 366, "hours"),
    (Rota, "location"): readable(zone_of),
    (Rota, "overrides"): readable(override_of),
    (TimeInterval, "name"): is_name,
    (TimeInterval, "times"): readable(span_of),
    (TimeInterval, "weekdays"): readable(lambda text: days_of((text,))),
    (TimeInterval, "location"): readable(zone_of),
}


def check_duty(
    routes: list[Entry[Route]],
    escalations: list[Entry[Escalation]],
    rotas: list[Entry[Rota]],
    intervals: list[Entry[TimeInterval]],
    known: Known,
    findings: Findings,
) -> None:
    """Every name is that of something, and none is used for two."""
    names = {name for entry in rotas if isinstance(name := entry.table.get("name"), str)}
    plain = known.receivers - names
    for entry in escalations:
        check_names(entry.table, entry.place, known, findings)
        _refuse_strangers(entry, "receivers", known.receivers, "receiver", findings)
    for rota in rotas:
        _refuse_strangers(rota, "receivers", plain, "receiver", findings)
        _check_overrides(rota, plain, findings)
    hours = frozenset(_names(intervals))
    for route in routes:
        for key in INTERVAL_KEYS:
            _refuse_strangers(route, key, hours, "time interval", findings)
    refuse_repeats(_placed(rotas), "is already the rota", "name", findings)
    refuse_repeats(_placed(intervals), "is already the time interval", "name", findings)


def named_by(entries: Named) -> set[str]:
    """The receivers that tables of escalations and rotas name."""
    return {name for entry in entries for _, name in _texts(entry.table, "receivers")}


def refuse_two_meanings(receivers: Named, rotas: Named, findings: Findings) -> None:
    """A rota's name is not a receiver's too: nobody could tell who is meant."""
    taken = frozenset(_names(receivers))
    for place, name in _placed(rotas):
        if name in taken:
            findings.problem(key_at(place, "name"), f"{shown(name)} is a receiver: choose another")


def _check_overrides(entry: Entry[Rota], receivers: frozenset[str], findings: Findings) -> None:
    if entry.value is None:
        return
    for index, text in enumerate(entry.value.overrides):
        name = override_of(text)[2]
        if name not in receivers:
            at = f"{key_at(entry.place, 'overrides')}[{index}]"
            findings.problem(at, f"no receiver is called {shown(name)}; {suggestion(name, receivers)}")


def _refuse_strangers(
    entry: Entry[Any], key: str, known: frozenset[str], kind: str, findings: Findings
) -> None:
    for index, name in _texts(entry.table, key):
        if name not in known:
            at = f"{key_at(entry.place, key)}[{index}]"
            findings.problem(at, f"no {kind} is called {shown(name)}; {suggestion(name, known)}")


def _texts(table: dict[str, Any], key: str) -> Iterator[tuple[int, str]]:
    names = table.get(key)
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            yield index, name


def _names(entries: Named) -> Iterator[str]:
    return (name for _, name in _placed(entries))


def _placed(entries: Named) -> Iterator[tuple[str, str]]:
    for entry in entries:
        name = entry.table.get("name")
        if isinstance(name, str):
            yield entry.place, name
