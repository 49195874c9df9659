"""Waiting for something to become true, with a bound: the only pause that a test may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found]], what: str, timeout_s: float = 20.0) -> Found:
    """The first truthy answer of `look`; fails naming `what` when none comes in time."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        if found := await look():
            return found
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s for {what}"
        await asyncio.sleep(0.02)


async def is_so(look: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """The same for what is seen without waiting."""

    async def answer() -> bool:
        return bool(look())

    await eventually(answer, what, timeout_s)
