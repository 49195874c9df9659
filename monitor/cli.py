"""The command line: reads the words, loads what the command needs, ends in one line and a code.

What is heavy (numba, ccxt) is imported by the command that needs it, so that `--help`, `check-config` and
`status` answer at once.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

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

EXAMPLE_PORT = 9600

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001  it has no public name


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    refusal = ExitCode.REFUSED  # `status` sets another: its 2 is an answer

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the words, and where to look."""
        self.exit(self.refusal, f"{self.prog}: {message} (try {self.prog} --help)\n")


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
    for add in (_add_run, _add_check_config, _add_init, _add_status, _add_replay, _add_demo, _add_exchange):
        add(commands)
    return top


def _version() -> str:
    try:
        return f"margind {importlib.metadata.version('margind')}"
    except importlib.metadata.PackageNotFoundError:
        return "margind, not installed: run from its sources"


def _command(commands: Commands, name: str, summary: str, run: Command) -> Parser:
    added = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    added.set_defaults(command=run, parser=added)
    return added


def _add_run(commands: Commands) -> None:
    added = _command(commands, "run", "watch the accounts of a config until told to stop", _run)
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
    from monitor import daemon

    return daemon.run(read, config, record=parsed.record)


def _add_check_config(commands: Commands) -> None:
    added = _command(
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
    added = _command(commands, "init", "write a first config", _init)
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
    added = _command(
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


def _add_replay(commands: Commands) -> None:
    added = _command(
        commands,
        "replay",
        "lead recorded frames through the codecs and the book, at their own times",
        _replay,
    )
    added.add_argument("files", type=Path, nargs="+", metavar="FILE", help="recordings, packed or plain")
    added.add_argument(
        "--venue", help="whose frames they are, where neither line nor folder says; e.g. binance_usdm"
    )
    added.add_argument("--json", action="store_true", help="for programs")


def _replay(parsed: argparse.Namespace) -> int:
    from monitor.recording.reader import Recording

    if any(Recording(path, 0).header() is not None for path in parsed.files):
        from monitor.compile_cache import use_compile_cache
        from monitor.paths import default_data_dir

        use_compile_cache(default_data_dir())
    else:  # prices only: nothing to assess, so nothing is worth compiling
        os.environ["NUMBA_DISABLE_JIT"] = "1"
    from monitor.recording.replay import replay

    return replay(parsed.files, parsed.venue, as_json=parsed.json)


def _add_exchange(commands: Commands) -> None:
    added = _command(commands, "exchange", "an exchange on this machine, for the example config", _exchange)
    added.add_argument(
        "--port", type=_port, default=EXAMPLE_PORT, help="default: %(default)s, which the example names"
    )


def _add_demo(commands: Commands) -> None:
    added = _command(
        commands, "demo", "an exchange, forty accounts and a crash hour, all on this machine", _demo
    )
    added.add_argument(
        "--for",
        dest="wall_s",
        type=_positive,
        metavar="SECONDS",
        help="end so long after it is ready; default: when told to",
    )
    added.add_argument(
        "--speed",
        type=_positive,
        help="how many times as fast as a clock the prices go; all else is real; default: the hour fits into "
        "--for, else 10",
    )
    added.add_argument("--seed", type=int, default=1, help="another seed, another wobble of the prices")
    added.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write every alert and e-mail as delivered, and the last state of each pool",
    )


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError("a number above 0")
    return number


def _demo(parsed: argparse.Namespace) -> int:
    from monitor.compile_cache import use_compile_cache
    from monitor.paths import default_data_dir

    use_compile_cache(default_data_dir())
    from monitor.demo.command import Options, demo

    return demo(Options(parsed.wall_s, parsed.speed, parsed.seed, parsed.json))


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text[:6]) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 1024 to 65535")
    return int(text)


def _exchange(parsed: argparse.Namespace) -> int:
    from monitor.demo.exchange import run_exchange

    return run_exchange(parsed.port)
