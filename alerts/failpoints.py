"""Named places where a test may kill the process: MARGIND_FAILPOINT=name:kill, name#2:kill the second time.

Off, each is one comparison.
"""

from __future__ import annotations

import os
import signal

# Between a crossing and a delivered message, in order. The ledger's thread passes its own for outcomes too.
NAMES = (
    "noticed",
    "decided",
    "described",
    "intent_queued",
    "commit_begun",
    "committed",
    "head_written",
    "intended",
    "submitted",
    "attempt_begun",
    "attempt_answered",
    "outcome_queued",
    "outcome_committed",
    "retry_written",
    "rejection_written",
    "superseding",
    "delivered",
)
# Around what people say, and what receivers want to know again.
KEPT = ("ack_queued", "ack_committed", "silence_queued", "silence_committed")
REMEMBERED = ("remembered_queued", "remembered_put")
# Between a pool in danger and a hook that was asked.
DELEVERAGE = (
    "lease_kept",
    "results_read",
    "results_kept",
    "plan_drafted",
    "audit_begun",
    "audit_written",
    "audit_synced",
    "audit_head_written",
    "guards_passed",
)
# Between a request and its results, in the executor.
EXECUTOR = (
    "request_taken",
    "request_noted",
    "position_read",
    "intent_written",
    "order_sent",
    "order_answered",
    "step_settled",
    "result_told",
    "request_done",
)
VARIABLE = "MARGIND_FAILPOINT"


class _Armed:
    """The one place that is armed, and how often it is still to be passed."""

    name = ""
    left = 0


def arm(text: str) -> None:
    """Arms the place that the text names; an empty one arms nothing. Raises ValueError for no such name."""
    name, _, count = text.removesuffix(":kill").partition("#")
    known = (*NAMES, *KEPT, *REMEMBERED, *DELEVERAGE, *EXECUTOR)
    if name and name not in known:
        raise ValueError(f"{VARIABLE}: {name!r} is none of {', '.join(known)}")
    _Armed.name, _Armed.left = name, int(count or 1)


def reach(name: str) -> None:
    """Dies here, with SIGKILL, if this is the armed place."""
    if name == _Armed.name:
        _Armed.left -= 1
        if _Armed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
