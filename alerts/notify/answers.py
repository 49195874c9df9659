"""What an HTTP answer means for a delivery; the same for every channel that speaks HTTP."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from alerts.notify.destination import ForbiddenDestination
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry

ATTEMPT_S = 5.0  # one attempt in all, whatever the channel: a critical page must fall through within 10 s
LONGEST_WAIT_S = 3600.0  # a receiver that asks for more is asked again after an hour
WAIT_AND_SEE = frozenset({408, 425, 429})


def outcome_of(status: int, retry_after: str | None, now: datetime | None = None) -> Outcome:
    """2xx delivered; 408, 425, 429 and 5xx again, when the receiver wishes; redirects and the rest never."""
    if 200 <= status < 300:
        return Delivered()
    if status in WAIT_AND_SEE or status >= 500:
        return Retry(f"HTTP {status}", retry_after_s(retry_after, now))
    if 300 <= status < 400:
        return Rejected(f"HTTP {status}: redirects are not followed")
    if status == 410:
        return Rejected("HTTP 410: the receiver is gone")
    return Rejected(f"HTTP {status}")


def outcome_of_failure(error: aiohttp.ClientError | OSError) -> Outcome:
    """What an attempt without an answer means. Its words are ours: an error's own may hold the URL."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Retry("the receiver's certificate is not trusted")
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ForbiddenDestination):
        return Rejected(str(cause))
    if isinstance(error, aiohttp.InvalidURL):
        return Rejected("the URL can't be used")
    return Retry(f"the connection failed: {type(cause).__name__}")


def retry_after_s(text: str | None, now: datetime | None = None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3), a number or a date; None when unreadable."""
    if text is None or len(text) > 64:
        return None
    seconds = _seconds(text) if text.strip()[:1].isdigit() else _until(text, now)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT_S)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _until(text: str, now: datetime | None) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - (now or datetime.now(UTC))).total_seconds()
