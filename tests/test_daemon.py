"""The composition root: what an operator has to mend ends in one line, not in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor import running
from monitor.config import Account, Config, Metrics, Receiver, Route
from monitor.config import Daemon as DaemonConfig
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.sinks.embedded_store import EmbeddedStore


def config(folder: Path, host: str = "127.0.0.1") -> Config:
    """One account by address, at an exchange that is not there."""
    account = Account(
        name="alpha",
        venue="hyperliquid",
        desk="desk",
        environment="loopback",
        address=f"0x{'1' * 40}",
        endpoints={"rest": "http://127.0.0.1:9", "ws": "ws://127.0.0.1:9"},
    )
    return Config(
        daemon=DaemonConfig(str(folder)),
        accounts=(account,),
        receivers=(Receiver("screen", "terminal"),),
        routes=(Route(("screen",)),),
        metrics=Metrics(host=host, port=0),
    )


@pytest.mark.integration
async def test_a_second_daemon_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """Whoever comes second says in one line that the data directory is in use, and its own exit code."""
    async with EmbeddedStore(tmp_path):
        with pytest.raises(CommandFailed) as failed:
            await running.started(config(tmp_path))
    assert failed.value.code is ExitCode.IN_USE


@pytest.mark.integration
async def test_an_address_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """Metrics are served on loopback only; another host ends the start with one line."""
    with pytest.raises(CommandFailed) as failed:
        await running.started(config(tmp_path, host="192.0.2.1"))
    assert "192.0.2.1" in str(failed.value)
