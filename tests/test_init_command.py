"""A first config: asked for or given, written for the owner only, never over another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.config_load import load
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.init_command import init
from tests.support.configs import ADDRESS

PRIVATE_KEY = "0x" + "5eed" * 16


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "margind.toml"


def test_an_address_becomes_a_config_that_is_right(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written passes check-config as it is."""
    assert main(["init", "--hyperliquid", ADDRESS, "--out", str(out)]) == ExitCode.DONE
    config = load(out)
    assert [(account.venue, account.address) for account in config.accounts] == [("hyperliquid", ADDRESS)]
    assert out.stat().st_mode & 0o777 == 0o600
    assert f"margind run {out}" in capsys.readouterr().out


@pytest.mark.parametrize("address", [PRIVATE_KEY, PRIVATE_KEY[2:]])
def test_a_private_key_is_refused_and_not_shown(
    out: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    """Who pastes the wrong one is told that it is exposed; nothing is written."""
    assert main(["init", "--hyperliquid", address, "--out", str(out)]) == ExitCode.REFUSED
    shown = capsys.readouterr()
    assert "private key" in shown.err
    assert shown.err.count("\n") == 1
    assert "5eed" not in shown.err + shown.out
    assert not out.exists()


def test_a_file_that_is_there_stays_unless_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A config is never lost to a second `init`."""
    out.write_text("mine")
    assert main(["init", "--hyperliquid", ADDRESS, "--out", str(out)]) == ExitCode.REFUSED
    assert out.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main(["init", "--hyperliquid", ADDRESS, "--out", str(out), "--force"]) == ExitCode.DONE
    assert load(out).accounts
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_demo_keeps_secrets_that_are_there(out: Path) -> None:
    """A second --demo --force replaces the config, not a signing secret that a receiver may know by now."""
    assert init(out, address=None, demo=True, force=False) == ExitCode.DONE
    secret = out.parent / "demo-secrets" / "webhook"
    before = secret.read_text()
    assert init(out, address=None, demo=True, force=True) == ExitCode.DONE
    assert secret.read_text() == before


def test_the_address_is_asked_for_until_it_is_one(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip is told and asked again; a private key is refused without being shown."""
    answers = iter(["0x12", PRIVATE_KEY, f" {ADDRESS} "])
    assert init(out, address=None, demo=False, force=False, ask=lambda _: next(answers)) == ExitCode.DONE
    assert load(out).accounts[0].address == ADDRESS
    told = capsys.readouterr().err.splitlines()
    assert ["private key" in line for line in told] == [False, True]
    assert "5eed" not in str(told)


def _end_of_input() -> Iterator[str]:
    raise EOFError
    yield ""


@pytest.mark.parametrize("answers", [lambda: iter(["no"] * 9), _end_of_input])
def test_no_answer_writes_nothing(out: Path, answers: object) -> None:
    """After three slips, or at the end of the input, the folder is as before."""
    given = answers()  # type: ignore[operator]
    with pytest.raises(CommandFailed, match="nothing was written"):
        init(out, address=None, demo=False, force=False, ask=lambda _: next(given))
    assert not out.exists()


def test_without_a_terminal_nobody_is_asked(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script is told what to pass instead of being left waiting."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert main(["init", "--out", str(out)]) == ExitCode.REFUSED
    assert capsys.readouterr().err == "margind: nobody to ask: pass --hyperliquid 0x... or --demo\n"
