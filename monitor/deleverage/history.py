"""What the audit log says of earlier requests: what was used of the caps, what is in flight, which epoch was
the highest. Pure; fed record by record, the same at a start and while it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from monitor.deleverage.audit import AuditRecord
from monitor.deleverage.guards import asked
from monitor.deleverage.request import DeleverageRequest, DeleverageResult, Outcome
from monitor.domain.identity import AccountId, PoolId

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
KEPT_NS = 2 * DAY_NS
FINAL = (Outcome.DONE, Outcome.PARTLY, Outcome.REFUSED)


@dataclass(slots=True)
class Past:
    """One request and what became of it."""

    request: DeleverageRequest
    at_ns: int  # wall clock of its record
    void_why: str = ""
    is_void: bool = False  # a guard refused it after it was written, so it was never sent
    answers: dict[str, str] = field(default_factory=dict)  # by hook: taken, refused or unknown
    results: dict[int, DeleverageResult] = field(default_factory=dict)  # by step

    @property
    def is_real(self) -> bool:
        """Whether anybody may have acted on it."""
        refused_by_all = bool(self.answers) and set(self.answers.values()) == {"refused"}
        return not self.request.dry_run and not self.is_void and not refused_by_all

    @property
    def is_ended(self) -> bool:
        """Whether each step of it is known to have ended."""
        if 0 in self.results and self.results[0].state is Outcome.REFUSED:
            return True
        wanted = {step.number for step in self.request.steps} | {t.number for t in self.request.transfers}
        return wanted <= {number for number, result in self.results.items() if result.state in FINAL}


class History:
    """Of two days, and the counts of all time."""

    def __init__(self) -> None:
        self.highest_fence = 0
        self._past: dict[str, Past] = {}
        self._attempts: Counter[tuple[PoolId, int]] = Counter()

    def take(self, record: AuditRecord) -> None:
        """One record of the log."""
        content = record.content
        if record.kind == "request":
            request = msgspec.convert(content["request"], DeleverageRequest)
            self._past[request.id] = Past(request, record.at_ns)
            self._attempts[request.pool, request.incident] += 1
            self.highest_fence = max(self.highest_fence, request.fence)
            self._forget(record.at_ns)
        elif record.kind == "fence":
            self.highest_fence = max(self.highest_fence, content["epoch"])
        elif record.kind == "result":
            result = msgspec.convert(content["result"], DeleverageResult)
            if (past := self._past.get(result.request)) is not None:
                past.results[result.step] = result
        elif (past := self._past.get(content.get("request", ""))) is not None:
            if record.kind == "void":
                past.is_void, past.void_why = True, f"{content['guard']}: {content['why']}"
            elif record.kind == "answer":
                past.answers[content["hook"]] = content["state"]

    def next_attempt(self, pool: PoolId, incident: int) -> int:
        """The number of the next request for an incident, from 1."""
        return self._attempts[pool, incident] + 1

    def find(self, request: str) -> Past | None:
        """What is known of one."""
        return self._past.get(request)

    def used(self, wall_ns: int, within_ns: int, but: str) -> float:
        """US dollars that were asked for within a time, without one request. A clock that was put back
        counts all that lies ahead of it."""
        return sum(
            asked(past.request)
            for past in self._past.values()
            if past.is_real and past.request.id != but and past.at_ns > wall_ns - within_ns
        )

    def last_ns(self, account: AccountId, but: str, *, dry_run: bool) -> int | None:
        """When the account was last asked about, also where every hook has said no: it is not asked twice a
        second."""
        times = [
            past.at_ns
            for past in self._past.values()
            if past.request.account == account
            and past.request.id != but
            and past.request.dry_run == dry_run
            and not past.is_void
        ]
        return max(times, default=None)

    def had_dry_run(self, account: AccountId, wall_ns: int, within_ns: int) -> bool:
        """Whether the account had one within a time."""
        last_ns = self.last_ns(account, "", dry_run=True)
        return last_ns is not None and 0 <= wall_ns - last_ns < within_ns

    def in_flight(self, account: AccountId, wall_ns: int, account_age_s: float | None, but: str) -> str:
        """A request of the account that may still be worked on, or whose end its positions do not show yet;
        "" for none."""
        read_ns = None if account_age_s is None else wall_ns - round(account_age_s * 1e9)
        for past in self._past.values():
            request = past.request
            if request.account != account or request.id == but or not past.is_real:
                continue
            end_ns = request.expires_ns
            if not past.is_ended and wall_ns < end_ns:
                return request.id
            if not past.is_ended and (read_ns is None or read_ns <= end_ns):
                return request.id
        return ""

    def unanswered(self, hooks: tuple[str, ...]) -> list[tuple[Past, str]]:
        """What was written before a stop, and of which nobody knows whether it was sent."""
        return [
            (past, hook)
            for past in self._past.values()
            if not past.is_void
            for hook in hooks
            if hook not in past.answers
        ]

    def unknown(self) -> list[tuple[Past, str]]:
        """Requests and hooks of which nobody knows whether it has arrived."""
        return [
            (past, hook)
            for past in self._past.values()
            for hook, state in past.answers.items()
            if state == "unknown"
        ]

    def _forget(self, now_ns: int) -> None:
        for id_ in [id_ for id_, past in self._past.items() if past.at_ns < now_ns - KEPT_NS]:
            del self._past[id_]
