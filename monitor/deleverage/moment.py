"""Puts the situation of one moment together from everybody who knows a part of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from monitor.book.live_book import LiveBook
from monitor.clock import Clock
from monitor.config_deleverage import Deleverage
from monitor.deleverage.facts import facts_of
from monitor.deleverage.fence import Fence
from monitor.deleverage.history import DAY_NS, HOUR_NS, History
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.situation import Situation
from monitor.deleverage.switch import Armed, KillFile
from monitor.deleverage.trail import Trail
from monitor.deleverage.watch import Watch
from monitor.domain.assessment import Reason


class Known(NamedTuple):
    """Who knows what."""

    config: Deleverage
    book: LiveBook
    clock: Clock
    trail: Trail
    fence: Fence
    kill_file: KillFile
    history: History
    watch: Watch


def killed(fence: Fence, kill_file: KillFile) -> str:
    """Where the kill switch is thrown; "" nowhere."""
    return kill_file.where or ("the flag in Redis" if fence.held.is_killed else "")


def situation_of(
    known: Known,
    request: DeleverageRequest,
    armed: Armed | None,
    relied_since_ns: int | None,
    *,
    is_confirmed: bool = False,
) -> Situation:
    """All that the guards look at, now."""
    config, history = known.config, known.history
    now_ns, wall_ns = known.clock.monotonic_ns(), known.clock.wall_ns()
    held = known.fence.held
    basis = Situation(
        config=config,
        request=request,
        now_ns=now_ns,
        wall_ns=wall_ns,
        audit_trouble=known.trail.trouble,
        killed=killed(known.fence, known.kill_file),
        is_armed=armed is not None,
        armed_until_ns=0 if armed is None else armed.until_ns,
        known_since_ns=known.watch.known_since_ns.get(request.pool),
        used_hour=history.used(wall_ns, HOUR_NS, request.id),
        used_day=history.used(wall_ns, DAY_NS, request.id),
        last_request_ns=history.last_ns(request.account, request.id, dry_run=config.dry_run),
        fence=held.epoch,
        fence_trouble=held.trouble,
        highest_fence=history.highest_fence,
        outage_ended_ns=relied_since_ns,
        is_confirmed=is_confirmed,
    )
    return _with_facts(known, basis)


def _with_facts(known: Known, basis: Situation) -> Situation:
    """And what the book says of the pool."""
    request, now_ns, wall_ns = basis.request, basis.now_ns, basis.wall_ns
    facts = facts_of(known.book, request.pool, now_ns, wall_ns, known.config.fresh_s)
    if facts is None:
        return msgspec.structs.replace(basis, reasons=Reason.PARTIAL)
    told = facts.assessment
    return msgspec.structs.replace(
        basis,
        band=told.band,
        reasons=told.reasons,
        margin_error=told.margin_error,
        is_margin_error_open=facts.is_margin_error_open,
        price_age_s=told.price_age_s,
        account_age_s=told.account_age_s,
        legs=facts.legs,
        in_flight=known.history.in_flight(request.account, wall_ns, told.account_age_s, request.id),
    )
