"""A config that is right, as text, and what to break in it."""

from __future__ import annotations

import base64
from pathlib import Path

from monitor.config import Config
from monitor.config_load import load
from monitor.config_problem import ConfigError

CANARY = "canary-7f3a-do-not-print"
SIGNING_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ADDRESS = "0x" + "ab" * 20

RIGHT = f"""\
schema = 1

[daemon]
data_dir = "data"

[store]

[alerts]

[metrics]

[[accounts]]
name = "alpha"
venue = "binance_usdm"
desk = "majors"
[accounts.credentials]
key_file = "key"
secret_env = "ALPHA_SECRET"

[[accounts]]
name = "beta"
venue = "hyperliquid"
desk = "alts"
address = "{ADDRESS}"

[[thresholds]]
model = "tiered"
ratio = {{ warning = 0.5, margin_call = 0.7, critical = 0.85 }}
distance = {{ warning = 0.1, margin_call = 0.05, critical = 0.02 }}
hysteresis = 0.05

[[receivers]]
name = "ops"
kind = "webhook"
url = "https://hooks.example.com/margind"
secret_file = "signing"

[[receivers]]
name = "screen"
kind = "terminal"

[[routes]]
receivers = ["ops", "screen"]
"""
ENVIRONMENT = {"ALPHA_SECRET": CANARY}


def folder_with(folder: Path, text: str) -> Path:
    """Writes the config and the secrets that it names; answers the config's path."""
    for name, content in (("key", CANARY), ("signing", SIGNING_SECRET), ("margind.toml", text)):
        (folder / name).write_text(content + "\n")
        (folder / name).chmod(0o600)
    return folder / "margind.toml"


def loaded(folder: Path, text: str = RIGHT, *, allow_empty: bool = False) -> Config:
    """The config of a text."""
    return load(folder_with(folder, text), allow_empty=allow_empty, environment=ENVIRONMENT)


def refusal(folder: Path, text: str) -> tuple[str, ...]:
    """The lines of the refusal, without the file's name; none when the text is accepted."""
    try:
        loaded(folder, text)
    except ConfigError as error:
        return tuple(line.removeprefix(f"{folder / 'margind.toml'}: ") for line in error.lines())
    return ()


def changed(old: str, new: str, text: str = RIGHT) -> str:
    """The text with one thing changed, which must be in it."""
    assert old in text, old
    return text.replace(old, new, 1)
