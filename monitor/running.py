"""`margind run`: a daemon until it is told to stop, and what the operator must mend when it can't start."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from alerts.ledger import LedgerInUse, LedgerRefused
from monitor.config import Config
from monitor.daemon import Daemon, RecordingRefused
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.logs import log_to_stderr
from monitor.sinks.embedded_store import DataDirInUse, StoreError
from monitor.sinks.metrics import BadMetricsAddress

log = structlog.get_logger()


def run(read: Callable[[], Config], config: Config, record: Path | None = None) -> int:
    """`margind run`: until SIGTERM or Ctrl-C; SIGHUP makes it `read` again. Raises CommandFailed."""
    log_to_stderr()
    asyncio.run(started(config, record, read))
    return ExitCode.DONE


async def started(
    config: Config, record: Path | None = None, read: Callable[[], Config] | None = None
) -> None:
    """Runs a daemon until it is told to stop; what the operator must mend is a CommandFailed."""
    refusals: list[CommandFailed] = []
    try:
        await _run(config, record, read)
    except* (DataDirInUse, LedgerInUse) as errors:
        refusals.append(CommandFailed(_first_words(errors), ExitCode.IN_USE))
    except* (StoreError, LedgerRefused, BadMetricsAddress, RecordingRefused) as errors:
        refusals.append(CommandFailed(_first_words(errors)))
    if refusals:  # raised out here: inside, it would come wrapped in a group
        raise refusals[0]


def _first_words(errors: BaseExceptionGroup[BaseException]) -> str:
    """What the first of them says."""
    first = errors.exceptions[0]
    return _first_words(first) if isinstance(first, BaseExceptionGroup) else str(first)


async def _run(config: Config, record: Path | None, read: Callable[[], Config] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    daemon = Daemon(config, record=record)
    loop.add_signal_handler(signal.SIGUSR1, daemon.kill_actions)
    if read is not None:
        loop.add_signal_handler(signal.SIGHUP, daemon.reload, read)
    await daemon.run(stop, lambda at: log.info("ready", metrics=at.metrics, store=at.store))
    log.info("stopped")
