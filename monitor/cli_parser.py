"""What the commands of the command line are built with: a parser whose errors are one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from monitor.exit_codes import ExitCode

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001  it has no public name


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    refusal = ExitCode.REFUSED  # `status` sets another: its 2 is an answer

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the words, and where to look."""
        self.exit(self.refusal, f"{self.prog}: {message} (try {self.prog} --help)\n")


def add_command(commands: Commands, name: str, summary: str, run: Command) -> Parser:
    """A command by its name, its one line of help, and what it runs."""
    added = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    added.set_defaults(command=run, parser=added)
    return added
