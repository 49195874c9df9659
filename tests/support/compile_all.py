"""Compiles what nearly every test wants and leaves it on the disk, so that no two of the tests' processes do:
`python -m tests.support.compile_all`, which `make check` runs beside the linters."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.compiled_code import compiled_code_folder

os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_code_folder(Path(__file__).resolve().parents[2])))

if __name__ == "__main__":
    from monitor.book.live_book import LiveBook
    from monitor.book.settings import BookSettings, LevelRow
    from monitor.margin.models import MODELS

    levels = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
    LiveBook(BookSettings(tuple(MODELS), lambda *_: levels))
