"""The commands that look back: why something was told, and which thresholds would have been better."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.cli_here import positive
from monitor.cli_parser import Commands, add_command
from monitor.config_names import LEVEL_NAMES

LEAD_MINUTES = 10.0


def add_tune(commands: Commands) -> None:
    """Thresholds, judged by the history."""
    added = add_command(
        commands, "tune", "replay the history at other thresholds: pages a day, warnings missed, lead", _tune
    )
    added.add_argument(
        "--from",
        dest="from_ns",
        type=_moment,
        metavar="TIME",
        help="2026-11-24T09:00, in UTC, or how long ago: 7d",
    )
    added.add_argument(
        "--to", dest="to_ns", type=_moment, metavar="TIME", help="likewise; default: to its end"
    )
    added.add_argument(
        "--thresholds",
        type=Path,
        metavar="FILE",
        help="named sets to compare, [[sets]] with name and [[sets.thresholds]]; default: a grid around "
        "what ships",
    )
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that kept the history")
    added.add_argument("--report", type=Path, metavar="FILE", help="write an HTML page with pictures there")
    added.add_argument(
        "--lead",
        type=positive,
        default=LEAD_MINUTES,
        metavar="MINUTES",
        help="a page later than this before a breach is a warning missed; default: %(default)g",
    )
    added.add_argument(
        "--level",
        choices=LEVEL_NAMES,
        default="warning",
        help="the least that is a page; default: %(default)s",
    )
    added.add_argument("--json", action="store_true", help="for programs")


def _moment(text: str) -> int:
    from monitor.tune.command import moment_of

    try:
        return moment_of(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("a time like 2026-11-24T09:00, or how long ago: 36h, 7d") from None


def _tune(parsed: argparse.Namespace) -> int:
    from monitor.paths import default_data_dir
    from monitor.tune.command import Ask, tune

    folder = parsed.data_dir or default_data_dir()
    span = (parsed.from_ns, parsed.to_ns)
    return tune(Ask(folder, *span, parsed.thresholds, parsed.report, parsed.json, parsed.lead, parsed.level))


def add_why(commands: Commands) -> None:
    """Why something was told, or why not."""
    added = add_command(commands, "why", "say why something was told, to whom; or why a pool is not", _why)
    added.add_argument(
        "alert", metavar="ALERT", help="a notification's id (msg_...), an incident (POOL#NUMBER), or a pool"
    )
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that told it")
    added.add_argument("--json", action="store_true", help="for programs")


def _why(parsed: argparse.Namespace) -> int:
    from monitor.paths import default_data_dir
    from monitor.why.command import why

    return why(parsed.alert, parsed.data_dir or default_data_dir(), parsed.json)
