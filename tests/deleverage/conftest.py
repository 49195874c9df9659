"""A real Redis for those who ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
