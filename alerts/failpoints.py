"""Named places where a test may kill the process: MARGIND_FAILPOINT=name:kill. Off, each is a comparison."""

from __future__ import annotations

import os
import signal

# Between a crossing and a delivered message, in order.
NAMES = (
    "decided",
    "described",
    "intent_queued",
    "intent_written",
    "intent_committed",
    "head_written",
    "submitted",
    "attempt_begun",
    "attempt_answered",
    "outcome_queued",
    "outcome_committed",
    "delivered",
)
_ARMED = os.environ.get("MARGIND_FAILPOINT", "").removesuffix(":kill")


def reach(name: str) -> None:
    """Dies here, with SIGKILL, if this is the armed place."""
    if name == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
