"""A client of the store that a config names: one server, or whichever Sentinel says is the primary now.

With Sentinels every new connection asks again who the primary is, so that one dropped after READONLY finds
the server that was promoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from monitor.store_url import watched

SENTINEL_S = 0.3  # for one of several; the next is asked then


def async_client(
    url: str, options: Mapping[str, Any]
) -> tuple[redis.asyncio.Redis, list[redis.asyncio.Redis]]:
    """A client for the daemon, and the ones that it asks for the primary; raises ValueError."""
    place = watched(url)
    if place is None:
        return redis.asyncio.Redis.from_url(url, **options), []
    asking = redis.asyncio.sentinel.Sentinel(place.sentinels, sentinel_kwargs=_patience(), **options)
    return asking.master_for(place.service, db=place.database), list(asking.sentinels)


def client(url: str, options: Mapping[str, Any]) -> redis.Redis:
    """A client for a command; raises ValueError."""
    place = watched(url)
    if place is None:
        return redis.Redis.from_url(url, **options)
    asking = redis.sentinel.Sentinel(place.sentinels, sentinel_kwargs=_patience(), **options)
    found: redis.Redis = asking.master_for(place.service, db=place.database)
    return found


def _patience() -> dict[str, float]:
    return {"socket_timeout": SENTINEL_S, "socket_connect_timeout": SENTINEL_S}
