"""What a reader of the state does: read the keys, decode them, look at the gauges; and a sink to read."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.clock import ManualClock
from monitor.names import Metrics
from monitor.sinks.redis_state import RedisState
from monitor.sinks.state_record import StateRecord
from tests.support.store_server import StoreServer

STATE, CHANGES, META = (f"margind:{{main}}:{name}" for name in ("state", "changes", "meta"))


def a_sink(server: StoreServer, clock: ManualClock, metrics: Metrics, **more: Any) -> RedisState:
    """A sink of shard `main` on this server."""
    return RedisState(server.url, shard="main", clock=clock, metrics=metrics, **more)


async def pools(server: StoreServer) -> dict[str, StateRecord]:
    """The state as a reader decodes it."""
    words = await server.ask("HGETALL", STATE)
    return {pool: msgspec.json.decode(text, type=StateRecord) for pool, text in words.items()}


async def entries(server: StoreServer) -> list[dict[str, Any]]:
    """The stream as a reader decodes it, oldest first."""
    found = await server.ask("XRANGE", CHANGES, "-", "+")
    return [{"pools": json_of(fields, "pools"), "removed": json_of(fields, "removed")} for _, fields in found]


def json_of(fields: Any, name: str) -> Any:
    """One field of an entry."""
    words = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
    return msgspec.json.decode(words.get(name, "[]"))


def errors(metrics: Metrics, kind: str) -> float:
    """How many errors of this kind were counted."""
    return metrics.registry.get_sample_value("margind_store_errors_total", {"kind": kind}) or 0.0


def is_up(metrics: Metrics) -> bool:
    """The gauge that the desk sees."""
    return metrics.registry.get_sample_value("margind_store_up") == 1.0
