"""Where margind keeps its data when nobody says so: the daemon and `status` must agree on one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def default_data_dir(environment: Mapping[str, str] | None = None) -> Path:
    """$MARGIND_DATA, else systemd's $STATE_DIRECTORY (the first of the list), else ~/.local/share/margind."""
    environment = os.environ if environment is None else environment
    if chosen := environment.get("MARGIND_DATA"):
        return Path(chosen).expanduser()
    if given := environment.get("STATE_DIRECTORY"):
        return Path(given.split(":", 1)[0])
    return Path.home() / ".local" / "share" / "margind"


def make_data_dir(path: Path) -> Path:
    """The data directory, for its owner only; the folders above it are as the system makes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path
