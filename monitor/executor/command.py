"""`margind executor`: its own process with its own keys. Takes requests until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from adapters.gate import Gates
from adapters.orders import UnsupportedVenue
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from alerts.failpoints import reach
from alerts.ledger_file import LedgerInUse
from monitor.clock import SystemClock
from monitor.config_executor import ExecutorConfig
from monitor.deleverage.request import BadSeal, DeleverageRequest, DeleverageResult, opened
from monitor.domain.identity import account_id
from monitor.executor.journal import Journal, JournalRefused
from monitor.executor.store import Entry, RedisStore
from monitor.executor.venues import order_venue
from monitor.executor.work import Executor, StoreUnavailable, Trading
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.logs import log_to_stderr
from monitor.names import Metrics

log = structlog.get_logger()
KILL_FILE = "KILL"
PAUSE_S = 1.0
SETTLE_EVERY_S = 15.0


def run(config: ExecutorConfig, release: str | None = None) -> int:
    """Works until SIGTERM or Ctrl-C; with `release` only takes an account's lock away."""
    log_to_stderr()
    try:
        journal = Journal(Path(config.executor.data_dir))
    except LedgerInUse as error:
        raise CommandFailed(str(error), ExitCode.IN_USE) from None
    except (JournalRefused, OSError, sqlite3.Error) as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    try:
        if release is not None:
            return _release(journal, config, release)
        asyncio.run(serve(config, journal))
    except (JournalRefused, UnsupportedVenue, KeyRefused) as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    finally:
        journal.close()
    return ExitCode.DONE


def _release(journal: Journal, config: ExecutorConfig, account: str) -> int:
    known = [account_id(one.venue, one.name) for one in config.accounts]
    if account not in known:
        raise CommandFailed(f"no account {account[:200]} here; there is {', '.join(known)}", ExitCode.REFUSED)
    why = journal.locked(account)
    journal.release_account(account)
    print(f"{account} was locked: {why}; it is released" if why else f"{account} was not locked")
    return ExitCode.DONE


async def serve(config: ExecutorConfig, journal: Journal) -> None:
    """Everything with a beginning and an end around the loop."""
    clock, metrics = SystemClock(), Metrics()
    gates = Gates(clock)
    folder = Path(config.executor.data_dir)
    async with AsyncExitStack() as stack:
        trading: dict[str, Trading] = {}
        for one in config.accounts:
            venue = order_venue(one, clock, metrics, gates)
            stack.push_async_callback(venue.close)
            trading[account_id(one.venue, one.name)] = Trading(venue, frozenset(one.symbols))
        store = RedisStore(config, journal.name)
        stack.push_async_callback(store.close)
        executor = Executor(
            config.executor,
            journal,
            store,
            trading,
            clock,
            is_killed_here=(folder / KILL_FILE).exists,
        )
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await _check_keys(trading, stop)
        await Taker(config, executor, store, stop).take_forever()


async def _check_keys(trading: dict[str, Trading], stop: asyncio.Event) -> None:
    """Raises KeyRefused for a key that can't trade or can withdraw; waits for a silent venue."""
    for account, one in trading.items():
        while not stop.is_set():
            try:
                await one.venue.check_key()
            except (VenueUnavailable, UnsupportedMode) as error:
                log.warning("venue_does_not_answer", account=account, error=str(error))
                await _pause(stop, PAUSE_S)
            else:
                break


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


class Taker:
    """Takes entries one by one, and asks again for what was lost."""

    def __init__(
        self, config: ExecutorConfig, executor: Executor, store: RedisStore, stop: asyncio.Event
    ) -> None:
        self._config = config
        self._executor = executor
        self._store = store
        self._stop = stop
        self._keys = _keys(config)

    async def take_forever(self) -> None:
        """Until told to stop; what is begun is ended first."""
        loop = asyncio.get_running_loop()
        settled_s, is_open = loop.time(), False
        while not self._stop.is_set():
            try:
                if not is_open:
                    await self._store.open()
                    is_open = True
                    log.info("executor_ready", accounts=len(self._config.accounts), dry_run=self._dry)
                if loop.time() - settled_s >= SETTLE_EVERY_S:
                    settled_s = loop.time()
                    await self._executor.settle_lost(self._tell)
                entry = await self._store.take()
                if entry is not None:
                    reach("request_taken")
                    await self._take(entry)
            except StoreUnavailable as error:
                is_open = False
                log.warning("store_unavailable", why=str(error))
                await _pause(self._stop, PAUSE_S)

    @property
    def _dry(self) -> bool:
        return self._config.executor.dry_run

    async def _take(self, entry: Entry) -> None:
        try:
            request = opened(DeleverageRequest, entry.body, entry.signature, self._keys)
        except BadSeal as error:
            log.error("request_not_read", entry=entry.number, why=str(error)[:200])
        else:
            log.info("request_taken", request=request.id, pool=request.pool, steps=len(request.steps))
            await self._executor.work(request, entry.body, self._tell)
        await self._store.acknowledge(entry)
        reach("request_done")

    async def _tell(self, result: DeleverageResult) -> None:
        log.info(
            "step_ended",
            request=result.request,
            step=result.step,
            state=result.state.value,
            guard=result.guard,
            why=result.why,
            order=result.client_order_id,
        )
        await self._store.tell(result)


def _keys(config: ExecutorConfig) -> Sequence[bytes]:
    keys = (config.executor.signing_key, config.executor.signing_key_previous)
    return [key.reveal().encode() for key in keys if key is not None]
