"""What the audit log tells a new run. One that can't be understood stops requests, and not the daemon."""

from __future__ import annotations

import msgspec

from monitor.deleverage.history import History
from monitor.deleverage.trail import Trail


async def restore(trail: Trail, history: History) -> None:
    """Reads the log into the history."""
    for record in await trail.start():
        try:
            history.take(record)
        except (msgspec.ValidationError, KeyError) as error:
            await trail.refuse(f"line {record.n} of the audit log is not understood: {error}")
            return
