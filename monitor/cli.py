"""The command line: reads the words, loads what the command needs, ends in one line and a code.

What is heavy (numba, ccxt) is imported by the command that needs it, so that `--help`, `check-config` and
`status` answer at once.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.cli_alerts import add_ack, add_alerts, add_canary, add_silence, add_unsilence
from monitor.cli_deleverage import add_actions, add_arm, add_audit, add_confirm, add_disarm, add_kill
from monitor.cli_executor import add_executor
from monitor.cli_here import add_demo, add_exchange, add_replay
from monitor.cli_parser import Command, Commands, Parser, add_command
from monitor.cli_tune import add_tune, add_why
from monitor.cli_why import add_assess, add_explain, add_export, add_schema
from monitor.config import Config
from monitor.config_problem import ConfigError
from monitor.exit_codes import MEANINGS, CommandFailed, ExitCode

EXIT_CODES = "\n".join(f"  {code}  {meaning}" for code, meaning in MEANINGS.items())
EPILOG = f"""\
exit codes:
{EXIT_CODES}
  status has its own: 0 all clear, 1 a pool at warning or worse, 2 a pool UNKNOWN,
  3 nobody to ask, or asked wrongly

secrets are never arguments: they come from files, the environment or $CREDENTIALS_DIRECTORY,
as the config says. A first config: margind init
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parsed, strangers = parser().parse_known_args(arguments)
    if strangers:
        parsed.parser.error(f"unknown words: {' '.join(strangers)}")
    command: Command = parsed.command
    try:
        code = command(parsed)
        sys.stdout.flush()
    except ConfigError as error:
        return _say(*error.lines(), code=parsed.parser.refusal)
    except CommandFailed as error:
        return _say(f"margind: {error}", code=error.code)
    except BrokenPipeError:
        # The reader has gone (`margind status | head`): nobody to tell, and the exit must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except OSError as error:
        return _say(f"margind: {error}", code=ExitCode.FAILED)
    except KeyboardInterrupt:
        return ExitCode.DONE
    return code


def _say(*lines: str, code: ExitCode) -> int:
    print(*lines, sep="\n", file=sys.stderr)
    return code


def parser() -> Parser:
    """All commands and their words."""
    top = Parser(
        prog="margind",
        description="Watches leveraged crypto accounts, and warns the desk early, once, and with what to do.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=_version())
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    ours = (_add_run, _add_check_config, _add_init, _add_status)
    why = (add_assess, add_explain, add_export, add_schema, add_tune, add_why)
    alerts = (add_alerts, add_ack, add_canary, add_silence, add_unsilence)
    actions = (add_actions, add_arm, add_disarm, add_kill, add_confirm, add_audit)
    for add in (*ours, *alerts, *actions, *why, add_executor, add_replay, add_demo, add_exchange):
        add(commands)
    return top


def _version() -> str:
    try:
        return f"margind {importlib.metadata.version('margind')}"
    except importlib.metadata.PackageNotFoundError:
        return "margind, not installed: run from its sources"


def _add_run(commands: Commands) -> None:
    added = add_command(commands, "run", "watch the accounts of a config until told to stop", _run)
    _add_config(added)
    added.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="also write each received frame there, redacted, for replay",
    )


def _run(parsed: argparse.Namespace) -> int:
    from monitor.config_load import load

    def read() -> Config:
        return load(parsed.config, allow_empty=parsed.allow_empty)

    config = read()
    for warning in config.warnings:
        print(f"{config.source}: warning: {warning}", file=sys.stderr)
    from monitor.compile_cache import use_compile_cache

    use_compile_cache(Path(config.daemon.data_dir))
    from monitor import running

    return running.run(read, config, record=parsed.record)


def _add_check_config(commands: Commands) -> None:
    added = add_command(
        commands, "check-config", "say what a config would run, or all that is wrong with it", _check
    )
    _add_config(added)
    added.add_argument("--json", action="store_true", help="for programs")


def _check(parsed: argparse.Namespace) -> int:
    from monitor import config_summary
    from monitor.config_load import load

    try:
        config = load(parsed.config, allow_empty=parsed.allow_empty)
    except ConfigError as error:
        if not parsed.json:
            raise
        print(json.dumps(config_summary.refusal_document(error), indent=2))
        return ExitCode.REFUSED
    print(
        json.dumps(config_summary.as_document(config), indent=2)
        if parsed.json
        else config_summary.as_text(config)
    )
    return ExitCode.DONE


def _add_config(added: Parser) -> None:
    added.add_argument("config", type=Path, metavar="FILE", help="the config, TOML")
    added.add_argument(
        "--allow-empty", action="store_true", help="accept a config without accounts or without receivers"
    )


def _add_init(commands: Commands) -> None:
    added = add_command(commands, "init", "write a first config", _init)
    which = added.add_mutually_exclusive_group()
    which.add_argument(
        "--hyperliquid", metavar="ADDRESS", help="watch this address: 0x and 40 digits, public, needs no key"
    )
    which.add_argument(
        "--demo", action="store_true", help="the commented example, for the exchange on this machine"
    )
    added.add_argument(
        "--out", type=Path, default=Path("margind.toml"), metavar="FILE", help="default: %(default)s"
    )
    added.add_argument("--force", action="store_true", help="replace the file if it is there")


def _init(parsed: argparse.Namespace) -> int:
    from monitor.init_command import init

    return init(parsed.out, address=parsed.hyperliquid, demo=parsed.demo, force=parsed.force)


def _add_status(commands: Commands) -> None:
    added = add_command(
        commands, "status", "the pools as last written to the store, the most dangerous first", _status
    )
    added.refusal = ExitCode.NOT_RUNNING
    where = added.add_mutually_exclusive_group()
    where.add_argument(
        "config",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="a config: its store, password and shard are used",
    )
    where.add_argument("--data-dir", type=Path, metavar="DIR", help="where the daemon's own store is")
    where.add_argument("--url", help="a Redis without password, e.g. redis://127.0.0.1:6379/0")
    added.add_argument("--shard", help='default: the one of the config, else "main"')
    added.add_argument("--json", action="store_true", help="for programs")


def _status(parsed: argparse.Namespace) -> int:
    from monitor.paths import default_data_dir
    from monitor.status import status

    shard = parsed.shard or "main"
    if parsed.config is None:
        if parsed.url and ("@" in parsed.url or "password=" in parsed.url):
            parsed.parser.error("a password is never an argument: name a config with password_file instead")
        return status(parsed.data_dir or default_data_dir(), parsed.url, shard=shard, as_json=parsed.json)
    from monitor.config_load import load_place

    daemon, store = load_place(parsed.config)
    password = store.password.reveal() if store.password is not None else None
    return status(
        Path(daemon.data_dir),
        store.url,
        password=password,
        shard=parsed.shard or daemon.shard,
        as_json=parsed.json,
    )
