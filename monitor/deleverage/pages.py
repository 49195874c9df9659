"""What the desk is told of requests: one standing matter for each pool, told again only when it is worse.

The words are kept here and read by the alerts, which know nothing of hooks.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from alerts.failpoints import reach
from monitor.deleverage.guards import Refusal, asked
from monitor.deleverage.hooks import Answer
from monitor.deleverage.request import DeleverageRequest
from monitor.domain.identity import PoolId

QUIET = frozenset({"dry_run", "armed_in_config"})  # the desk has not asked for more


class Grade(IntEnum):
    """How loud: as the levels of alerts are numbered."""

    WARNING = 1
    CRITICAL = 3


class Word(NamedTuple):
    """What stands of one pool."""

    desk: str
    grade: Grade
    text: str


class Pages:
    """The standing matters."""

    def __init__(self, own: PoolId) -> None:
        self._own = own
        self.standing: dict[PoolId, Word] = {}
        self._open_ends: set[PoolId] = set()  # nobody knows what was done: no refusal takes that page's place

    def refused(self, request: DeleverageRequest, refusal: Refusal) -> None:
        """A guard has said no."""
        if refusal.guard in QUIET or request.pool in self._open_ends:
            return
        grade = Grade.WARNING if refusal.guard == "armed" else Grade.CRITICAL
        text = f"nothing is cut, refused by {refusal.guard}: {refusal.why}"
        self.standing[request.pool] = Word(request.desk, grade, text)

    def waits(self, request: DeleverageRequest, token: str) -> None:
        """A person is to say yes."""
        self._open_ends.discard(request.pool)
        text = f"{_plan(request)} waits a minute for: margind confirm {token}"
        self.standing[request.pool] = Word(request.desk, Grade.CRITICAL, text)

    def sent(self, request: DeleverageRequest) -> None:
        """It is on its way."""
        reach("guards_passed")
        self._open_ends.discard(request.pool)
        text = f"{_plan(request)} asked for as {request.id}"
        self.standing[request.pool] = Word(request.desk, Grade.WARNING, text)

    def not_taken(self, request: DeleverageRequest, hook: str, answer: Answer) -> None:
        """A hook has said no, or nobody knows."""
        if not request.dry_run:
            said = f"{request.id} to {hook}: {answer.state.value}, {answer.why}; look before you act"
            self.standing[request.pool] = Word(request.desk, Grade.CRITICAL, said)
            self._open_ends.add(request.pool)

    def keep(self, in_danger: set[PoolId], known: set[PoolId], audit_trouble: str) -> None:
        """Ends what is of a pool that is known and in no danger; a damaged audit log is a matter of the
        daemon itself."""
        ended = {pool for pool in self.standing if pool in known or pool == self._own}
        for pool in ended - in_danger:
            del self.standing[pool]
            self._open_ends.discard(pool)
        if audit_trouble:
            self.standing[self._own] = Word("", Grade.CRITICAL, f"no request is made: {audit_trouble}")


def _plan(request: DeleverageRequest) -> str:
    steps = ", ".join(f"{step.side} {step.quantity} {step.symbol}" for step in request.steps[:3])
    more = f" and {len(request.steps) - 3} more" if len(request.steps) > 3 else ""
    return f"{steps}{more} ({asked(request):,.0f} US dollars; {request.reason})"
