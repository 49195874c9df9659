"""Which receivers hear of a notification, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.alert import Level, Notification
from monitor.config import Route


def routes_of(
    notification: Notification, worst: Level, routes: Sequence[Route]
) -> tuple[tuple[str, ...], ...]:
    """The ordered receivers of each route that takes it: the first match, and further ones while they say `continue`.

    `worst` is the worst level that was told of the incident: who heard of the trouble hears of its end.
    """
    chosen: list[tuple[str, ...]] = []
    for route in routes:
        if takes(route, notification, worst):
            chosen.append(route.receivers)
            if not route.continue_:
                break
    return tuple(chosen)


def takes(route: Route, notification: Notification, worst: Level) -> bool:
    """Whether each matcher that the route gives is the notification's."""
    venue, account, _ = notification.key.pool.split("/", 2)
    return (
        worst >= Level[route.minimum.upper()]
        and route.desk in (None, notification.desk)
        and route.account in (None, f"{venue}/{account}")
        and route.venue in (None, venue)
    )
