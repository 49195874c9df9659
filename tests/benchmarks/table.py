"""What a benchmark tells: a figure of ours, and beside it a peer or a limit from the same run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Row(NamedTuple):
    """One line of the table. `is_kept` says whether the limit holds; None where there is only a peer."""

    what: str
    ours: str
    beside: str
    limit: str = ""
    is_kept: bool | None = None


def best_s(work: Callable[[], object], rounds: int = 9) -> float:
    """The least of some rounds: what the machine does when nobody disturbs it."""
    return min(seconds(work) for _ in range(rounds))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quantile(values: Iterable[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def headline() -> str:
    """Machine, date and commit."""
    commit = _asked("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10")
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load:.1f} at start; "
        f"Python {platform.python_version()}, {platform.system()}; {now}; commit {commit}"
    )


def line(row: Row) -> str:
    """One line as Markdown, so that a run can be pasted."""
    verdict = {None: "", True: "kept", False: "**missed**"}[row.is_kept]
    return f"| {row.what} | {row.ours} | {row.beside} | {row.limit} | {verdict} |"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [entry.partition(":")[2].strip() for entry in text.splitlines() if entry.startswith("model name")]
    return names[0] if names else platform.machine()


def _asked(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
