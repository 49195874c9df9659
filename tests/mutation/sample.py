"""What the runner's own test mutates: a loop that is tested, and a formula that is not."""

from __future__ import annotations

TEN = 10


def tens_off(size: int) -> int:
    """What is left of a size when all its tens are taken off."""
    while size >= TEN:
        size -= TEN
    return size


def doubled(size: int) -> int:
    """Twice the size; nobody tests it."""
    return size * 2
