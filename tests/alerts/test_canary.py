"""A test through every receiver: who takes it, who does not, and that nobody is woken by it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.alert import Condition
from alerts.canary import canary, is_due
from alerts.message import headline
from alerts.notify.notifier import Delivered, Rejected
from monitor.clock import SystemClock
from tests.support.alerting import Desk, a_config, alerting, of
from tests.support.chat_desks import SERVICES
from tests.support.receivers import opened
from tests.support.service_desks import PagerDutyDesk


def at(text: str) -> int:
    """A moment in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e9)


@pytest.mark.parametrize(
    ("after", "upto", "due"),
    [
        ("2026-11-24T08:59:30", "2026-11-24T09:00:30", True),
        ("2026-11-24T09:00:30", "2026-11-24T09:01:30", False),
        ("2026-11-24T23:59:30", "2026-11-25T00:00:30", False),
        ("2026-11-23T10:00:00", "2026-11-24T08:00:00", False),
        ("2026-11-23T10:00:00", "2026-11-25T08:00:00", True),  # the machine slept
    ],
)
def test_a_time_of_the_day_comes_once(after: str, upto: str, due: bool) -> None:
    """Each look answers for what passed since the one before."""
    assert is_due(("09:00",), at(after), at(upto)) is due


@pytest.mark.parametrize("kind", ["webhook", "slack", "email", *SERVICES])
async def test_every_channel_takes_a_test(kind: str, tmp_path: Path) -> None:
    """It is delivered like a page, and says that it is none."""
    async with opened(kind, tmp_path) as (desk, notifier):
        assert await notifier.notify(canary(notifier.name, "main", at("2026-11-24T09:00"))) == Delivered()
        assert not isinstance(desk, PagerDutyDesk) or desk.rung == [], "somebody was woken"
        assert all("TEST" in text for text in desk.texts)


def test_a_test_says_that_it_is_one() -> None:
    """Nobody takes it for an alarm, or for the end of one."""
    assert headline(canary("chat", "main", 0)).startswith("TEST margind/main/canary: a test of this receiver")


async def test_a_receiver_that_fails_its_test_is_told_to_the_others(tmp_path: Path) -> None:
    """It is an incident of the daemon itself until that receiver takes a test again."""

    def answer(notification: Any) -> Any:
        return Rejected("channel is gone") if is_gone else Delivered()

    is_gone, good, bad = True, Desk("good"), Desk("bad", answer)
    async with alerting(a_config(tmp_path, resolve_after_s=0.0), good, bad, clock=SystemClock()) as service:
        tested = {each.receiver: each for each in await service.duty.canary()}
        assert (tested["good"].is_taken, tested["bad"].is_taken) == (True, False)
        assert tested["bad"].reason == "channel is gone"
        await good.has(1)
        assert "bad: channel is gone" in service._canary.trouble
        is_gone = False
        assert all(each.is_taken for each in await service.duty.canary())
        assert service._canary.trouble == ""
    assert of(good.got, Condition.CANARY)
