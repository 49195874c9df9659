"""Accounts of any other exchange in a config: what it is read by, and that a wrong name stops the start."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from monitor.daemon import Daemon
from monitor.exit_codes import CommandFailed, ExitCode
from tests.support.configs import ADDRESS, CANARY, RIGHT, loaded, refusal

ACCOUNT = """
[[accounts]]
name = "gamma"
venue = "VENUE"
desk = "alts"
"""
KEY = 'credentials = { key_file = "key", secret_file = "signing", passphrase_env = "ALPHA_SECRET" }\n'
BY_ADDRESS = f'address = "{ADDRESS[:-1]}c"\n'


def with_account(venue: str, access: str) -> str:
    """A right config and one account more."""
    return RIGHT + ACCOUNT.replace("VENUE", venue) + access


def test_a_passphrase_is_a_third_secret(tmp_path: Path) -> None:
    """OKX, Bitget and KuCoin want one; it comes from where secrets come from."""
    account = loaded(tmp_path, with_account("ccxt:okx", KEY)).accounts[2]
    assert account.credentials is not None
    assert account.credentials.passphrase is not None
    assert account.credentials.passphrase.reveal() == CANARY
    assert CANARY not in repr(account)


@pytest.mark.parametrize("access", [KEY, BY_ADDRESS])
def test_only_ccxt_knows_by_what_an_exchange_is_read(tmp_path: Path, access: str) -> None:
    """A key or an address is accepted; nothing at all is not."""
    assert refusal(tmp_path, with_account("ccxt:hyperliquid", access)) == ()
    (line,) = refusal(tmp_path, with_account("ccxt:hyperliquid", ""))
    assert line.startswith('accounts[2] (name "gamma").credentials: is missing')


def test_a_native_venue_is_still_read_one_way(tmp_path: Path) -> None:
    """What holds through ccxt does not loosen the others."""
    assert refusal(tmp_path, with_account("bybit", KEY + BY_ADDRESS))


def test_an_exchange_that_ccxt_does_not_have_stops_the_start(tmp_path: Path) -> None:
    """Before anything is opened, naming the account."""
    config = loaded(tmp_path, with_account("ccxt:nosuch", KEY))
    with pytest.raises(CommandFailed, match="accounts 'gamma': ccxt has no exchange 'nosuch'") as failed:
        Daemon(config, rng=random.Random(1))
    assert failed.value.code is ExitCode.REFUSED
