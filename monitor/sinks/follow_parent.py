"""Becomes another program that dies with its parent; run as a script between a spawn and an exec.

`preexec_fn` would run Python between fork and exec, which may deadlock in a process with threads; this file
runs in an interpreter of its own instead. The kernel's death signal survives exec and follows the *thread*
that spawned us. macOS has no such signal: there a killed parent leaves the program running.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """`arguments` are the parent's pid, the program and its own arguments."""
    parent, program = int(arguments[0]), arguments[1]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was armed
        raise SystemExit(1)
    os.execv(program, arguments[1:])  # noqa: S606  no shell is what we want


if __name__ == "__main__":
    main(sys.argv[1:])
