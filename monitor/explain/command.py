"""`margind explain --book`: from a book file."""

from __future__ import annotations

from pathlib import Path

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.moment import RECEIVED_NS
from monitor.bookfile.problem import BookFileError
from monitor.domain.identity import PoolId
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.explain.explanation import explain
from monitor.explain.live_command import show


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
    return show(found, as_json)
