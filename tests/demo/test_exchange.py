"""`margind exchange`: what the example config is run against."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.demo.exchange import SWING, SYMBOL, UNDERLYING, VENUE, run_exchange, world_of_the_example
from monitor.exit_codes import CommandFailed, ExitCode

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def exchange(port: int) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, once it listens."""
    words = [sys.executable, "-m", "monitor", "exchange", "--port", str(port)]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}, account alpha" in process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(exchange: subprocess.Popen[str], port: int, number: int) -> None:
    """The venue's own REST answers on the port that was asked for; both ways to stop end it with code 0."""
    url = f"http://127.0.0.1:{port}/fapi/v1/premiumIndex?symbol={SYMBOL}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert json.load(answer)["symbol"] == SYMBOL
    exchange.send_signal(number)
    _, errors = exchange.communicate(timeout=30)
    assert (exchange.returncode, errors) == (ExitCode.DONE, "")


def test_a_port_that_is_taken_is_refused() -> None:
    """Two exchanges on one port would each get a part of the calls."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CommandFailed, match="choose another"),
    ):
        run_exchange(taken.getsockname()[1])


def test_the_swing_takes_the_account_close_to_its_end_and_not_past_it() -> None:
    """At the bottom some money is left, less than 2 % of the position: what the example calls critical."""
    world = world_of_the_example()
    (leg,) = world.account("binance_usdm/alpha").positions.values()
    top = world.quote(VENUE, SYMBOL).mark
    world.set_underlying(UNDERLYING, float(top) * (1 - SWING))
    bottom = world.quote(VENUE, SYMBOL).mark
    equity = world.account("binance_usdm/alpha").wallets["USDT"] + leg.quantity * (bottom - leg.entry)
    bracket = world.contracts[VENUE, SYMBOL].brackets[0]
    headroom = equity - (leg.quantity * bottom * bracket.rate - bracket.deduction)
    assert leg.quantity * bottom < bracket.cap
    assert 0 < headroom < leg.quantity * bottom / 50
