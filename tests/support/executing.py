"""The executor of a test: its config file, its requests, its process, and the store that hands them over."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from adapters.loopback import Account, LoopbackExchange, standard_world
from monitor.deleverage.request import (
    Caps,
    DeleverageRequest,
    DeleverageResult,
    Purpose,
    Step,
    opened,
    request_id,
    seal,
)
from monitor.domain.identity import AccountId, InstrumentId, PoolId
from tests.support.store_server import StoreServer, server_binary
from tests.support.waiting import eventually

VENUE, SYMBOL, OTHER = "binance_usdm", "BTCUSDT", "ETHUSDT"
POOLS = {"binance_usdm": "cross-USDT", "bybit": "unified"}
KEY = b"a key that signs requests, of 32 characters or more"
ROOT = Path(__file__).resolve().parent.parent.parent
SECOND_NS = 1_000_000_000
PREFIX = "margind:{main}"


def a_step(number: int = 1, **changed: Any) -> Step:
    """Half a bitcoin of two is sold, within one per cent of 60,000."""
    symbol = changed.pop("symbol", SYMBOL)
    venue = changed.pop("venue", VENUE)
    step = Step(
        number=number,
        instrument=InstrumentId(f"{venue}:{symbol}"),
        symbol=symbol,
        side="sell",
        quantity="0.500",
        expected_position="2.000",
        mark_price="60000.0",
        limit_price="59700.0",
        max_slippage=0.005,
        notional=30_000.0,
        ratio_after=0.05,
    )
    return msgspec.structs.replace(step, **changed)


def a_request(now_ns: int, incident: int = 1, venue: str = VENUE, **changed: Any) -> DeleverageRequest:
    """For real, good for 30 s."""
    pool = PoolId(f"{venue}/alpha/{POOLS[venue]}")
    request = DeleverageRequest(
        id=request_id("main", pool, Purpose.REDUCE, incident, 1),
        kind=Purpose.REDUCE,
        shard="main",
        pool=pool,
        account=AccountId(f"{venue}/alpha"),
        venue=venue,
        desk="majors",
        incident=incident,
        attempt=1,
        created_ns=now_ns,
        expires_ns=now_ns + 30 * SECOND_NS,
        fence=1,
        dry_run=False,
        reason="critical",
        unit="USDT",
        ratio_before=0.05,  # two bitcoins on 20,000 dollars
        target_ratio=0.001,
        steps=(a_step(),),
        caps=Caps(action=1e6, hour=1e6, day=1e6, used_hour=0.0, used_day=0.0),
    )
    return msgspec.structs.replace(request, **changed)


def write_config(
    folder: Path, exchange: LoopbackExchange, account: Account, store: StoreServer, executor: str = ""
) -> Path:
    """The executor's own file, with its secrets beside it."""
    for name, text in (
        ("trade.key", account.trading_key),
        ("trade.secret", account.trading_secret),
        ("requests.key", KEY.decode()),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o400)
    urls = ", ".join(f'{name} = "{url}"' for name, url in exchange.endpoints(account.venue).items())
    path = folder / "executor.toml"
    path.write_text(f"""schema = 1
[store]
url = "{store.url}"
[executor]
data_dir = "executor"
signing_key_file = "requests.key"
dry_run = false
limits = {{ action = 100_000, hour = 200_000, day = 200_000 }}
{executor}
[[accounts]]
name = "alpha"
venue = "{account.venue}"
environment = "loopback"
symbols = ["{SYMBOL}", "{OTHER}"]
credentials = {{ key_file = "trade.key", secret_file = "trade.secret" }}
endpoints = {{ {urls} }}
""")
    path.chmod(0o600)
    return path


class Stage:
    """An exchange, a store and a place for the executor's process."""

    def __init__(
        self, folder: Path, exchange: LoopbackExchange, account: Account, store: StoreServer
    ) -> None:
        self.folder, self.exchange, self.account, self.store = folder, exchange, account, store
        self.config = write_config(folder, exchange, account, store)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, failpoint: str = "") -> asyncio.subprocess.Process:
        """The real command, as a desk would start it."""
        with (self.folder / "executor.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "monitor",
                "executor",
                "--config",
                str(self.config),
                env={**os.environ, "MARGIND_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=output,
            )
        return self.process

    async def ended(self, timeout_s: float = 60.0) -> int:
        """Its exit code."""
        assert self.process is not None
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await self.ended(30.0)
        except TimeoutError:
            self.process.kill()
            raise

    async def ask(self, request: DeleverageRequest, key: bytes = KEY) -> None:
        """Hands a request over as the monitor does."""
        sealed = seal(request, key)
        fields = ("id", sealed.id, "body", sealed.body.decode(), "signature", sealed.signature)
        await self.store.ask("XADD", f"{PREFIX}:executor", "*", *fields)

    async def set_fence(self, epoch: int) -> None:
        """The epoch in force."""
        await self.store.ask("SET", f"{PREFIX}:deleverage:fence", epoch)

    async def results(self) -> list[DeleverageResult]:
        """What was told, in order, each with a signature that fits."""
        rows = await self.store.ask("XRANGE", f"{PREFIX}:deleverage:results", "-", "+")
        return [
            opened(DeleverageResult, fields["body"].encode(), fields["signature"], [KEY])
            for _, fields in rows
        ]

    async def result(self, count: int = 1) -> list[DeleverageResult]:
        """The results, when there are so many."""

        async def enough() -> list[DeleverageResult]:
            found = await self.results()
            return found if len(found) >= count else []

        return await eventually(
            enough, f"{count} results\n{(self.folder / 'executor.log').read_text()}", 60.0
        )

    def now(self, **changed: Any) -> DeleverageRequest:
        """A request of this moment, at the mark of this moment."""
        venue = self.account.venue
        mark = self.exchange.world.quote(venue, SYMBOL).mark
        limit = (mark * Decimal("0.995")).quantize(Decimal("0.1"))
        steps = (a_step(venue=venue, mark_price=str(mark), limit_price=str(limit)),)
        return a_request(time.time_ns(), **{"steps": steps, "venue": venue, **changed})


@asynccontextmanager
async def stage(folder: Path, venue: str = VENUE) -> AsyncIterator[Stage]:
    """Two bitcoins long, a store, and no executor yet."""
    binary = server_binary("valkey")
    assert binary is not None
    world = standard_world(venue)
    account = world.add_account(venue, "alpha", trading_key=True)
    world.set_wallet(account, "USDT", 20_000)
    world.set_position(account, SYMBOL, 2, leverage=20)
    store = StoreServer(binary, folder)
    async with LoopbackExchange(world, cadence=False) as exchange:
        await store.start()
        found = Stage(folder, exchange, account, store)
        try:
            await found.set_fence(1)
            yield found
        finally:
            await found.stop()
            await store.kill()
