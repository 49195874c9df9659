"""Debian's own Alertmanager on this machine, with a folder and a port of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.waiting import eventually

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """\
global: {{ resolve_timeout: {resolve_timeout} }}
route: {{ receiver: desk, group_by: ["..."], group_wait: 0s, group_interval: 1s }}
receivers:
  - name: desk
    webhook_configs: [{{ url: "{hook}", send_resolved: true }}]
"""


class Alertmanager:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    async def alerts(self) -> list[dict[str, Any]]:
        """What its API lists as active."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/api/v2/alerts") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def is_up(self) -> bool:
        """Whether it answers."""
        try:
            await self.alerts()
        except aiohttp.ClientError:
            return False
        return True


@asynccontextmanager
async def running_alertmanager(
    folder: Path, *, hook: str = "http://127.0.0.1:1/", resolve_timeout: str = "2s"
) -> AsyncIterator[Alertmanager]:
    """Started, asked until it answers, and ended."""
    assert BINARY is not None
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(resolve_timeout=resolve_timeout, hook=hook), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = (
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    process = subprocess.Popen(  # noqa: ASYNC220
        [BINARY, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        running = Alertmanager(port)
        await eventually(running.is_up, "Alertmanager's first answer")
        yield running
    finally:
        process.kill()
        process.wait(10)
