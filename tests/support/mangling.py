"""Frames as a broken network or a changed venue would send them: bytes or fields gone, values of no sense."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

NASTY: list[Any] = [
    None,
    "",
    "0",
    "-1",
    "NaN",
    "-Infinity",
    "1e400",
    "1e999999",
    "-1e-999999",
    "9" * 5_000,
    "١٢",
    "a/b",
    "\x00",
    "\u2028",
    0,
    -1,
    10**30,
    1.5,
    True,
    [],
    {},
    [[]],
    [None],
]


LARGEST_INTEGER = 2**63


def impossible_numbers(value: Any) -> Iterator[Any]:
    """The numbers of an event, built in to dicts and lists, that nothing behind the codec could bear."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from impossible_numbers(part)
    elif isinstance(value, float | Decimal):
        if not math.isfinite(value):
            yield value
    elif isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        yield value


@st.composite
def mangled(draw: st.DrawFn, frame: str) -> bytes:
    """The frame with a few of its bytes or of its values spoilt."""
    if draw(st.booleans()):
        return _spoilt_bytes(draw, frame.encode())
    try:
        message = json.loads(frame)
    except ValueError:
        return _spoilt_bytes(draw, frame.encode())
    for _ in range(draw(st.integers(1, 3))):
        message = _spoilt_value(draw, message)
    return json.dumps(message).encode()


def _spoilt_bytes(draw: st.DrawFn, frame: bytes) -> bytes:
    first = draw(st.integers(0, len(frame)))
    last = draw(st.integers(first, min(len(frame), first + 20)))
    return frame[:first] + draw(st.binary(max_size=8)) + frame[last:]


def _spoilt_value(draw: st.DrawFn, value: Any) -> Any:
    """Walks down at random and replaces, removes or doubles what it finds."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 9)):
            return {name: kept for name, kept in value.items() if name != key}
        return {**value, key: _spoilt_value(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(value) - 1))
        if not draw(st.integers(0, 9)):
            return [*value, value[place]]
        return [*value[:place], _spoilt_value(draw, value[place]), *value[place + 1 :]]
    return draw(st.sampled_from(NASTY))
