"""The command line: one line for each error, documented codes, and nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.exit_codes import MEANINGS, ExitCode
from tests.support.configs import ADDRESS, CANARY, ENVIRONMENT, RIGHT, SIGNING_SECRET, changed, folder_with

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("numba", "llvmlite", "ccxt", "aiohttp", "websockets", "slack_sdk")
NAMES_HEAVY = (
    "import sys; from monitor.cli import main\n"
    "try: main(sys.argv[1:])\n"
    f"finally: print('heavy:', *sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
)
WITHOUT_ACCOUNTS = "schema = 1\n" + RIGHT[RIGHT.index("[[receivers]]") :]
WITHOUT_RECEIVERS = RIGHT[: RIGHT.index("[[receivers]]")]
UNORDERED = (
    "ratios rise towards liquidation at 1; warning 0.8, margin_call 0.7, critical 0.85 does not: "
    "write e.g. { warning = 0.5, margin_call = 0.7, critical = 0.85 }"
)
NAMED_MISTAKES = {
    "unknown key": (
        changed('desk = "majors"', 'desk = "majors"\nsubacount = "x"'),
        'accounts[0] (name "alpha").subacount: unknown key; did you mean "subaccount"?',
    ),
    "wrong unit": (
        changed("critical = 0.85", "critical = 80"),
        "thresholds[0].ratio.critical: 80 looks like per cent; ratios are fractions: write 0.8",
    ),
    "unordered thresholds": (
        changed("warning = 0.5,", "warning = 0.8,"),
        f"thresholds[0].ratio: {UNORDERED}",
    ),
    "missing secret file": (
        changed('key_file = "key"', 'key_file = "/no/key"'),
        'accounts[0] (name "alpha").credentials.key_file: can\'t read /no/key: No such file or directory',
    ),
    "no account": (WITHOUT_ACCOUNTS, "accounts: there is none: add an [[accounts]] (or pass --allow-empty)"),
    "no receiver": (
        WITHOUT_RECEIVERS,
        "receivers: there is none, so nobody would be told: add a [[receivers]] (or --allow-empty)",
    ),
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A right config with its secrets."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return folder_with(tmp_path, RIGHT)


def margind(*words: str | Path, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own."""
    how = ["-m", "monitor"] if code is None else ["-c", code]
    command = [sys.executable, *how, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize("command", ["check-config", "run"])
@pytest.mark.parametrize("mistake", NAMED_MISTAKES)
def test_a_config_with_a_mistake_is_refused_at_start_and_by_check_config(
    config: Path, capsys: pytest.CaptureFixture[str], command: str, mistake: str
) -> None:
    """Code 2 and exactly one line: the file, the key's path, and what would be right."""
    text, line = NAMED_MISTAKES[mistake]
    config.write_text(text)
    assert main([command, str(config)]) == ExitCode.REFUSED
    assert capsys.readouterr() == ("", f"{config}: {line}\n")


def test_python_m_monitor_is_the_command(config: Path) -> None:
    """The process ends with the command's code, and a refusal is no traceback."""
    assert margind("check-config", config).returncode == ExitCode.DONE
    config.write_text("schema = 1\n")
    refused = margind("check-config", config)
    assert refused.returncode == ExitCode.REFUSED
    assert [line.split(": ")[1] for line in refused.stderr.splitlines()] == ["accounts", "receivers"]


@pytest.mark.parametrize(
    "words", [["--help"], ["check-config", "{config}"], ["status", "--data-dir", "{folder}"]]
)
def test_answers_at_once_come_without_what_is_heavy(config: Path, words: list[str]) -> None:
    """--help, check-config and status import no compiler, no exchange library and no server."""
    filled = [word.format(config=config, folder=config.parent) for word in words]
    ended = margind(*filled, code=NAMES_HEAVY)
    assert ended.stderr.splitlines()[-1] == "heavy:"


def test_a_refused_run_imports_nothing_heavy(config: Path) -> None:
    """A mistake is told in a moment, not after the compiler has loaded."""
    config.write_text("schema = 1\n")
    ended = margind("run", config, code=NAMES_HEAVY)
    assert ended.stderr.splitlines()[-1] == "heavy:"
    assert f"{config}: accounts: there is none" in ended.stderr


def test_check_config_says_what_would_run(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Accounts with the levels of each model, receivers and routes; no secret, no path of a URL."""
    assert main(["check-config", str(config)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    for words in (
        "binance_usdm/alpha  desk majors, main",
        "tiered: ratio 0.5 / 0.7 / 0.85, distance 10 % / 5 % / 2 %, clears 5 % below",
        "multi_assets: ratio 0.5 / 0.7 / 0.85, distance 5 % / 3 % / 1.5 %, clears 5 % below",
        "ops  webhook https://hooks.example.com\n",
        "everything from warning: ops, then screen",
    ):
        assert words in shown
    assert CANARY not in shown
    assert SIGNING_SECRET not in shown


def test_check_config_shows_the_heartbeat_and_not_its_url(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How often, and where the URL is read from."""
    monkeypatch.setenv("BEAT", f"https://watch.example.com/{CANARY}")
    text = config.read_text(encoding="utf-8") + '[heartbeat]\nurl_env = "BEAT"\nevery_s = 15.0\n'
    config.write_text(text, encoding="utf-8")
    assert main(["check-config", str(config)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "heartbeat  every 15 s, to the URL of" in shown and "BEAT" in shown
    assert CANARY not in shown


def test_check_config_shows_what_may_be_cut(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which pools are covered, whether anybody acts, who is asked; nothing where none is covered."""
    main(["check-config", str(config)])
    assert "deleverage" not in capsys.readouterr().out
    text = config.read_text(encoding="utf-8")
    policy = "[deleverage]\ndesks = ['majors']\n"
    hook = policy + "[[hooks]]\nname = 'script'\nkind = 'program'\nargv = ['/bin/true']\n"
    config.write_text(text + hook, encoding="utf-8")
    assert main(["check-config", str(config)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "deleverage majors from critical, to ratio 0.6; dry run: nobody acts" in shown
    assert "asks script (program); may cut nothing" in shown


def test_check_config_speaks_to_programs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json is one document, for a right config and for a wrong one."""
    assert main(["check-config", "--json", str(config)]) == ExitCode.DONE
    right = json.loads(capsys.readouterr().out)
    assert right["ok"] is True
    assert [account["id"] for account in right["accounts"]] == ["binance_usdm/alpha", "hyperliquid/beta"]
    assert right["accounts"][1]["levels"]["tiered"]["ratio"]["liquidation"] == 1.0
    assert right["routes"][0]["receivers"] == ["ops", "screen"]
    config.write_text(changed('"hyperliquid"', '"hyperlquid"'))
    assert main(["check-config", "--json", str(config)]) == ExitCode.REFUSED
    wrong = json.loads(capsys.readouterr().out)
    assert wrong["ok"] is False
    assert [problem["place"] for problem in wrong["problems"]] == ['accounts[1] (name "beta").venue']


def test_allow_empty_is_passed_on(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon may be started before its first account exists, if that is said."""
    config.write_text(WITHOUT_ACCOUNTS)
    assert main(["check-config", "--allow-empty", str(config)]) == ExitCode.DONE
    assert "is fine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], ExitCode.REFUSED),
        (["rum"], ExitCode.REFUSED),
        (["run"], ExitCode.REFUSED),
        (["run", "a", "b"], ExitCode.REFUSED),
        (["check-config", "--jsn", "a"], ExitCode.REFUSED),
        (["init", "--demo", "--hyperliquid", ADDRESS], ExitCode.REFUSED),
        (["status", "--bogus"], ExitCode.NOT_RUNNING),
        (["status", "--url", "redis://:pw@h:1/0"], ExitCode.NOT_RUNNING),
        (["status", "--data-dir", "/x", "--url", "redis://h:1/0"], ExitCode.NOT_RUNNING),
    ],
)
def test_wrong_words_are_one_line(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The command, what is wrong, and where to look; `status` keeps 2 for an UNKNOWN pool."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("margind")
    assert shown.err.count("\n") == 1
    assert "pw" not in shown.err


def test_the_help_lists_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A script's author finds each number and its meaning."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == ExitCode.DONE
    shown = capsys.readouterr().out
    for code, meaning in MEANINGS.items():
        assert f"  {code}  {meaning}" in shown


def test_the_runbook_lists_every_code() -> None:
    """deploy/README.md says the same as the program."""
    runbook = ROOT / "deploy" / "README.md"
    for code, meaning in MEANINGS.items():
        assert f"| {code} | {meaning} |" in runbook.read_text(encoding="utf-8")


def test_status_without_a_daemon_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Silence is not safety: no store to ask is code 3, by directory and by config."""
    assert main(["status", "--data-dir", str(config.parent)]) == ExitCode.NOT_RUNNING
    assert main(["status", str(config)]) == ExitCode.NOT_RUNNING
    assert capsys.readouterr().out.count("is the daemon running?") == 2


def test_a_reader_that_goes_away_is_no_traceback(config: Path) -> None:
    """`margind check-config FILE | head -0` ends quietly."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "monitor", "check-config", str(config)],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=50,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (ExitCode.FAILED, b"")
