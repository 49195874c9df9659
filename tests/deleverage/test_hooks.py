"""Hooks over real sockets: each asks once, and says what is known then; and what comes back."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
import redis
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from monitor.config import Secret
from monitor.config_deleverage import Hook
from monitor.deleverage.hooks import ProgramHook, StreamHook, Taken, WebhookHook
from monitor.deleverage.request import (
    EXECUTOR_GROUP,
    DeleverageRequest,
    DeleverageResult,
    Outcome,
    opened,
    seal,
)
from monitor.deleverage.results import Results
from monitor.names import Metrics
from monitor.sinks.store_link import StoreLink
from tests.support.deleveraging import a_request
from tests.support.receivers import SIGNING_SECRET, HttpServer

pytestmark = pytest.mark.integration
KEY = Secret("k" * 40, "the test")
STREAM, RESULTS = "margind:{main}:executor", "margind:{main}:deleverage:results"


def a_webhook(port: int) -> WebhookHook:
    """A signed webhook to this machine."""
    url = f"http://127.0.0.1:{port}/cut"
    secret = Secret(SIGNING_SECRET, "the test")
    return WebhookHook(Hook("risk", "webhook", url=url, secret=secret, allow_private_destinations=True))


@pytest.mark.parametrize(
    ("status", "state"),
    [(204, Taken.TAKEN), (400, Taken.REFUSED), (410, Taken.REFUSED), (500, Taken.UNKNOWN)],
)
async def test_a_webhook_gets_it_once_and_signed(status, state):
    """Whatever it answers it is asked one time, and what is no plain yes or no is unknown."""
    got: list[DeleverageRequest] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(SIGNING_SECRET).verify(body, dict(request.headers))
        assert request.headers["webhook-id"] == a_request().id
        got.append(opened_plainly(body))
        return web.Response(status=status)

    async with HttpServer(handle) as server:
        hook = a_webhook(server.port)
        answer = await hook.ask(a_request())
        await hook.close()
    assert answer.state is state
    assert got == [a_request()]


def opened_plainly(body: bytes) -> DeleverageRequest:
    """A request as a webhook's receiver reads it."""
    return opened(DeleverageRequest, body, seal(a_request(), b"x").signature, [b"x"])


async def test_a_webhook_that_hangs_is_unknown():
    """A connection that breaks behind the request leaves open what was done."""

    async def handle(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with HttpServer(handle) as server:
        hook = a_webhook(server.port)
        assert (await hook.ask(a_request())).state is Taken.UNKNOWN
        await hook.close()


async def test_a_stream_is_read_and_acknowledged_by_its_group(store):
    """A reader that starts later finds it, believes it by its signature, and acknowledges it."""
    hook = StreamHook("executor", STREAM, StoreLink(store.url), KEY)
    assert (await hook.ask(a_request())).state is Taken.TAKEN
    client = redis.Redis.from_url(store.url)
    found: Any = client.xreadgroup(EXECUTOR_GROUP, "one", {STREAM: ">"})
    ((_, [(entry, fields)]),) = found
    signature = fields[b"signature"].decode()
    assert opened(DeleverageRequest, fields[b"body"], signature, [KEY.reveal().encode()]) == a_request()
    assert client.xack(STREAM, EXECUTOR_GROUP, entry) == 1
    assert await hook.has(a_request().id) is True
    assert await hook.has("dlv_other") is False
    await hook.close()


async def test_a_stream_that_is_not_there_has_not_got_it(tmp_path):
    """Nothing was sent where no connection was made."""
    hook = StreamHook("executor", STREAM, StoreLink(f"unix://{tmp_path}/nobody"), KEY)
    assert (await hook.ask(a_request())).state is Taken.REFUSED
    assert await hook.has("dlv_1") is None


async def test_a_stream_that_breaks_off_is_unknown_and_looked_for(store):
    """A server that freezes within the command may have it; back again, the stream itself tells."""
    hook = StreamHook("executor", STREAM, StoreLink(store.url), KEY)
    await hook.ask(a_request(id="dlv_0"))
    store.freeze()
    assert (await hook.ask(a_request())).state is Taken.UNKNOWN
    store.thaw()
    assert await hook.has(a_request().id) in (True, False)
    await hook.close()


@pytest.mark.parametrize(("code", "state"), [(0, Taken.TAKEN), (20, Taken.REFUSED), (1, Taken.UNKNOWN)])
async def test_a_program_says_by_its_code(tmp_path, code, state):
    """0 has it, 20 refuses, of anything else nobody knows."""
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable} -IS\nimport sys\nprint('said')\nsys.exit({code})\n")
    path.chmod(0o700)
    hook = ProgramHook(Hook("script", "program", argv=(str(path),)))
    answer = await hook.ask(a_request())
    assert answer.state is state and "said" in answer.why
    hook = ProgramHook(Hook("script", "program", argv=(str(tmp_path / "none"),)))
    assert (await hook.ask(a_request())).state is Taken.REFUSED


def told(client: redis.Redis, result: DeleverageResult, key: bytes) -> None:
    """A taker's answer."""
    sealed = seal(result, key)
    client.xadd(RESULTS, {"id": sealed.id, "body": sealed.body, "signature": sealed.signature})


async def test_results_are_read_until_they_are_kept(store):
    """What was read and not acknowledged comes again to the next run; a forged one never comes."""
    client = redis.Redis.from_url(store.url)
    first = DeleverageResult(request="dlv_1", step=1, state=Outcome.DONE, filled="0.5", taker="executor")
    told(client, first, KEY.reveal().encode())
    told(client, first, b"another key")
    client.xadd(RESULTS, {"nothing": "of ours"})
    metrics = Metrics()
    for _ in range(2):
        results = Results(StoreLink(store.url), RESULTS, KEY, metrics)
        found = await results.fresh() or await results.fresh()
        assert found == [first]
        await results.close()
    results = Results(StoreLink(store.url), RESULTS, KEY, metrics)
    assert await results.fresh() == [first]
    await results.acknowledge()
    assert await results.fresh() == [] == await results.fresh()
    await results.close()
    assert metrics.registry.get_sample_value("margind_action_total", {"result": "bad_result"}) == 6


async def test_without_redis_there_are_no_results(tmp_path):
    """A server that is away is waited for, not crashed on."""
    results = Results(StoreLink(f"unix://{tmp_path}/nobody"), RESULTS, KEY, Metrics())
    assert await results.fresh() == []
    await asyncio.gather(results.acknowledge(), results.close())
