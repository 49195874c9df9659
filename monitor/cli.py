"""The command line: reads the words, loads what the command needs, and turns every ending into one line and a code.

What is heavy (numba, ccxt) is imported by the command that needs it, so that `--help`, `check-config` and
`status` answer at once.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from monitor.config_problem import ConfigError
from monitor.exit_codes import CommandFailed, ExitCode

EXIT_CODES = "\n".join(f"  {code.value}  {code.meaning}" for code in ExitCode)
EPILOG = f"""\
exit codes:
{EXIT_CODES}
  status has its own: 0 all clear, 1 a pool at warning or worse, 2 a pool UNKNOWN,
  3 nobody to ask, or asked wrongly

secrets are never arguments: they come from files, the environment or $CREDENTIALS_DIRECTORY,
as the config says. A first config: margind init
"""

Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    refusal = ExitCode.REFUSED

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the words, and where to look."""
        self.exit(self.refusal, f"{self.prog}: {message} (try {self.prog} --help)\n")


class StatusParser(Parser):
    """2 is an answer of `status`, so a wrong question needs another number."""

    refusal = ExitCode.NOT_RUNNING


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parsed = parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        code = command(parsed)
        sys.stdout.flush()
    except ConfigError as error:
        return _say(*error.lines(), code=ExitCode.REFUSED)
    except CommandFailed as error:
        return _say(f"margind: {error}", code=error.code)
    except BrokenPipeError:
        # The reader has gone (`margind status | head`): nobody is left to tell, and the exit must not try again.
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


def parser() -> argparse.ArgumentParser:
    """All commands and their words."""
    top = Parser(
        prog="margind",
        description="Watches leveraged crypto accounts, and warns the desk early, once, and with what to do.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=importlib.metadata.version("margind"))
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    _add_run(commands)
    _add_check_config(commands)
    _add_init(commands)
    return top
