"""What may go wrong while a message is made to look well. None of it may cost the message."""

from __future__ import annotations

RENDER_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
