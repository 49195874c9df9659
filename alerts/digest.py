"""Many alerts in one message, for a receiver that takes only so many: the worst first, each pool by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from alerts.alert import Notification
from alerts.message import headline
from alerts.wording import plain

LINE_LIMIT = 200
HEAD_ROOM = 200  # characters of a message that are not lines


def digest_line(notification: Notification) -> str:
    """One of them: its headline, and which notice it is, so that a repetition is seen."""
    said = plain(headline(notification), LINE_LIMIT)
    return f"{said} (incident {notification.incident:,}, notice {notification.occasion:,})"


def digest_lines(notifications: Sequence[Notification]) -> list[str]:
    """A headline, and a line for each."""
    return [f"{len(notifications):,} alerts at once, the worst first", *map(digest_line, notifications)]


def digest_id(notifications: Sequence[Notification]) -> str:
    """The same for the same notifications in the same order."""
    text = "|".join(notification.id for notification in notifications)
    return f"dig_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
