"""The executor's own config file: read whole, refused with every mistake, and never the monitor's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from adapters.gate import Gates
from adapters.orders import UnsupportedVenue
from monitor.cli import main
from monitor.clock import SystemClock
from monitor.config_executor_load import load_executor
from monitor.config_problem import ConfigError
from monitor.executor.venues import order_venue
from monitor.names import Metrics

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = """schema = 1
[store]
url = "unix:///run/margind/store.sock"
[executor]
data_dir = "executor"
signing_key_file = "signing"
limits = { action = 50_000, hour = 100_000, day = 200_000 }
[[accounts]]
name = "alpha"
venue = "binance_usdm"
symbols = ["BTCUSDT"]
credentials = { key_file = "key", secret_file = "secret" }
"""


def written(folder: Path, text: str) -> Path:
    """The file, with secrets beside it."""
    for name in ("signing", "key", "secret"):
        (folder / name).write_text(f"{name}-CANARY")
        (folder / name).chmod(0o400)
    path = folder / "executor.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_good_file_is_read_and_is_dry_unless_it_says_otherwise(tmp_path: Path) -> None:
    """Dry run is the default; the data directory is beside the file; a secret shows itself nowhere."""
    config = load_executor(written(tmp_path, GOOD))
    assert config.executor.dry_run
    assert config.executor.data_dir == str(tmp_path / "executor")
    assert config.accounts[0].symbols == ("BTCUSDT",)
    assert "CANARY" not in repr(config)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("schema = 1", "", "schema"),
        ('url = "unix:///run/margind/store.sock"', "", "store.url"),
        ("limits = { action = 50_000, hour = 100_000, day = 200_000 }", "", "executor.limits"),
        ("hour = 100_000, ", "", "executor.limits.hour"),
        ("action = 50_000", "action = -1", "executor.limits.action"),
        ("action = 50_000", "action = nan", "executor.limits.action"),
        ('signing_key_file = "signing"', "", "executor.signing_key"),
        ('signing_key_file = "signing"', 'signing_key = "abc"', "executor.signing_key"),
        ('data_dir = "executor"', 'data_dir = "executor"\nmax_slippage = 5', "executor.max_slippage"),
        ('data_dir = "executor"', 'data_dir = "executor"\ndry_run = "no"', "executor.dry_run"),
        ('symbols = ["BTCUSDT"]', "symbols = []", "symbols"),
        ('symbols = ["BTCUSDT"]', 'symbols = ["A\\u0007"]', "symbols"),
        ('symbols = ["BTCUSDT"]', "", "symbols"),
        ('name = "alpha"', 'name = "../x"', "name"),
        ('credentials = { key_file = "key", secret_file = "secret" }', "", "credentials"),
        ("[executor]", "[receivers]\n[executor]", "receivers"),
    ],
)
def test_each_mistake_is_told_with_its_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    """What is wrong is refused, and the line names the key."""
    assert old in GOOD
    with pytest.raises(ConfigError) as found:
        load_executor(written(tmp_path, GOOD.replace(old, new, 1)))
    assert told in str(found.value)
    assert "CANARY" not in str(found.value)


def test_an_account_is_there_once(tmp_path: Path) -> None:
    """Two keys of one account would be two answers."""
    accounts = GOOD[GOOD.index("[[accounts]]") :]
    with pytest.raises(ConfigError, match="more than once"):
        load_executor(written(tmp_path, GOOD + accounts))


@pytest.mark.parametrize("venue", ["hyperliquid", "ccxt:okx"])
def test_a_venue_that_takes_no_orders_is_unsupported(tmp_path: Path, venue: str) -> None:
    """It is said at the start, with what to do instead."""
    config = load_executor(written(tmp_path, GOOD.replace("binance_usdm", venue)))
    clock = SystemClock()
    with pytest.raises(UnsupportedVenue, match="stream"):
        order_venue(config.accounts[0], clock, Metrics(), Gates(clock))


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """A command that runs in this process sets the log to its own standard error."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("_log_as_before")
def test_the_command_refuses_what_it_can_not_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unsupported venue, an unknown account to release: one line, and exit code 2."""
    path = written(tmp_path, GOOD.replace("binance_usdm", "hyperliquid"))
    assert main(["executor", "--config", str(path)]) == 2
    assert main(["executor", "--config", str(path), "--release", "hyperliquid/beta"]) == 2
    assert main(["executor", "--config", str(path), "--release", "hyperliquid/alpha"]) == 0
    told = capsys.readouterr()
    assert "places no orders at hyperliquid" in told.err
    assert "hyperliquid/alpha was not locked" in told.out


def test_the_example_is_the_one_of_the_tests() -> None:
    """deploy/executor.toml is read but for its secrets, which are not there."""
    with pytest.raises(ConfigError) as found:
        load_executor(ROOT / "deploy" / "executor.toml")
    assert all(
        "_file" in line or "$CREDENTIALS_DIRECTORY" in line or "_credential" in line
        for line in found.value.lines()
    )
