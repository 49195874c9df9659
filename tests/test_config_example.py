"""The example that ships: whole, right, and in step with the structs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.loopback import Faults
from adapters.loopback.server import FACES
from adapters.loopback.sockets import Hub
from monitor.cli_here import EXAMPLE_PORT
from monitor.config import (
    Account,
    Alerts,
    Commands,
    Credentials,
    Daemon,
    Heartbeat,
    Levels,
    Metrics,
    Receiver,
    Route,
    Store,
    Threshold,
)
from monitor.config_check_deleverage import BOUNDS
from monitor.config_deleverage import Deleverage, Hook
from monitor.config_duty import Escalation, Rota, TimeInterval
from monitor.config_history import History
from monitor.config_load import config_from, load
from monitor.config_names import MODEL_NAMES, RECEIVER_KINDS, VENUE_NAMES
from monitor.config_problem import ConfigError
from monitor.config_read import keys_of
from monitor.config_transfers import Transfer
from monitor.demo.exchange import world_of_the_example
from monitor.init_command import DEMO_ACCOUNT, DEMO_SECRETS, example_text, init
from monitor.thresholds import DEFAULT_HYSTERESIS, SHIPPED

UNUSED_KEY = re.compile(r"^#(?=[a-z\[])", re.MULTILINE)
KINDS: dict[str, type[msgspec.Struct]] = {
    "daemon": Daemon,
    "store": Store,
    "metrics": Metrics,
    "alerts": Alerts,
    "heartbeat": Heartbeat,
    "commands": Commands,
    "deleverage": Deleverage,
    "hooks": Hook,
    "history": History,
    "accounts": Account,
    "accounts.credentials": Credentials,
    "thresholds": Threshold,
    "thresholds.ratio": Levels,
    "thresholds.distance": Levels,
    "thresholds.volatilities": Levels,
    "thresholds.minutes": Levels,
    "thresholds.funding": Levels,
    "thresholds.depeg": Levels,
    "transfers": Transfer,
    "receivers": Receiver,
    "routes": Route,
    "escalations": Escalation,
    "rotas": Rota,
    "time_intervals": TimeInterval,
}


def written_out() -> dict[str, Any]:
    """The example with every unused key in use."""
    return tomllib.loads(UNUSED_KEY.sub("", example_text()))


def keys_in(document: dict[str, Any], path: str) -> set[str]:
    """The keys of all tables at a path."""
    tables: list[dict[str, Any]] = [document]
    for part in path.split("."):
        inner = [table[part] for table in tables if part in table]
        tables = [table for value in inner for table in (value if isinstance(value, list) else [value])]
    return {key for table in tables for key in table}


@pytest.mark.parametrize("path", KINDS)
def test_the_example_has_every_key_and_no_other(path: str) -> None:
    """A key that is added to a struct is explained in the example, and one that goes, goes there too."""
    expected = set(keys_of(KINDS[path]))
    if path == "accounts.credentials":
        assert expected == {
            f"{field}_{source}"
            for field in ("key", "secret", "passphrase")
            for source in ("file", "env", "credential")
        }
    assert keys_in(written_out(), path) == expected


def test_the_unused_keys_are_written_rightly(tmp_path: Path) -> None:
    """With every line in use, only what can't hold at once is refused: no unknown key, no wrong value."""
    with pytest.raises(ConfigError) as refused:
        config_from(written_out(), "example.toml", tmp_path, {})
    expected = r"given [23] t|hyperliquid wants|can't read|no variable|never reached|is no signing|No such"
    assert [line for line in refused.value.lines() if not re.search(expected, line)] == []


def test_defaults_that_the_example_shows_are_the_defaults() -> None:
    """`#key = value` in the plain sections shows what holds without it."""
    document = written_out()
    shown_otherwise = {("daemon", "data_dir"), ("store", "url"), ("metrics", "port")} | {
        ("deleverage", bound) for bound in BOUNDS
    }
    for section in ("daemon", "store", "metrics", "alerts", "heartbeat", "deleverage"):
        for field in msgspec.structs.fields(KINDS[section]):
            if field.name in document[section] and (section, field.name) not in shown_otherwise:
                shown = document[section][field.name]
                shown = tuple(shown) if isinstance(shown, list) else shown
                assert shown == field.default, (section, field.name)


def test_what_ships_for_the_models_is_what_the_example_says() -> None:
    """The one sentence on shipped levels names each model and their figures."""
    text = example_text()
    assert set(SHIPPED) == set(MODEL_NAMES)
    assert all(name in text for name in (*MODEL_NAMES, *VENUE_NAMES, *RECEIVER_KINDS))
    others = {shipped for model, shipped in SHIPPED.items() if model != "venue_ratio"}
    assert [(words(shipped.ratio), words(shipped.distance)) for shipped in others] == [
        ("0.5, 0.7, 0.85", "0.05, 0.03, 0.015")
    ]
    own = SHIPPED["venue_ratio"]
    assert f"ratio 0.5, 0.7, 0.85 (venue_ratio: {words(own.ratio)}), distance" in text
    assert f"0.05, 0.03, 0.015 (venue_ratio: none), hysteresis {DEFAULT_HYSTERESIS:g}" in text
    assert own.distance is None


def words(levels: Levels | None) -> str:
    """Three levels as the example writes them."""
    assert levels is not None
    return f"{levels.warning:g}, {levels.margin_call:g}, {levels.critical:g}"


def test_the_demo_keys_are_those_of_the_exchange_on_this_machine(tmp_path: Path) -> None:
    """The account that the example watches is one that the exchange makes, with its key and secret."""
    world = world_of_the_example()
    account = world.account(DEMO_ACCOUNT)
    assert init(tmp_path / "e.toml", address=None, demo=True, force=False) == 0
    (watched,) = load(tmp_path / "e.toml").accounts
    assert watched.credentials is not None
    assert (f"{watched.venue}/{watched.name}", account.id) == (DEMO_ACCOUNT, DEMO_ACCOUNT)
    assert watched.credentials.key.reveal() == account.key
    assert watched.credentials.secret.reveal() == account.secret
    assert watched.endpoints == FACES[watched.venue](world, Faults(), Hub()).endpoints(EXAMPLE_PORT)


def test_init_demo_writes_the_example_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file that runs is the file that ships, byte for byte, beside secrets that only the owner reads."""
    out = tmp_path / "demo" / "example.toml"
    out.parent.mkdir()
    assert init(out, address=None, demo=True, force=False) == 0
    assert out.read_text() == example_text()
    config = load(out)
    assert [account.environment for account in config.accounts] == ["loopback"]
    assert config.warnings == (
        "receivers: alerts are printed on the terminal only: nobody is told elsewhere",
    )
    secret_files = sorted((out.parent / DEMO_SECRETS).iterdir())
    assert {path.stat().st_mode & 0o777 for path in [*secret_files, out]} == {0o600}
    assert (out.parent / DEMO_SECRETS).stat().st_mode & 0o777 == 0o700
    assert not any(path.read_text().strip() in capsys.readouterr().out for path in secret_files)
