"""Which receivers hear of a notification, and in which order. Pure; the time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerts.alert import OF_THE_DAEMON, AlertKey, Condition, Incident, Kind, Level, Notice, Notification
from alerts.hours import is_within, on_call
from monitor.config import Config, Route
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.domain.identity import PoolId

SECOND_NS = 1_000_000_000
Receivers = tuple[str, ...]


class Routing:
    """The routes, escalations, rotas and time intervals of a config."""

    def __init__(
        self,
        routes: Sequence[Route],
        escalations: Sequence[Escalation] = (),
        rotas: Sequence[Rota] = (),
        time_intervals: Sequence[TimeInterval] = (),
    ) -> None:
        self._routes = tuple(routes)
        self._escalations = tuple(sorted(escalations, key=lambda step: step.after_s))
        self._rotas = {rota.name: rota for rota in rotas}
        self._intervals = {interval.name: interval for interval in time_intervals}

    def of(self, told: Notification | Notice, wall_ns: int) -> tuple[Receivers, ...]:
        """The ordered receivers of each route that takes it: the first, and further ones after a `continue`.

        Who was reached by an escalation hears of the incident from then on. What is wrong with the daemon
        itself is everybody's matter, whatever the routes match.
        """
        keys, desk, level, worst = (
            _keys_of(told.key, told.others),
            told.desk,
            _level_of(told),
            _worst_of(told),
        )
        if told.key.condition in OF_THE_DAEMON:
            chosen = [route.receivers for route in self._routes]
        elif told.kind is Kind.UNACKNOWLEDGED:
            reached = [step for step in self._steps(keys, desk, worst) if step.after_s == _reached_of(told)]
            chosen = [step.receivers for step in reached]
        else:
            routes = self._taking(keys, desk, worst)
            chosen = [route.receivers for route in routes if not self._is_muted(route, level, wall_ns)]
            steps = self._steps(keys, desk, worst)
            chosen += [step.receivers for step in steps if step.after_s <= _reached_of(told)]
        return tuple(dict.fromkeys(self._in_turn(receivers, wall_ns) for receivers in chosen))

    def is_quiet(self, key: AlertKey, desk: str, level: Level, wall_ns: int) -> bool:
        """Whether every route that takes it has quiet hours now."""
        if not self._intervals or level >= Level.CRITICAL or key.condition in OF_THE_DAEMON:
            return False
        routes = self._taking((key,), desk, level)
        return bool(routes) and all(self._is_muted(route, level, wall_ns) for route in routes)

    def next_step_s(self, incident: Incident, others: Iterable[PoolId] = ()) -> float | None:
        """How long after its clock began it goes to the next receivers; None where there are none left."""
        steps = self._steps(_keys_of(incident.key, others), incident.desk, incident.level)
        left = (step.after_s for step in steps if step.after_s > incident.reached_s)
        return next(left, None)

    def _taking(self, keys: Sequence[AlertKey], desk: str, worst: Level) -> list[Route]:
        chosen: dict[int, Route] = {}
        for key in keys:
            for number, route in enumerate(self._routes):
                if takes(route, key, desk, worst):
                    chosen[number] = route
                    if not route.continue_:
                        break
        return list(chosen.values())

    def _steps(self, keys: Sequence[AlertKey], desk: str, worst: Level) -> list[Escalation]:
        return [step for step in self._escalations if any(takes(step, key, desk, worst) for key in keys)]

    def _is_muted(self, route: Route, level: Level, wall_ns: int) -> bool:
        """Quiet hours hold back what is not critical; the end of what was told is told."""
        if level >= Level.CRITICAL or level is Level.CLEAR:
            return False
        muted, active = route.mute_time_intervals, route.active_time_intervals
        return any(is_within(self._intervals[name], wall_ns) for name in muted) or (
            bool(active) and not any(is_within(self._intervals[name], wall_ns) for name in active)
        )

    def _in_turn(self, receivers: Receivers, wall_ns: int) -> Receivers:
        """With those who are on call in place of their rota."""
        names = [
            name
            for given in receivers
            for name in (on_call(self._rotas[given], wall_ns) if given in self._rotas else (given,))
        ]
        return tuple(dict.fromkeys(names))


def routing_of(config: Config) -> Routing:
    """The routing of a checked config."""
    return Routing(config.routes, config.escalations, config.rotas, config.time_intervals)


def takes(route: Route | Escalation, key: AlertKey, desk: str, worst: Level) -> bool:
    """Whether each matcher of the route holds; who heard of the worst hears of the end."""
    venue, account, _ = key.pool.split("/", 2)
    return (
        worst >= Level[route.minimum.upper()]
        and route.desk in (None, desk)
        and route.account in (None, f"{venue}/{account}")
        and route.venue in (None, venue)
    )


def _keys_of(key: AlertKey, others: Iterable[PoolId]) -> tuple[AlertKey, ...]:
    """What is told of a venue is told to everybody who hears of one of its accounts."""
    if key.condition is not Condition.VENUE:
        return (key,)
    one_each = {pool.rsplit("/", 1)[0]: AlertKey(pool, Condition.UNKNOWN) for pool in others}
    return tuple(one_each.values()) or (key,)


def _level_of(told: Notification | Notice) -> Level:
    return told.level if isinstance(told, Notification) else told.incident.level


def _worst_of(told: Notification | Notice) -> Level:
    return told.worst if isinstance(told, Notification) else told.incident.worst


def _reached_of(told: Notification | Notice) -> float:
    return told.reached_s if isinstance(told, Notification) else told.incident.reached_s
