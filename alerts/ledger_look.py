"""The ledger for whoever only looks: beside a running daemon or without one, and nothing is mended."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from alerts.ledger_file import FILE
from alerts.ledger_rows import TABLES, UNREADABLE, Contents, salvage


def look(folder: Path) -> Contents:
    """What can be read of it; nothing where there is no ledger."""
    path = folder / FILE
    if path.is_file():
        with contextlib.suppress(*UNREADABLE):
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
                database.text_factory = lambda raw: raw.decode("utf-8", "replace")
                return salvage(database)
    return Contents({table: [] for table in TABLES}, dict.fromkeys(TABLES, 0))
