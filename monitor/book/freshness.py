"""When an input is too old or too odd to be believed. Pure: ages in, reasons out."""

from __future__ import annotations

from monitor.domain.assessment import Reason

SECOND_NS = 1_000_000_000
MARK_SILENT_NS = 5 * SECOND_NS  # FAULTS N4: max(5 s, 3 cadences)
CADENCES = 3
NOTICING_NS = SECOND_NS // 2  # ... from the fault: a frame is a while under way, a turn comes each quarter
STREAM_SILENT_NS = 6 * SECOND_NS  # private streams answer a ping every 2 s
RECONCILE_NS = 60 * SECOND_NS
TRANSPORT_TOLERANCE_NS = 1 * SECOND_NS  # clocks differ; more delay than this counts as age
FUTURE_TOLERANCE_NS = 5 * SECOND_NS
FROZEN_INDEX_MOVE = 0.001  # an index that moved this far under an unchanged mark: the mark is frozen


def mark_silence_limit_ns(cadence_s: float) -> int:
    """How long a symbol may be silent: what is promised, less the time that noticing it takes."""
    return max(MARK_SILENT_NS, round(CADENCES * cadence_s * SECOND_NS)) - NOTICING_NS


def effective_seen_ns(received_ns: int, venue_ns: int, wall_received_ns: int) -> int:
    """When a datum counts as seen (monotonic): later delivery than the tolerance counts as age. `venue_ns`
    0: no venue time."""
    if not venue_ns:
        return received_ns
    delay_ns = wall_received_ns - venue_ns
    return received_ns - max(0, delay_ns - TRANSPORT_TOLERANCE_NS)


def is_from_the_future(venue_ns: int, wall_received_ns: int) -> bool:
    """Whether the venue's time lies further ahead of ours than clocks may differ."""
    return venue_ns > wall_received_ns + FUTURE_TOLERANCE_NS


def account_reason(
    now_ns: int, alive_ns: int | None, reconciled_ns: int | None, is_gap: bool, refused: Reason
) -> Reason:
    """Why nothing can be said of an account; no bit set when it is fresh."""
    if refused:
        return refused
    reason = Reason(0)
    if is_gap:
        reason |= Reason.GAP
    if reconciled_ns is None:
        return reason | Reason.PARTIAL
    if now_ns - reconciled_ns > RECONCILE_NS:
        reason |= Reason.STALE
    if alive_ns is not None and now_ns - alive_ns > STREAM_SILENT_NS:
        reason |= Reason.STALE
    return reason
