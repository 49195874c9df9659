"""`python -m monitor run CONFIG` as a service manager would start it, to be killed and started again."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapters import VENUES
from adapters.loopback import Account, LoopbackExchange
from monitor.compile_cache import compiled_folder
from monitor.status import Shown, status
from tests.support.receivers import SIGNING_SECRET
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
START_S = 90.0  # a first compile takes half a minute
EXIT_S = 30.0
RESOLVE_AFTER_S = 300.0  # so long that what is told of an end sooner was told on a first evaluation

# Levels that one price crosses at once: with those that ship, the distance, which is solved a tick later,
# would make two messages of one fall.
LEVELS = """
[[thresholds]]
ratio = { warning = 0.5, margin_call = 0.7, critical = 0.85 }
distance = { warning = 0.0003, margin_call = 0.0002, critical = 0.0001 }
"""


class Place(NamedTuple):
    """Where a daemon lives: its folder, its store, its receivers (the first is told first)."""

    folder: Path
    hooks: tuple[str, ...]
    store_url: str | None = None  # None: the daemon's own

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "margind.toml"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"


def write_config(place: Place, exchange: LoopbackExchange, accounts: Iterable[Account]) -> None:
    """A config file with these accounts, its secrets beside it, and compiled code that is there already."""
    heads = [
        "schema = 1",
        '[daemon]\ndata_dir = "data"',
        f'[store]\nurl = "{place.store_url}"' if place.store_url else "[store]",
        "[metrics]\nport = 0",
        f"[alerts]\nresolve_after_s = {RESOLVE_AFTER_S}\nfall_through_after_s = 1.0",
        LEVELS,
    ]
    receivers = [_receiver(number, url) for number, url in enumerate(place.hooks)]
    names = ", ".join(f'"hook{number}"' for number in range(len(place.hooks)))
    tables = [_account(place.folder, exchange, account) for account in accounts]
    text = "\n\n".join([*heads, *tables, *receivers, f"[[routes]]\nreceivers = [{names}]"])
    _private_file(place.folder / "signing", SIGNING_SECRET)
    _private_file(place.config, text)
    _share_compiled_code(place.data)


def _receiver(number: int, url: str) -> str:
    return (
        f'[[receivers]]\nname = "hook{number}"\nkind = "webhook"\nurl = "{url}"\n'
        'secret_file = "signing"\nallow_private_destinations = true'
    )


def _account(folder: Path, exchange: LoopbackExchange, account: Account) -> str:
    endpoints = ", ".join(f'{name} = "{url}"' for name, url in exchange.endpoints(account.venue).items())
    lines = [
        "[[accounts]]",
        f'name = "{account.name}"',
        f'venue = "{account.venue}"',
        'desk = "desk"',
        'environment = "loopback"',
        f"endpoints = {{ {endpoints} }}",
    ]
    if not VENUES[account.venue].needs_key:
        return "\n".join([*lines, f'address = "{account.address}"'])
    key, secret = f"{account.name}.key", f"{account.name}.secret"
    _private_file(folder / key, account.key)
    _private_file(folder / secret, account.secret)
    return "\n".join([*lines, "[accounts.credentials]", f'key_file = "{key}"', f'secret_file = "{secret}"'])


def _private_file(path: Path, text: str) -> None:
    path.write_text(text + "\n")
    path.chmod(0o600)


def _share_compiled_code(data_dir: Path) -> None:
    """What this run of tests has compiled is what the daemon would compile: it looks there first."""
    folder = compiled_folder(data_dir)
    folder.rmdir()
    folder.symlink_to(os.environ["NUMBA_CACHE_DIR"])


class DaemonProcess:
    """One run. What it prints is in the folder, for whoever has to find out."""

    def __init__(self, process: asyncio.subprocess.Process, place: Place, log: Path) -> None:
        self._process = process
        self._place = place
        self._log = log

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def shows(self, pool: str, band: str) -> None:
        """Waits until `margind status` says so of a pool, from what this run has written."""

        async def look() -> bool:
            assert self.is_running, self.last_words()
            shown = await asyncio.to_thread(_status, self._place)
            is_ours = shown.meta is not None and shown.meta.pid == self._process.pid
            return is_ours and any(row.pool == pool and row.band == band for row in shown.pools)

        await eventually(look, f"{pool} to be {band}; last words: {self.last_words()}", START_S)

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            async with asyncio.timeout(EXIT_S):
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"the daemon does not end; its last words: {self.last_words()}") from None

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self._process.terminate()
        return await self.ended()

    def last_words(self) -> str:
        """The end of what it printed."""
        return self._log.read_text()[-3000:]


@asynccontextmanager
async def daemon_process(place: Place, failpoint: str = "") -> AsyncIterator[DaemonProcess]:
    """A started daemon; killed at the end, if it still runs."""
    log = place.folder / "log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "monitor",
            "run",
            str(place.config),
            cwd=ROOT,
            env={**os.environ, "MARGIND_FAILPOINT": failpoint},
            stdout=output,
            stderr=output,
        )
    try:
        yield DaemonProcess(process, place, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


def _status(place: Place) -> Shown:
    out = io.StringIO()
    status(place.data, place.store_url, as_json=True, out=out)
    return msgspec.json.decode(out.getvalue(), type=Shown)


class Recorded(NamedTuple):
    """What the ledger of a daemon says of its notifications, by id."""

    intents: frozenset[str]
    tried: frozenset[str]  # and to be tried again
    superseded: frozenset[str]  # a newer notice said it as well
    confirmed: frozenset[str]

    @property
    def unsettled(self) -> frozenset[str]:
        """What nobody has yet."""
        return self.intents - self.superseded - self.confirmed


def recorded(place: Place) -> Recorded:
    """Reads the ledger, whether or not a daemon writes it."""
    database = sqlite3.connect(place.data / "ledger" / "ledger.sqlite")
    try:
        intents = _ids(database.execute("SELECT id FROM intents").fetchall())
        states = ("sent", "superseded", "confirmed")
        by_state = "SELECT id FROM deliveries WHERE state = ?"
        return Recorded(intents, *(_ids(database.execute(by_state, (state,)).fetchall()) for state in states))
    finally:
        database.close()


def _ids(rows: Sequence[tuple[str]]) -> frozenset[str]:
    return frozenset(id_ for (id_,) in rows)
