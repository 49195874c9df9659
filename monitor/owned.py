"""Whether a program is one that nobody else may replace: it and its folder belong to us or to root."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def why_not_ours(path: str) -> str:
    """Why a program is not to be run, "" when it may be. Symbolic links are followed first."""
    try:
        real = Path(path).resolve(strict=True)
        facts = real.stat()
        folders = [(folder, folder.stat()) for folder in real.parents]
    except (OSError, ValueError, RuntimeError) as error:
        return f"{path}: {getattr(error, 'strerror', None) or 'not a valid path'}"
    if not stat.S_ISREG(facts.st_mode):
        return f"{path} is no regular file"
    if not os.access(real, os.X_OK):
        return f"{path} may not be executed"
    if loose := _loose(real, facts, is_folder=False):
        return loose
    return next((why for folder, facts in folders if (why := _loose(folder, facts, is_folder=True))), "")


def _loose(path: Path, facts: os.stat_result, *, is_folder: bool) -> str:
    if facts.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to another user than root and us"
    is_guarded = is_folder and bool(facts.st_mode & stat.S_ISVTX)  # as /tmp: only an owner replaces
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_guarded:
        return f"{path} may be changed by others: chmod go-w {path}"
    return ""
