"""The commands that say what a pool requires and why, from a file or from the running daemon."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.cli_here import positive
from monitor.cli_parser import Commands, add_command


def add_assess(commands: Commands) -> None:
    """Book files, assessed at a desk."""
    added = add_command(commands, "assess", "assess the pools of book files: no daemon, no keys", _assess)
    added.add_argument("files", type=Path, nargs="+", metavar="BOOK.json", help="see `margind schema book`")
    added.add_argument(
        "--target",
        type=positive,
        metavar="RATIO",
        help="also what brings each pool to this margin ratio",
    )
    added.add_argument("--json", action="store_true", help="for programs; see `margind schema assessment`")


def _assess(parsed: argparse.Namespace) -> int:
    from monitor.compile_cache import use_compile_cache
    from monitor.paths import default_data_dir

    use_compile_cache(default_data_dir())
    from monitor.bookfile.command import assess

    return assess(parsed.files, parsed.target, parsed.json)


def add_explain(commands: Commands) -> None:
    """Why the number is what it is."""
    added = add_command(
        commands,
        "explain",
        "every input, every line of the formula, and what the venue says beside it",
        _explain,
    )
    added.add_argument(
        "pool", nargs="?", metavar="POOL", help="venue/account/pool; not needed of a file of one"
    )
    added.add_argument("--book", type=Path, metavar="FILE", help="a book file; default: the running daemon")
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that is asked")
    added.add_argument("--json", action="store_true", help="for programs; see `margind schema explanation`")


def _explain(parsed: argparse.Namespace) -> int:
    from monitor.paths import default_data_dir

    if parsed.book is not None:
        from monitor.compile_cache import use_compile_cache

        use_compile_cache(default_data_dir())
        from monitor.explain.command import explain_file

        return explain_file(parsed.book, parsed.pool, parsed.json)
    if parsed.pool is None:
        parsed.parser.error("which pool? venue/account/pool, as `margind status` names it, or --book FILE")
    from monitor.explain.live_command import explain_live

    return explain_live(parsed.data_dir or default_data_dir(), parsed.pool, parsed.json)


def add_export(commands: Commands) -> None:
    """A pool of the running daemon, as a book file."""
    added = add_command(commands, "export", "write a pool of the running daemon as a book file", _export)
    added.add_argument("pool", metavar="POOL", help="venue/account/pool, as `margind status` names it")
    added.add_argument("--data-dir", type=Path, metavar="DIR", help="of the daemon that is asked")


def _export(parsed: argparse.Namespace) -> int:
    from monitor.explain.live_command import export_live
    from monitor.paths import default_data_dir

    return export_live(parsed.data_dir or default_data_dir(), parsed.pool)


def add_schema(commands: Commands) -> None:
    """The published schemas."""
    added = add_command(commands, "schema", "print a JSON Schema of what is read or answered", _schema)
    added.add_argument("name", choices=("alerts", "assessment", "book", "deleverage", "explanation"))


def _schema(parsed: argparse.Namespace) -> int:
    from monitor.schemas import schema

    return schema(parsed.name)
