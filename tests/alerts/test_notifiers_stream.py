"""The stream of alerts, in a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.stream import StreamNotifier
from alerts.told import AlertTold
from monitor.config import Secret
from tests.support.notifications import a_notification
from tests.support.store_server import StoreServer, server_binary

KEY = "margind:{main}:alerts"
pytestmark = pytest.mark.integration


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[StoreServer]:
    """A running server; killed after the test."""
    binary = server_binary("valkey")
    assert binary is not None
    running = StoreServer(binary, tmp_path)
    await running.start()
    yield running
    await running.kill()


async def test_an_alert_is_an_entry_that_a_group_reads(store: StoreServer) -> None:
    """Its JSON fits the published schema, and its id is that of every other receiver."""
    page = a_notification()
    notifier, client = StreamNotifier("feed", store.url, KEY), _client(store)
    await client.xgroup_create(KEY, "desk", mkstream=True)
    assert await notifier.notify(page) == Delivered()
    ((_, [(_, fields)]),) = await client.xreadgroup("desk", "one", {KEY: ">"})
    told = msgspec.json.decode(fields[b"alert"], type=AlertTold)
    assert fields[b"id"].decode() == told.id == page.id
    await notifier.close()
    await client.aclose()


async def test_a_store_that_is_away_is_tried_again(store: StoreServer) -> None:
    """Nothing is lost by it, and no reason holds the password."""
    await store.kill()
    notifier = StreamNotifier("feed", store.url, KEY, password=Secret("canary", "the test"))
    outcome = await notifier.notify(a_notification())
    assert isinstance(outcome, Retry) and "canary" not in outcome.reason
    await notifier.close()


async def test_a_login_that_is_refused_goes_to_the_next_receiver(store: StoreServer) -> None:
    """Trying again would not help."""
    client = _client(store)
    await client.config_set("requirepass", "another")
    notifier = StreamNotifier("feed", store.url, KEY, password=Secret("canary", "the test"))
    outcome = await notifier.notify(a_notification())
    assert isinstance(outcome, Rejected) and "canary" not in outcome.reason
    await notifier.close()
    await client.aclose()


def _client(store: StoreServer) -> Any:
    return Redis.from_url(store.url)
