"""What a right config becomes: paths, secrets, defaults, routes and warnings."""

from __future__ import annotations

import copy
import json
import os
import pickle
from pathlib import Path

import msgspec
import pytest

from monitor.config import Config, Route, Secret
from monitor.config_load import load, load_place
from monitor.config_problem import ConfigError
from monitor.secrets import is_readable_by_all
from tests.support.configs import (
    CANARY,
    ENVIRONMENT,
    RIGHT,
    SIGNING_SECRET,
    changed,
    folder_with,
    loaded,
    refusal,
)

WITHOUT_ROUTES = RIGHT[: RIGHT.index("[[routes]]")]


def test_a_right_config_is_read_into_its_structs(tmp_path: Path) -> None:
    """Each table becomes its struct; what is left out has the default that the struct documents."""
    config = loaded(tmp_path)
    alpha, beta = config.accounts
    assert (alpha.name, alpha.venue, alpha.desk, alpha.environment) == (
        "alpha",
        "binance_usdm",
        "majors",
        "main",
    )
    assert beta.address is not None
    assert beta.credentials is None
    assert config.alerts.unknown_after_s == 9.0
    assert config.metrics.port == 9464
    assert config.routes == (Route(receivers=("ops", "screen")),)
    assert config.source == str(tmp_path / "margind.toml")


def test_paths_start_at_the_folder_of_the_config(tmp_path: Path) -> None:
    """A service started elsewhere finds the same files."""
    assert loaded(tmp_path).daemon.data_dir == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"), ({"MARGIND_DATA": "/srv/m"}, "/srv/m")],
)
def test_the_data_directory_may_be_left_out(tmp_path: Path, environment: dict[str, str], folder: str) -> None:
    """Without [daemon] the records are where `status` looks by itself."""
    path = folder_with(tmp_path, changed('[daemon]\ndata_dir = "data"\n', ""))
    assert load(path, environment={**ENVIRONMENT, **environment}).daemon.data_dir == folder


def test_without_routes_every_receiver_is_told_everything(tmp_path: Path) -> None:
    """A first receiver that never fails, a terminal, must not keep the second from being told."""
    assert loaded(tmp_path, WITHOUT_ROUTES).routes == (
        Route(receivers=("ops",), continue_=True),
        Route(receivers=("screen",), continue_=True),
    )


def test_continue_is_written_as_the_desk_says_it(tmp_path: Path) -> None:
    """`continue` is a word of Python and still the key."""
    text = RIGHT + 'continue = true\n[[routes]]\nreceivers = ["ops"]\n'
    assert [route.continue_ for route in loaded(tmp_path, text).routes] == [True, False]


def test_secrets_come_from_files_the_environment_and_credentials(tmp_path: Path) -> None:
    """Three sources, one text; the newline at the end of a file is none of it."""
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "webhook").write_text(SIGNING_SECRET + "\r\n")
    text = changed('secret_file = "signing"', 'secret_credential = "webhook"')
    path = folder_with(tmp_path, text)
    config = load(path, environment={**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path / "given")})
    assert config.accounts[0].credentials is not None
    assert config.accounts[0].credentials.key.reveal() == CANARY
    assert config.accounts[0].credentials.secret.reveal() == ENVIRONMENT["ALPHA_SECRET"]
    assert config.receivers[0].secret is not None
    assert config.receivers[0].secret.reveal() == SIGNING_SECRET


@pytest.mark.parametrize("name", ["../key", "/etc/passwd", "..", "a/b"])
def test_a_credential_is_a_name_and_no_path(tmp_path: Path, name: str) -> None:
    """$CREDENTIALS_DIRECTORY is not left."""
    path = folder_with(tmp_path, changed('key_file = "key"', f'key_credential = "{name}"'))
    with pytest.raises(ConfigError, match="plain name"):
        load(path, environment={**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n"])
def test_an_empty_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that a deployment forgot to fill is a missing secret."""
    path = folder_with(tmp_path, RIGHT)
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=r"credentials\.key_file: file .*key is empty"):
        load(path, environment=ENVIRONMENT)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no text, and files that are far too large, are named by path only."""
    path = folder_with(tmp_path, RIGHT)
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=r"not UTF-8|larger than") as refused:
        load(path, environment=ENVIRONMENT)
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize("key", ["key_file", "key_env", "key_credential"])
@pytest.mark.parametrize("secret", ["hunter2", CANARY, "/" + "aB3" * 20, "k" * 300, "\x1b[2J"])
def test_a_secret_in_the_place_of_its_name_is_not_shown(tmp_path: Path, key: str, secret: str) -> None:
    """Who pastes the secret where its file or variable belongs finds no copy of it in the refusal."""
    path = folder_with(tmp_path, changed('key_file = "key"', f"{key} = {json.dumps(secret)}"))
    with pytest.raises(ConfigError, match=rf"credentials\.{key}: ") as refused:
        load(path, environment={**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path / "given")})
    assert secret not in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_named_pipe_does_not_hold_the_start(tmp_path: Path) -> None:
    """What is no regular file is refused at once, not waited for."""
    path = folder_with(tmp_path, RIGHT)
    (tmp_path / "key").unlink()
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(ConfigError, match="no regular file"):
        load(path, environment=ENVIRONMENT)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("name", ["key", "margind.toml"])
def test_a_file_that_others_may_change_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    """Who may change the config or a secret decides who is warned, so only the owner may."""
    path = folder_with(tmp_path, RIGHT)
    (tmp_path / name).chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod go-w {tmp_path / name}"):
        load(path, environment=ENVIRONMENT)


def test_a_secret_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    """It works, and the operator is told how to close it."""
    path = folder_with(tmp_path, RIGHT)
    (tmp_path / "key").chmod(0o644)
    (warning,) = load(path, environment=ENVIRONMENT).warnings
    assert warning.startswith('accounts[0] (name "alpha").credentials.key_file: ')
    assert warning.endswith(f"may be read by everybody on this machine: chmod 0400 {tmp_path / 'key'}")


def test_a_folder_that_the_system_guards_needs_no_warning(tmp_path: Path) -> None:
    """Files in $CREDENTIALS_DIRECTORY have the rights that systemd chose."""
    (tmp_path / "key").write_text("k")
    (tmp_path / "key").chmod(0o444)
    assert is_readable_by_all(tmp_path / "key", {})
    assert not is_readable_by_all(tmp_path / "key", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_what_may_be_meant_is_a_warning(tmp_path: Path) -> None:
    """Entries that take nothing, levels that nobody hears, a lonely terminal: said, not refused."""
    routes = (
        '[[routes]]\nreceivers = ["ops", "screen"]\nminimum = "critical"\n'
        '[[routes]]\nvenue = "bybit"\nreceivers = ["ops"]\n'
    )
    text = changed('[[routes]]\nreceivers = ["ops", "screen"]\n', routes)
    text = changed('model = "tiered"', 'model = "bybit_unified"', text)
    words = "\n".join(
        loaded(
            tmp_path, changed('minimum = "critical"\n', 'minimum = "critical"\ncontinue = true\n', text)
        ).warnings
    )
    assert "thresholds[0]: matches no account" in words
    assert "routes[1]: matches no account" in words
    assert 'accounts[0] (name "alpha"): nobody is told of warning and margin_call' in words
    only_screen = (
        WITHOUT_ROUTES[: WITHOUT_ROUTES.index("[[receivers]]")]
        + '[[receivers]]\nname = "s"\nkind = "terminal"\n'
    )
    assert "receivers: alerts are printed on the terminal only" in "\n".join(
        loaded(tmp_path, only_screen).warnings
    )


def test_a_whole_route_after_narrow_ones_is_accepted(tmp_path: Path) -> None:
    """Narrow first, wide last, and a higher level before a lower one, is how routes are written."""
    routes = (
        '[[routes]]\ndesk = "alts"\nminimum = "critical"\nreceivers = ["ops"]\n'
        '[[routes]]\ndesk = "alts"\nreceivers = ["screen"]\n[[routes]]\nreceivers = ["ops", "screen"]\n'
    )
    assert refusal(tmp_path, changed('[[routes]]\nreceivers = ["ops", "screen"]\n', routes)) == ()


def test_accounts_of_one_exchange_and_venues_apart_are_accepted(tmp_path: Path) -> None:
    """Two accounts on one loopback exchange watch one market; another venue may be another environment."""
    loopback = """
[[accounts]]
name = "NAME"
venue = "bybit"
desk = "alts"
environment = "loopback"
endpoints = { rest = "http://127.0.0.1:9801SLASH", ws = "ws://127.0.0.1:9801" }
credentials = { key_file = "FILE", secret_env = "ALPHA_SECRET" }
"""
    text = RIGHT.replace('desk = "alts"', 'desk = "alts"\nenvironment = "testnet"')
    for name, slash, file in (("gamma", "", "key"), ("delta", "/", "signing")):
        text += loopback.replace("NAME", name).replace("SLASH", slash).replace("FILE", file)
    assert [a.environment for a in loaded(tmp_path, text).accounts] == [
        "main",
        "testnet",
        "loopback",
        "loopback",
    ]


def test_a_secret_never_shows_itself(tmp_path: Path) -> None:
    """Not by repr, str, format, JSON, pickle or copy, alone or inside the whole config."""
    config = loaded(tmp_path)
    for shown in (repr(config), str(config), f"{config}", f"{config.receivers!r:>10}"):
        assert CANARY not in shown
        assert SIGNING_SECRET not in shown
    secret = Secret(CANARY, "a test")
    assert f"{secret}|{secret!r}" == "Secret(from a test)|Secret(from a test)"
    for leak in (json.dumps, pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.msgpack.encode):
        with pytest.raises(TypeError):
            leak(secret)


def test_status_finds_the_store_without_reading_exchange_keys(tmp_path: Path) -> None:
    """[daemon] and [store] are enough to look, so who looks needs no right to the keys."""
    text = changed("[store]", '[store]\nurl = "redis://127.0.0.1:6379/0"\npassword_file = "signing"')
    path = folder_with(tmp_path, text)
    (tmp_path / "key").unlink()
    daemon, store = load_place(path, environment={})
    assert daemon.data_dir == str(tmp_path / "data")
    assert store.url == "redis://127.0.0.1:6379/0"
    assert store.password is not None
    assert store.password.reveal() == SIGNING_SECRET


def test_the_config_is_frozen(tmp_path: Path) -> None:
    """Who holds a config can't change it for others."""
    config: Config = loaded(tmp_path)
    with pytest.raises(AttributeError):
        config.daemon.shard = "other"  # type: ignore[misc]
