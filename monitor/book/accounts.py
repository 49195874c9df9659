"""One account as the book knows it: its holdings, and how fresh and how whole they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.book.freshness import RECONCILE_NS, STREAM_SILENT_NS, account_reason
from monitor.book.holdings import Holdings
from monitor.domain.assessment import Reason
from monitor.domain.identity import AccountId

PLACEHOLDER = "account"  # stands for all pools of an account until its first snapshot names them


@dataclass(slots=True)
class AccountState:
    """Holdings with their ages. Times are monotonic."""

    id: AccountId
    venue: str
    desk: str
    declared_ns: int
    holdings: Holdings = field(default_factory=Holdings)
    alive_ns: int | None = None
    reconciled_ns: int | None = None
    gap_since_ns: int | None = None
    refused: Reason = Reason(0)
    refused_since_ns: int = 0
    is_implausible: bool = False
    implausible_since_ns: int = 0
    detail: str = ""
    reasons: Reason = Reason.PARTIAL
    pools: set[str] = field(default_factory=set)

    def refresh(self, now_ns: int) -> bool:
        """Recomputes the reasons at `now_ns`; answers whether they changed."""
        found = account_reason(
            now_ns, self.alive_ns, self.reconciled_ns, self.gap_since_ns is not None, self.refused
        )
        if self.is_implausible:
            found |= Reason.IMPLAUSIBLE
        changed = found != self.reasons
        self.reasons = found
        return changed

    def fault_began_ns(self, now_ns: int) -> int:
        """When the oldest of its present troubles began: the last good datum, not the moment of notice."""
        began = [now_ns]
        if self.refused:
            began.append(self.refused_since_ns)
        if self.gap_since_ns is not None:
            began.append(self.gap_since_ns)
        if self.is_implausible:
            began.append(self.implausible_since_ns)
        if self.reconciled_ns is None:
            began.append(self.declared_ns)
        if self.alive_ns is not None and now_ns - self.alive_ns > STREAM_SILENT_NS:
            began.append(self.alive_ns)
        if self.reconciled_ns is not None and now_ns - self.reconciled_ns > RECONCILE_NS:
            began.append(self.reconciled_ns)
        return min(began)

    def explain(self, now_ns: int) -> str:
        """Its trouble in words, for the desk; empty when it is fresh."""
        if self.refused or self.gap_since_ns is not None or self.is_implausible:
            return self.detail
        if self.reconciled_ns is None:
            return "no snapshot of the account yet"
        if Reason.STALE in self.reasons:
            return f"account not confirmed for {(now_ns - self.reconciled_ns) / 1e9:.0f} s"
        return ""
