"""Runs one program for so many seconds and leaves nothing of it behind; run as a script between the daemon
and the program.

It sets limits that a fork in a process with threads must not set, becomes the parent of whatever the program
leaves behind (also of what started a session of its own), and kills all of it at the end, at the time limit,
and when the daemon dies. On macOS only the process group is killed, by the daemon.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TIME_LIMIT_CODE = 124  # as timeout(1) has it
NOT_STARTED_CODE = 127
MEBIBYTE = 1024 * 1024
LIMITS = (
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 256),
    (resource.RLIMIT_FSIZE, 64 * MEBIBYTE),
    (resource.RLIMIT_AS, 4096 * MEBIBYTE),
)


class _Ended(Exception):
    """It is told to stop, by the clock or by a signal."""


def main(arguments: list[str]) -> int:
    """`arguments` are the parent's pid, the seconds, the program and its own arguments."""
    parent, seconds, program = int(arguments[0]), float(arguments[1]), arguments[2]
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, _end)
    if sys.platform == "linux":
        kernel = ctypes.CDLL(None)
        kernel.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        kernel.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was armed
        return TIME_LIMIT_CODE
    child = os.fork()
    if child == 0:
        _become(program, arguments[2:], seconds)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return _wait_for(child)
    except _Ended:
        return TIME_LIMIT_CODE
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _kill_all()


def _become(program: str, words: list[str], seconds: float) -> NoReturn:
    try:
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        for limit, most in (*LIMITS, (resource.RLIMIT_CPU, math.ceil(seconds) + 1)):
            hard = resource.getrlimit(limit)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(limit, (most, most))
        os.execv(program, words)  # noqa: S606  no shell is what we want
    except (OSError, ValueError):
        pass
    finally:  # never back into the parent's code
        os._exit(NOT_STARTED_CODE)


def _wait_for(child: int) -> int:
    while True:
        gone, status = os.wait()
        if gone == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _kill_all() -> None:
    """What a killed one leaves behind becomes ours, and is killed in the next round."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    me = os.getpid()
    while True:
        try:
            children = Path(f"/proc/{me}/task/{me}/children").read_text("ascii").split()
        except OSError:
            return  # no such list here: the daemon kills the group
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _end(_: int, __: FrameType | None) -> None:
    raise _Ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
