"""The command that trades: a process of its own, with a config of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.cli_parser import Commands, add_command


def add_executor(commands: Commands) -> None:
    """The built-in taker of deleverage requests."""
    summary = "place the reduce-only orders that margind asks for, with a key of its own"
    added = add_command(commands, "executor", summary, _executor)
    added.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="FILE",
        help="its own config, not the monitor's",
    )
    added.add_argument(
        "--release",
        metavar="VENUE/ACCOUNT",
        help="take away the lock that an impossible fill has put on an account, and end",
    )


def _executor(parsed: argparse.Namespace) -> int:
    from monitor.config_executor_load import load_executor

    config = load_executor(parsed.config)
    for warning in config.warnings:
        print(f"{config.source}: warning: {warning}", file=sys.stderr)
    from monitor.executor.command import run

    return run(config, parsed.release)
