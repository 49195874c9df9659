"""`margind assess`: what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from monitor.book.describe import Ask
from monitor.bookfile.assess import assess_files
from monitor.bookfile.document import document_of
from monitor.bookfile.problem import BookFileError
from monitor.bookfile.text import lines
from monitor.exit_codes import CommandFailed, ExitCode

MOST_POSITIONS = 100_000


def assess(files: Sequence[Path], target_ratio: float | None, as_json: bool) -> int:
    """Prints the pools of all files, or the first thing that is wrong with one of them."""
    try:
        books = assess_files(files, Ask(target_ratio, MOST_POSITIONS))
    except BookFileError as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    moment = max(book.wall_ns for book in books)
    document = document_of(moment, tuple(pool for book in books for pool in book.pools))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print(*lines(document), sep="\n")
    return ExitCode.DONE
