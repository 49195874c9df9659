"""`margind init`: a first config that runs, written where nothing is lost and nobody else reads."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from monitor.config_load import load
from monitor.config_rules import HYPERLIQUID_ADDRESS, PRIVATE_KEY
from monitor.exit_codes import CommandFailed, ExitCode

EXAMPLE = "example.toml"
DEMO_SECRETS = "demo-secrets"
DEMO_ACCOUNT = "binance_usdm/alpha"
ATTEMPTS = 3
QUESTION = "Hyperliquid address to watch (0x and 40 digits; public, never a private key): "
PRIVATE_KEY_REFUSAL = (
    "that looks like a private key (64 digits). margind only reads and must never have one: "
    "treat it as exposed, and give the public address"
)

FIRST_CONFIG = """\
# A first config of margind. Every key, explained: margind init --demo --out example.toml
schema = 1

[[accounts]]
name = "main"
venue = "hyperliquid"
desk = "desk"
address = "{address}"

# Where alerts go. The terminal is a start; add a webhook before you rely on it:
# [[receivers]]
# name = "ops"
# kind = "webhook"
# url = "https://..."
# secret_file = "/path/to/a/file/with/whsec_..."
[[receivers]]
name = "screen"
kind = "terminal"
"""


def init(
    out: Path, *, address: str | None, demo: bool, force: bool, ask: Callable[[str], str] | None = None
) -> int:
    """Writes the config and says what to do next."""
    if demo:
        _write(out, example_text(), force)
        _write_demo_secrets(out.parent / DEMO_SECRETS)
    else:
        _write(
            out, FIRST_CONFIG.format(address=_checked(address) if address is not None else _asked(ask)), force
        )
    load(out)  # what we write, we can read: a mistake here is ours, and shows now
    print(f"wrote {out}\nnext: margind check-config {out}\n      margind run {out}")
    return ExitCode.DONE


def example_text() -> str:
    """The commented example that ships in the package."""
    return resources.files("monitor").joinpath(EXAMPLE).read_text(encoding="utf-8")


def _asked(ask: Callable[[str], str] | None) -> str:
    if ask is None and not sys.stdin.isatty():
        raise CommandFailed("nobody to ask: pass --hyperliquid 0x... or --demo", ExitCode.REFUSED)
    for _ in range(ATTEMPTS):
        try:
            answer = (ask or input)(QUESTION).strip()
        except EOFError:
            break
        if HYPERLIQUID_ADDRESS.fullmatch(answer):
            return answer
        print(_mistake(answer), file=sys.stderr)
    raise CommandFailed("no address given; nothing was written", ExitCode.REFUSED)


def _checked(address: str) -> str:
    if not HYPERLIQUID_ADDRESS.fullmatch(address):
        raise CommandFailed(_mistake(address), ExitCode.REFUSED)
    return address


def _mistake(address: str) -> str:
    if PRIVATE_KEY.search(address):
        return PRIVATE_KEY_REFUSAL
    return "that is no address: 0x and 40 hexadecimal digits, 0x1234...cdef"


def _write(path: Path, text: str, force: bool) -> None:
    """Never over a file unless told to, and then whole or not at all; readable by the owner only."""
    if path.exists() and not force:
        raise CommandFailed(f"{path} is there already; --force replaces it", ExitCode.REFUSED)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _write_demo_secrets(folder: Path) -> None:
    """Keys for the exchange on this machine, which open nothing else; those that are there stay."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in demo_secrets().items():
        if not (folder / name).exists():
            _write(folder / name, text + "\n", force=False)


def demo_secrets() -> dict[str, str]:
    """By file name: what the exchange on this machine makes of the account's name, and a signing secret."""
    digest = hashlib.sha256(DEMO_ACCOUNT.encode()).hexdigest()
    return {
        "alpha-key": f"key{digest[:29]}",
        "alpha-secret": f"secret{digest[:58]}",
        "webhook": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }
