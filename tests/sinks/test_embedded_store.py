"""Our own store: durable, private, one a data directory, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis

from monitor.names import Metrics
from monitor.sinks import embedded_store
from monitor.sinks.embedded_store import DataDirInUse, EmbeddedStore, StoreError, find_store_url
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import asyncio, sys
from pathlib import Path
from monitor.sinks.embedded_store import EmbeddedStore

async def main():
    async with EmbeddedStore(Path(sys.argv[1])) as store:
        print(store.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    """A reader of the store."""
    opened = Redis.from_url(url, decode_responses=True, protocol=2)
    yield opened
    await opened.aclose()


@contextlib.contextmanager
def daemon(data_dir: Path):
    """Another process with a store in this directory; its process and the pid of its store."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or dead and waiting for its parent to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state.rsplit(")", 1)[1].split()[0] == "Z"


async def test_it_answers_where_it_says(tmp_path: Path) -> None:
    """After start the URL answers and `status` finds it; after stop nothing is left running or recorded."""
    async with EmbeddedStore(tmp_path) as store:
        pid = store.pid
        assert pid is not None
        assert find_store_url(tmp_path) == store.url
        async with client(store.url) as reader:
            assert await reader.ping()
            config = await reader.config_get("*")
    assert (config["port"], config["appendonly"], config["appendfsync"]) == ("0", "yes", "always")
    assert (config["maxmemory"], config["maxmemory-policy"]) == (str(512 << 20), "noeviction")
    assert has_ended(pid)
    assert find_store_url(tmp_path) is None


async def test_only_we_can_read_it(tmp_path: Path) -> None:
    """Nothing in the store's folder is open to the group or to others, whatever the umask was."""
    before = os.umask(0)
    try:
        async with EmbeddedStore(tmp_path) as store:
            socket = Path(unquote(urlsplit(store.url).path))
            modes = {path: path.stat().st_mode for path in [socket.parent, *socket.parent.rglob("*")]}
    finally:
        os.umask(before)
    private = {path for path, mode in modes.items() if not mode & (stat.S_IRWXG | stat.S_IRWXO)}
    open_files = {path.name for path in modes.keys() - private}
    assert open_files <= {"valkey.log", "socket", "lock"}, "figures and the socket are private"
    assert not stat.S_IMODE(modes[socket.parent]) & 0o077, "and the folder lets nobody in"


async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A daemon killed by SIGKILL takes its store along, and the directory is free at once."""
    with daemon(tmp_path) as (process, store_pid):
        assert not has_ended(store_pid)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        async with EmbeddedStore(tmp_path) as store:
            assert store.pid is not None
            assert has_ended(store_pid)


async def test_a_second_daemon_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory of a running daemon is locked, and the refusal names that daemon."""
    monkeypatch.setattr(embedded_store, "LOCK_S", 0.1)
    with daemon(tmp_path) as (process, store_pid):
        second = EmbeddedStore(tmp_path)
        with pytest.raises(DataDirInUse, match=rf"in use by another margind \(pid {process.pid}\)"):
            await second.start()
        assert not has_ended(store_pid)
        assert find_store_url(tmp_path) is not None


async def test_the_lock_outlives_the_daemon_while_its_store_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that can't die yet keeps the directory: two servers never write one file."""
    monkeypatch.setattr(embedded_store, "LOCK_S", 0.1)
    with daemon(tmp_path) as (process, store_pid):
        os.kill(store_pid, signal.SIGSTOP)
        process.kill()
        process.wait(10)
        try:
            with pytest.raises(DataDirInUse):
                await EmbeddedStore(tmp_path).start()
        finally:
            os.kill(store_pid, signal.SIGCONT)


async def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    """Every write that was answered is there after the server was killed and started again."""
    async with EmbeddedStore(tmp_path) as store, client(store.url) as writer:
        for number in range(50):
            await writer.xadd("stream", {"number": number})
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)
    async with EmbeddedStore(tmp_path) as store, client(store.url) as reader:
        found: Any = await reader.xrange("stream")
    assert [fields["number"] for _, fields in found] == [str(number) for number in range(50)]


async def test_it_is_started_again_when_it_dies(tmp_path: Path) -> None:
    """`run` brings a dead server back under the same URL, with its data, and counts it."""
    metrics = Metrics()
    async with EmbeddedStore(tmp_path, metrics) as store:
        async with client(store.url) as writer:
            await writer.set("kept", "yes")
        keeper = asyncio.create_task(store.run())
        first = store.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        async def answers() -> bool:
            with contextlib.suppress(ConnectionError, OSError):
                socket = Path(unquote(urlsplit(store.url).path))
                return store.pid not in (None, first) and await embedded_store._answers(socket)
            return False

        await eventually(answers, "another server")
        async with client(store.url) as reader:
            assert await reader.get("kept") == "yes"
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
    assert metrics.registry.get_sample_value("margind_store_restarts_total") == 1


async def test_a_long_data_dir_gets_a_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the path would not fit a private directory elsewhere is used, found and removed at the end."""
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    data_dir = tmp_path / ("long" * 25)
    async with EmbeddedStore(data_dir) as store:
        (private,) = runtime.iterdir()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert store.url == find_store_url(data_dir) == f"unix://{private}/valkey.sock"
        async with client(store.url) as reader:
            assert await reader.ping()
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)  # so that it can't tidy up behind itself
    assert list(runtime.iterdir()) == []


async def test_no_short_path_anywhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When every path is over 107 bytes, the refusal says so and leaves nothing behind."""
    runtime = tmp_path / ("run" * 35)
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with pytest.raises(StoreError, match="more than 107 bytes"):
        await EmbeddedStore(tmp_path / ("long" * 25)).start()
    assert list(runtime.iterdir()) == []


async def test_a_server_that_will_not_start_says_why(tmp_path: Path) -> None:
    """The refusal carries the server's own last words, and the directory is free again."""
    with pytest.raises(StoreError, match=r"ended with code 1: .*maxmemory"):
        await EmbeddedStore(tmp_path, maxmemory="lots").start()
    async with EmbeddedStore(tmp_path) as store:
        assert store.pid is not None


def test_it_is_started_on_the_main_thread_only(tmp_path: Path) -> None:
    """The death signal follows the spawning thread, so that any other thread is refused."""
    refusals: list[str] = []

    def start() -> None:
        try:
            asyncio.run(EmbeddedStore(tmp_path).start())
        except StoreError as error:
            refusals.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(20)
    assert refusals == [
        "the embedded store dies with the thread that spawned it: start it on the main thread"
    ]


def test_no_url_before_the_start(tmp_path: Path) -> None:
    """A store that was not started has no address."""
    with pytest.raises(StoreError, match="has not been started"):
        _ = EmbeddedStore(tmp_path).url
