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
    _add_data_dir(added)


def add_ack(commands: Commands) -> None:
    """Acknowledging."""
    added = add_command(
        commands, "ack", "say that somebody has it: no repeats, while it becomes no worse", _ack
    )
    added.add_argument("pool", metavar="POOL", help="venue/account/pool, as `margind alerts` names it")
    names = [condition.value for condition in Condition]
    added.add_argument("--condition", choices=names, help="default: all that is open of the pool")
    _add_author(added)
    _add_data_dir(added)


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
    _add_author(added)
    _add_data_dir(added)


def add_unsilence(commands: Commands) -> None:
    """Ending a silence."""
    added = add_command(commands, "unsilence", "end a silence now; what it hid is told", _unsilence)
    added.add_argument("id", metavar="ID", help="as `margind alerts` tells it")
    _add_data_dir(added)


def duration(text: str) -> float:
    """A word like 90s, 30m, 2h or 1d, in seconds."""
    written = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", text)
    if written is None or not float(written[1]):
        raise argparse.ArgumentTypeError("a time like 90s, 30m, 2h or 1d")
    return float(written[1]) * SECONDS[written[2]]


def _add_author(added: Parser) -> None:
    added.add_argument("--by", metavar="NAME", help="who says so; default: your login name")


def _add_data_dir(added: Parser) -> None:
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that is asked")


def _alerts(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import show_alerts

    return show_alerts(_folder(parsed), parsed.json)


def _ack(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import acknowledge

    return acknowledge(_folder(parsed), parsed.pool, parsed.condition, _author(parsed))


def _silence(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import silence

    return silence(_folder(parsed), parsed.matchers, _author(parsed), parsed.reason, parsed.seconds)


def _unsilence(parsed: argparse.Namespace) -> int:
    from monitor.alerts_command import unsilence

    return unsilence(_folder(parsed), parsed.id)


def _folder(parsed: argparse.Namespace) -> Path:
    from monitor.paths import default_data_dir

    return parsed.data_dir or default_data_dir()


def _author(parsed: argparse.Namespace) -> str:
    try:
        return str(parsed.by or getpass.getuser())
    except (KeyError, OSError):  # a user without a name, in a container
        raise CommandFailed("who are you? --by NAME", ExitCode.REFUSED) from None
