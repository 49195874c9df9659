"""What ccxt's exceptions mean for us. Their words carry whole addresses, signatures included: only the
class is passed on."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable

RATE_LIMITED_PAUSE_S = 30.0  # ccxt does not pass the exchange's own time on
# What ccxt raises at an answer that it did not expect, or when two of its tasks meet.
MISREAD = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    asyncio.InvalidStateError,
)


def ccxt_errors() -> Any:
    """The module of ccxt's exceptions; the package is loaded by the time that anything can raise one."""
    return importlib.import_module("ccxt.base.errors")


def judged(venue: str, what: str, error: Exception) -> Exception:
    """One of our exceptions for one of ccxt's, or for a parser's stumble."""
    errors, kind = ccxt_errors(), type(error).__name__
    if isinstance(error, errors.RateLimitExceeded | errors.DDoSProtection):
        return RateLimited(f"{venue} {what}: {kind}", RATE_LIMITED_PAUSE_S)
    if isinstance(error, errors.AuthenticationError):
        return KeyRefused(f"{venue} refuses the key at {what} ({kind}): key, address or permission is wrong")
    if isinstance(error, errors.NotSupported):
        return UnsupportedMode(f"{venue}: ccxt does not support {what} of this account")
    if isinstance(error, errors.BaseError):
        return VenueUnavailable(f"{venue} {what}: {kind}")
    return VenueUnavailable(f"{venue} {what}: answer not understood by ccxt ({kind})")
