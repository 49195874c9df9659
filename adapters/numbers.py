"""Numbers at the door: what a venue may write in a field, and what it can't mean.

`Decimal` and `float` both read "NaN", "Infinity" and "1e999999" without complaint, and msgspec decodes them
into a Decimal field. Such a number must not come further than the codec: it compares with nothing, and one
with a million digits stops the process that adds to it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

LARGEST_EXPONENT = 30  # of the leading digit: no holding, price or notional has more than thirty places
SMALLEST_EXPONENT = -30
LARGEST_PRICE = 1e18
SMALLEST_PRICE = 1e-18
LONGEST = 64  # characters of a number as text
LAST_MILLISECOND = 4_102_444_800_000  # 2100: later is no time, and does not fit the clocks behind


class BadNumber(ValueError):
    """Text that is no number, or one that no venue can mean."""


def is_sane(value: Decimal) -> bool:
    """Whether a fact is finite, and of a size that money and positions have."""
    if not value.is_finite():
        return False
    return not value or SMALLEST_EXPONENT <= value.adjusted() <= LARGEST_EXPONENT


def fact(text: str | None, empty: Decimal | None = None) -> Decimal:
    """A holding or a rate; raises BadNumber. `empty` is what a missing or empty text means, if it may be."""
    if not text:
        if empty is None:
            raise BadNumber("empty")
        return empty
    if len(text) > LONGEST:
        raise BadNumber("too long")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadNumber("not a number") from None
    if not is_sane(value):
        raise BadNumber("not finite or out of size")
    return value


def price(text: str | None) -> float | None:
    """A price: finite, above zero and of a sane size; None where the text says none."""
    if not text or len(text) > LONGEST:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if SMALLEST_PRICE <= value <= LARGEST_PRICE else None  # false for nan


def rate(text: str | None) -> float | None:
    """A funding rate or another fraction: finite and no larger than 100, of either sign; else None."""
    if not text or len(text) > LONGEST:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -100.0 <= value <= 100.0 else None  # false for nan


def milliseconds(text: str | None) -> int | None:
    """A time in milliseconds since 1970, written as text; None where it says none."""
    if not text or len(text) > LONGEST or not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if 0 < value < LAST_MILLISECOND else None


def check_facts(frame: msgspec.Struct) -> None:
    """For `__post_init__` of a struct with Decimal fields: raises, which msgspec makes a ValidationError."""
    for name in frame.__struct_fields__:
        value = getattr(frame, name)
        if isinstance(value, Decimal) and not is_sane(value):
            raise BadNumber(f"{name} is not finite or out of size")
