"""What is wrong with a book file: where, and what would be right."""

from __future__ import annotations


class BookFileError(ValueError):
    """One thing that is wrong, with the file and the path in it."""

    def __init__(self, source: str, where: str, what: str) -> None:
        super().__init__(f"{source}: {where}: {what}" if where else f"{source}: {what}")
        self.where = where
        self.what = what
