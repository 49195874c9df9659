"""`margind explain` and `margind export` of a running daemon: asked over its control socket, nothing computed
here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from monitor.control_client import NobodyAnswers, NotKnown, ask
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.explain.document import Explanation
from monitor.explain.text import lines


def explain_live(data_dir: Path, pool: str, as_json: bool) -> int:
    """Prints the explanation that the running daemon gives."""
    answer = _asked(data_dir, pool, "explain")
    return show(msgspec.json.decode(answer, type=Explanation), as_json)


def export_live(data_dir: Path, pool: str) -> int:
    """Prints the pool as a book file."""
    print(msgspec.json.format(_asked(data_dir, pool, "book"), indent=2).decode())
    return ExitCode.DONE


def _asked(data_dir: Path, pool: str, what: str) -> bytes:
    try:
        return asyncio.run(ask(data_dir, f"/pools/{pool}/{what}"))
    except NotKnown:
        raise CommandFailed(f"no pool {pool}: see margind status", ExitCode.REFUSED) from None
    except NobodyAnswers as error:
        raise CommandFailed(f"no daemon answers at {error}", ExitCode.NOT_RUNNING) from None


def show(found: Explanation, as_json: bool) -> int:
    """Prints an explanation, for a person or for a program."""
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print(*lines(found), sep="\n")
    return ExitCode.DONE
