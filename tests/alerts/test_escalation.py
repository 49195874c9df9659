"""What nobody acknowledges, through the alerts whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from monitor.clock import SystemClock
from monitor.config_duty import Escalation
from monitor.domain.assessment import RiskBand
from tests.support.alerting import ALPHA, Desk, a_config, a_state, a_turn, alerting, words


async def test_what_nobody_acknowledges_goes_to_the_next_whatever_restarts(
    tmp_path: Path,
) -> None:
    """Each step is told once, by its wait since the level was told, restarts between or not."""
    steps = (Escalation(0.2, ("phone",)), Escalation(0.6, ("head",)))
    config = msgspec.structs.replace(a_config(tmp_path), escalations=steps)
    first, phone, head, clock = Desk(), Desk("phone"), Desk("head"), SystemClock()
    async with alerting(config, first, phone, head, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await phone.has(1)
    later = Desk("head")
    async with alerting(config, first, phone, later, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await later.has(1)
    assert words(first.got) == ["margin raised critical"]
    assert words(phone.got) == ["margin unacknowledged critical"]
    assert words(head.got + later.got) == ["margin unacknowledged critical"]
    assert (phone.got[0].reached_s, later.got[0].reached_s) == (0.2, 0.6)


async def test_what_somebody_has_is_not_escalated_and_all_who_heard_hear_the_end(tmp_path: Path) -> None:
    """An acknowledgement stops the steps; who was reached by one hears of what follows, and nobody else."""
    steps = (Escalation(0.1, ("phone",)), Escalation(0.6, ("head",)))
    config = msgspec.structs.replace(a_config(tmp_path, resolve_after_s=0.0), escalations=steps)
    first, phone, head, clock = Desk(), Desk("phone"), Desk("head"), SystemClock()
    async with alerting(config, first, phone, head, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CRITICAL)]))
        await phone.has(1)
        await service.duty.acknowledge(ALPHA, None, "kim")
        await asyncio.sleep(0.8)  # longer than the second step waits: that it is not told is the rule
        service.on_turn(a_turn(clock, [a_state(ALPHA, RiskBand.CLEAR)]))
        await phone.has(2)
        assert await service.drain()
    assert words(phone.got) == ["margin unacknowledged critical", "margin resolved clear"]
    assert words(first.got) == ["margin raised critical", "margin resolved clear"]
    assert head.got == []
