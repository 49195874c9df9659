"""Which receivers hear of a notification, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.alert import Level, Notification
from monitor.config import Route


def routes_of(notification: Notification, routes: Sequence[Route]) -> tuple[tuple[str, ...], ...]:
    """The ordered receivers of each route that takes it: the first match, and further ones while they say `continue`."""
    chosen: list[tuple[str, ...]] = []
    for route in routes:
        if takes(route, notification):
            chosen.append(route.receivers)
            if not route.continue_:
                break
    return tuple(chosen)


def takes(route: Route, notification: Notification) -> bool:
    """Whether each matcher that the route gives is the notification's; who heard of the worst hears of the end."""
    venue, account, _ = notification.key.pool.split("/", 2)
    return (
        notification.worst >= Level[route.minimum.upper()]
        and route.desk in (None, notification.desk)
        and route.account in (None, f"{venue}/{account}")
        and route.venue in (None, venue)
    )
