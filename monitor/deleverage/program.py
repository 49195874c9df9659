"""Asking a local program: JSON on its stdin, nothing in its environment, an end that is certain.

Exit code 0: it has the request. 20: it refuses, and has done nothing. Anything else, and the time limit:
nobody knows what it has done, so nothing is asked again for the same request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from monitor.deleverage import confined
from monitor.owned import why_not_ours

OUTPUT_LIMIT = 64 * 1024
REFUSES_CODE = 20
SCRIPT = str(Path(confined.__file__).resolve())
GRACE_S = 2.0  # for `confined` to clear up by itself
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class Ended(NamedTuple):
    """How a program ended; `code` None: it was not started."""

    code: int | None
    output: str  # printable, and cut

    @property
    def is_at_limit(self) -> bool:
        """Whether it was killed by the clock."""
        return self.code == confined.TIME_LIMIT_CODE


async def run_program(argv: Sequence[str], content: bytes, time_limit_s: float) -> Ended:
    """Runs it to its end, which comes at the time limit at the latest; with it dies all that it started."""
    if why := why_not_ours(argv[0]):
        return Ended(None, why)
    try:
        process = await _started(argv, time_limit_s)
    except OSError as error:
        return Ended(None, error.strerror or "can't be started")
    feeding = asyncio.ensure_future(_feed(process, content))
    try:
        async with asyncio.timeout(time_limit_s + GRACE_S):
            output = await _read(process)
            code = await process.wait()
    except TimeoutError:
        output, code = b"", confined.TIME_LIMIT_CODE
    finally:
        feeding.cancel()
        _kill_group(process)
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  what escaped may hold the pipe
    return Ended(code, printable(output))


def printable(content: bytes) -> str:
    """What a program printed, as text that a log and a terminal take."""
    text = content.decode(errors="replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


async def _started(argv: Sequence[str], time_limit_s: float) -> asyncio.subprocess.Process:
    words = (str(os.getpid()), repr(time_limit_s), *argv)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", SCRIPT, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        limit=OUTPUT_LIMIT,
    )


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it does not read, or has ended: its exit code tells
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    """The beginning of what it prints; the rest is read and thrown away, so that it does not wait for us."""
    assert process.stdout is not None
    kept = bytearray()
    while chunk := await process.stdout.read(OUTPUT_LIMIT):
        kept += chunk[: OUTPUT_LIMIT - len(kept)]
    return bytes(kept)


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """The group of its session; that of a pid that we still hold, so it is nobody else's."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
