"""Commands through Redis: done once where they are marked, and never otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from redis.asyncio import Redis

from monitor.clock import ManualClock
from monitor.config import Secret
from monitor.control_alerts import AlertRoutes
from monitor.control_deleverage import ActionRoutes
from monitor.names import Metrics
from monitor.sinks.command_record import Answer, BadCommand, Gate, is_marked, mark_of
from monitor.sinks.redis_commands import RedisCommands
from tests.support.store_server import StoreServer
from tests.support.waiting import eventually

SECRET = Secret("k" * 32, "a test")
NOW_NS = 1_795_521_600 * 10**9
MINUTE_NS = 60 * 10**9


def entry(secret: Secret = SECRET, shard: str = "main", **changes: Any) -> dict[bytes, bytes]:
    """The fields of a right command, or of one with a fault."""
    asked = {"schema": 1, "id": "c" * 8, "at_ns": NOW_NS, "method": "POST", "path": "/silences", "body": {}}
    content = msgspec.json.encode(asked | changes)
    return {b"command": content, b"mark": mark_of(secret, "command", shard, content).encode()}


def test_a_marked_command_passes_once() -> None:
    """The same entry again is a replay."""
    gate = Gate(SECRET, "main", NOW_NS)
    assert gate.passed(entry(), NOW_NS).path == "/silences"
    with pytest.raises(BadCommand) as refused:
        gate.passed(entry(), NOW_NS + MINUTE_NS)
    assert refused.value.result == "replayed"


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        (entry(Secret("x" * 32, "another")), "forged"),
        (entry(shard="other"), "forged"),
        (entry() | {b"command": entry(id="d" * 8)[b"command"]}, "forged"),
        ({}, "forged"),
        ({b"command": b"x" * 20_000, b"mark": b""}, "forged"),
        (entry(schema=2), "malformed"),
        (entry(id="short"), "malformed"),
        (entry(more=1), "malformed"),
        (entry(at_ns=NOW_NS - 6 * MINUTE_NS), "stale"),
        (entry(at_ns=NOW_NS + 6 * MINUTE_NS), "stale"),
        (entry(at_ns=NOW_NS - 2 * MINUTE_NS), "stale"),  # before the start
        (entry(path="/pools"), "refused"),
        (entry(path="/alertsx"), "refused"),
    ],
)
def test_what_is_not_ours_not_of_now_or_not_allowed_is_refused(
    fields: dict[bytes, bytes], result: str
) -> None:
    """Each refusal has its word, and a command that was refused is not taken as done."""
    gate = Gate(SECRET, "main", NOW_NS - MINUTE_NS)
    with pytest.raises(BadCommand) as refused:
        gate.passed(fields, NOW_NS)
    assert refused.value.result == result
    assert gate.passed(entry(), NOW_NS)


def test_every_command_of_the_socket_may_come_through_redis() -> None:
    """What changes something over the control socket is on a path that is allowed."""
    router, unused = web.Application().router, cast(Any, None)
    AlertRoutes(unused, unused).add_to(router)
    ActionRoutes(unused).add_to(router)
    paths = [
        route.resource.canonical for route in router.routes() if route.method != "GET" and route.resource
    ]
    gate = Gate(SECRET, "main", NOW_NS)
    assert {"/actions/kill", "/silences/{id}"} <= set(paths)
    for number, path in enumerate(paths):
        assert gate.passed(entry(id=f"command{number}", path=path), NOW_NS).path == path


@asynccontextmanager
async def reading(server: StoreServer, done: list[str], metrics: Metrics) -> AsyncIterator[Any]:
    """Commands are read; a client to write them with."""
    clock = ManualClock(wall_ns=NOW_NS)

    async def execute(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        done.append(f"{method} {path} {body.decode()}")
        return 200, b"begun"

    commands = RedisCommands(server.url, SECRET, execute, shard="main", clock=clock, metrics=metrics)
    client: Any = Redis.from_url(server.url)

    async def is_reading() -> bool:
        return commands.is_reading

    task = asyncio.create_task(commands.run())
    try:
        await eventually(is_reading, "the commands to be read")
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()


@pytest.mark.integration
async def test_a_command_is_done_and_answered(server: StoreServer) -> None:
    """The answer is in the other stream, marked with the same secret; a forged command has none."""
    done: list[str] = []
    metrics = Metrics()
    async with reading(server, done, metrics) as client:
        await client.xadd("margind:{main}:commands", entry(Secret("x" * 32, "another"), id="e" * 8))
        await client.xadd("margind:{main}:commands", entry())
        ((_, [(_, fields)]),) = await client.xread({"margind:{main}:answers": "0"}, block=10_000)
    assert done == ["POST /silences {}"]
    answer = msgspec.json.decode(fields[b"answer"], type=Answer)
    assert (answer.id, answer.status, answer.text) == ("c" * 8, 200, "begun")
    assert is_marked(SECRET, "answer", "main", fields[b"answer"], fields[b"mark"])
    results = {result: metrics.commands.labels(result)._value.get() for result in ("done", "forged")}
    assert results == {"done": 1, "forged": 1}


@pytest.mark.integration
async def test_what_was_written_before_the_start_is_left_alone(server: StoreServer) -> None:
    """A daemon that starts does nothing of what another one may have done already."""
    earlier: Any = Redis.from_url(server.url)
    async with earlier:
        await earlier.xadd("margind:{main}:commands", entry())
    done: list[str] = []
    async with reading(server, done, Metrics()) as client:
        await client.xadd("margind:{main}:commands", entry(id="f" * 8, path="/alerts"))
        await client.xread({"margind:{main}:answers": "0"}, block=10_000)
    assert done == ["POST /alerts {}"]
