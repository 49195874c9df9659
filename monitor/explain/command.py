"""`margind explain` and `margind export`: from a book file, or by asking the running daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.load import RECEIVED_NS
from monitor.bookfile.problem import BookFileError
from monitor.control import NobodyAnswers, NotKnown, ask
from monitor.domain.identity import PoolId
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.explain.explanation import Explanation, explain
from monitor.explain.text import lines


def explain_file(path: Path, pool: str | None, as_json: bool) -> int:
    """Prints the explanation of a pool of a book file."""
    try:
        (book,) = assess_files([path], USUAL)
    except BookFileError as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    pools = [found.pool for found in book.pools]
    if pool is None and len(pools) > 1:
        raise CommandFailed(f"{path}: which pool? there are {', '.join(pools)}", ExitCode.REFUSED)
    wanted = pools[0] if pool is None else PoolId(pool)
    found = explain(book.live, wanted, RECEIVED_NS, book.wall_ns, path.name)
    if found is None:
        raise CommandFailed(f"{path}: no pool {wanted}; there are {', '.join(pools)}", ExitCode.REFUSED)
    return _print(found, as_json)


def explain_live(data_dir: Path, pool: str, as_json: bool) -> int:
    """Prints the explanation that the running daemon gives."""
    answer = _asked(data_dir, pool, "explain")
    return _print(msgspec.json.decode(answer, type=Explanation), as_json)


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


def _print(found: Explanation, as_json: bool) -> int:
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print(*lines(found), sep="\n")
    return ExitCode.DONE
