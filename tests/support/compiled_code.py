"""Where tests and benchmarks keep compiled code. Nothing here imports numba, which reads the folder once."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

COMPILED_SOURCES = ("monitor/margin", "monitor/book")
KEPT_CACHES = 8


def sources_hash(root: Path, folders: tuple[str, ...]) -> str:
    """Names the text of the compiled code, because numba's own cache does not see edits in imported files."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def compiled_code_folder(root: Path) -> Path:
    """A folder of the user's cache for this text of the formulas; the oldest of its siblings go."""
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = user_cache / "margind-tests" / f"numba-{sources_hash(root, COMPILED_SOURCES)}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(folder)
    by_age = sorted(folder.parent.glob("numba-*"), key=_changed_at, reverse=True)
    for old in by_age[KEPT_CACHES:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _changed_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another worker has just removed it
        return 0.0
