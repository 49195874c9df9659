"""An event loop in which waiting takes no time: when nothing is ready, its clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
BEGAN_WALL_NS = 1_780_000_000_000_000_000


class NothingLeft(RuntimeError):
    """Everybody waits for somebody, and no timer is set."""


class _Selector(selectors.SelectSelector):
    """Never sleeps: tells the loop how far to jump."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingLeft
        self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._virtual.now_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """At once: a thread would take real time, in which nothing here moves."""
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done


class LoopClock:
    """The running loop's time as our clock."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since the loop began, and one second more: 0 would be never."""
        return round(asyncio.get_running_loop().time() * 1e9) + 1_000_000_000

    def wall_ns(self) -> int:
        """The same, from a fixed day on."""
        return BEGAN_WALL_NS + self.monotonic_ns()


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
