"""The commands that need no config: the demo, the example's exchange, and recordings."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

from monitor.cli_parser import Commands, add_command

EXAMPLE_PORT = 9600


def add_replay(commands: Commands) -> None:
    """Recordings, played again."""
    added = add_command(
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


def add_exchange(commands: Commands) -> None:
    """The exchange of the example."""
    added = add_command(commands, "exchange", "an exchange on this machine, for the example", _exchange)
    added.add_argument(
        "--port", type=_port, default=EXAMPLE_PORT, help="default: %(default)s, which the example names"
    )


def add_demo(commands: Commands) -> None:
    """The crash hour."""
    added = add_command(
        commands, "demo", "an exchange, forty accounts and a crash hour, all on this machine", _demo
    )
    added.add_argument(
        "--for",
        dest="wall_s",
        type=positive,
        metavar="SECONDS",
        help="end so long after it is ready; default: when told to",
    )
    added.add_argument(
        "--speed",
        type=positive,
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
    added.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="leave ledger and history there, for `margind why` and `margind tune`",
    )


def positive(text: str) -> float:
    """A number above 0, as a word of the command line."""
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

    return demo(Options(parsed.wall_s, parsed.speed, parsed.seed, parsed.json, parsed.keep))


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text[:6]) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 1024 to 65535")
    return int(text)


def _exchange(parsed: argparse.Namespace) -> int:
    from monitor.demo.exchange import run_exchange

    return run_exchange(parsed.port)
