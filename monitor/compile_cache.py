"""Where compiled code is kept between starts. To be called before anything imports numba, which looks only
once."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from monitor.book import warming
from monitor.paths import make_data_dir

SOURCES = ("margin", "book")
FOLDER = "compiled"


def compiled_folder(data_dir: Path) -> Path:
    """A folder for each content of the sources: numba's own check misses edits in files that a cached one
    imports."""
    home = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for name in SOURCES for path in (home / name).glob("*.py")):
        digest.update(path.read_bytes())
    chosen = make_data_dir(data_dir) / FOLDER / digest.hexdigest()[:16]
    chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    return chosen


def use_compile_cache(data_dir: Path) -> None:
    """Has numba keep there what it compiles; where nothing is kept yet, says so and begins."""
    chosen = compiled_folder(data_dir)
    os.environ["NUMBA_CACHE_DIR"] = str(chosen)
    if not any(chosen.rglob("*.nbi")):
        said = "compiling the margin models: up to half a minute, at the first start only"
        print(said, file=sys.stderr, flush=True)
        warming.begin()
