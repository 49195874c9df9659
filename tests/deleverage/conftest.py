"""A real Redis for those who ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.deleverage_stage import Stage
from tests.support.store_server import StoreServer, server_binary


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[StoreServer]:
    """A running server; killed after the test."""
    binary = server_binary("valkey")
    assert binary is not None
    running = StoreServer(binary, tmp_path)
    await running.start()
    yield running
    await running.kill()


@pytest.fixture
async def new(tmp_path, store):
    """Makes stages, and stops every one of them."""
    made: list[Stage] = []

    def stage(folder=tmp_path, **policy) -> Stage:
        made.append(Stage(folder, store.url, **policy))
        made[-1].family = made
        return made[-1]

    yield stage
    for each in made:
        await each.actions.stop()


@pytest.fixture
async def stage(new):
    """Armed and ready to act."""
    made = new()
    await made.ready()
    return made
