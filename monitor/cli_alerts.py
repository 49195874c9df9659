"""The commands of whoever is on duty: what is open, who has it, what not to be told."""

from __future__ import annotations

import argparse
import getpass
import re
from pathlib import Path

from alerts.alert import Condition
from monitor.cli_parser import Commands, Parser, add_command
from monitor.exit_codes import CommandFailed, ExitCode

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_alerts(commands: Commands) -> None:
    """The list."""
    added = add_command(commands, "alerts", "list what is open, who has it, and the silences", _alerts)
    added.add_argument("--json", action="store_true", help="for programs; see `margind schema alerts`")
    add_data_dir(added)


def add_ack(commands: Commands) -> None:
    """Acknowledging."""
    added = add_command(
        commands, "ack", "say that somebody has it: no repeats, while it becomes no worse", _ack
    )
    added.add_argument("pool", metavar="POOL", help="venue/account/pool, as `margind alerts` names it")
    names = [condition.value for condition in Condition]
    added.add_argument("--condition", choices=names, help="default: all that is open of the pool")
    add_author(added)
    add_data_dir(added)


def add_canary(commands: Commands) -> None:
    """Testing the receivers."""
    added = add_command(commands, "canary", "send a harmless test through every receiver, now", _canary)
    add_data_dir(added)


def add_silence(commands: Commands) -> None:
    """Silencing."""
    added = add_command(commands, "silence", "tell nothing of what fits all matchers, for a while", _silence)
    added.add_argument(
        "matchers",
        nargs="+",
        metavar="MATCHER",
        help='as Alertmanager writes them: venue=bybit, account=~"bybit/.*", level!=critical; '
        "labels: venue, account, pool, desk, condition, level",
    )
    added.add_argument("--for", dest="seconds", type=duration, required=True, help="30m, 2h, 1d")
    added.add_argument("--reason", required=True, help="for whoever wonders")
    add_author(added)
    add_data_dir(added)


def add_unsilence(commands: Commands) -> None:
    """Ending a silence."""
    added = add_command(commands, "unsilence", "end a silence now; what it hid is told", _unsilence)
    added.add_argument("id", metavar="ID", help="as `margind alerts` tells it")
    add_data_dir(added)


def duration(text: str) -> float:
    """A word like 90s, 30m, 2h or 1d, in seconds."""
    written = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", text)
    if written is None or not float(written[1]):
        raise argparse.ArgumentTypeError("a time like 90s, 30m, 2h or 1d")
    return float(written[1]) * SECONDS[written[2]]


def add_author(added: Parser) -> None:
    """The option of who says so."""
    added.add_argument("--by", metavar="NAME", help="who says so; default: your login name")


def add_data_dir(added: Parser) -> None:
    """The option of whose daemon."""
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that is asked")


def _alerts(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import show_alerts

    return show_alerts(folder_of(parsed), parsed.json)


def _canary(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import canary

    return canary(folder_of(parsed))


def _ack(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import acknowledge

    return acknowledge(folder_of(parsed), parsed.pool, parsed.condition, author_of(parsed))


def _silence(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import silence

    return silence(folder_of(parsed), parsed.matchers, author_of(parsed), parsed.reason, parsed.seconds)


def _unsilence(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import unsilence

    return unsilence(folder_of(parsed), parsed.id)


def folder_of(parsed: argparse.Namespace) -> Path:
    """The data directory of a command."""
    from monitor.paths import default_data_dir

    return parsed.data_dir or default_data_dir()


def author_of(parsed: argparse.Namespace) -> str:
    """Who says so; raises CommandFailed."""
    try:
        return str(parsed.by or getpass.getuser())
    except (KeyError, OSError):  # a user without a name, in a container
        raise CommandFailed("who are you? --by NAME", ExitCode.REFUSED) from None
