"""Which receivers hear of a notification, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.alert import OF_THE_DAEMON, Level, Notice, Notification
from monitor.config import Route


def routes_of(told: Notification | Notice, routes: Sequence[Route]) -> tuple[tuple[str, ...], ...]:
    """The ordered receivers of each route that takes it: the first, and further ones after a `continue`.

    What is wrong with the daemon itself is everybody's matter, whatever the routes match.
    """
    if told.key.condition in OF_THE_DAEMON:
        return tuple(dict.fromkeys(route.receivers for route in routes))
    chosen: list[tuple[str, ...]] = []
    for route in routes:
        if takes(route, told):
            chosen.append(route.receivers)
            if not route.continue_:
                break
    return tuple(chosen)


def takes(route: Route, told: Notification | Notice) -> bool:
    """Whether each matcher of the route holds; who heard of the worst hears of the end."""
    venue, account, _ = told.key.pool.split("/", 2)
    worst = told.worst if isinstance(told, Notification) else told.incident.worst
    return (
        worst >= Level[route.minimum.upper()]
        and route.desk in (None, told.desk)
        and route.account in (None, f"{venue}/{account}")
        and route.venue in (None, venue)
    )
