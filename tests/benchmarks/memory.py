"""What a process holds that holds a live book: measured in a process of its own, at its peak."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

POOLS = 10_000
TIMEOUT_S = 300
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss


class Cost(NamedTuple):
    """Megabytes at the peak, with the book and with the same imports alone."""

    with_book: float
    without: float


def run() -> Cost:
    """Two processes, one with an empty book."""
    return Cost(_peak_mb(POOLS), _peak_mb(0))


def _peak_mb(pools: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.memory", str(pools)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, cwd=root)
    return float(done.stdout)


def hold(pools: int) -> float:
    """Imports the daemon, builds the book, solves every distance, and answers the peak of this process."""
    import monitor.daemon  # noqa: F401  (its packages are part of what a process holds)
    from tests.benchmarks.live_books import live_book

    if pools:
        live_book(pools).refresh_distances(pools)
    return _own_peak_bytes() / 1e6


def resident_mb() -> float:
    """What this process holds now; its peak where the system does not say."""
    return _own_bytes("VmRSS") / 1e6


def _own_peak_bytes() -> int:
    """Linux hands the peak of the parent down in ru_maxrss, VmHWM is the process's own."""
    return _own_bytes("VmHWM")


def _own_bytes(name: str) -> int:
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])


if __name__ == "__main__":
    print(hold(int(sys.argv[1])))
