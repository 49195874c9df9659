"""What a channel is to the rest: one method, three outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from alerts.alert import Level, Notification


class Delivered(msgspec.Struct, frozen=True):
    """The receiver has it."""


class Retry(msgspec.Struct, frozen=True):
    """Not now. `after_s` is the receiver's own wish, None when it said nothing."""

    reason: str
    after_s: float | None = None


class Rejected(msgspec.Struct, frozen=True):
    """Never: trying again would not help. The reason holds no secret."""

    reason: str


Outcome = Delivered | Retry | Rejected


class Notifier(Protocol):
    """One receiver."""

    name: str

    async def notify(self, notification: Notification) -> Outcome:
        """One attempt; answers what became of it, and raises only what is a bug of ours."""

    async def close(self) -> None:
        """Lets go of connections."""


@runtime_checkable
class Paced(Protocol):
    """A receiver that takes a message each `every_s` seconds, and now and then `burst` of them at once."""

    every_s: float
    burst: int


@runtime_checkable
class Digesting(Paced, Protocol):
    """A paced receiver that takes many notifications as one message of at most `room` characters."""

    room: int

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """One attempt for all of them; as `notify`."""


@runtime_checkable
class Acknowledging(Notifier, Protocol):
    """A receiver that keeps incidents of its own, and may be told that somebody has one."""

    async def acknowledge(self, thread: str, level: Level, author: str) -> Outcome:
        """One attempt; as `notify`. A thread that the receiver never heard of is no mistake."""


@runtime_checkable
class Upholding(Notifier, Protocol):
    """A receiver where an incident ends by itself unless it is told again each `uphold_every_s` seconds."""

    uphold_every_s: float

    def holds(self, notification: Notification) -> bool:
        """Whether it was told of this in this run, and of no end."""

    async def uphold(self, notifications: Sequence[Notification]) -> Outcome:
        """One attempt for all that is open; nobody is paged by it."""
