"""Many alerts in one message: what a storm is to a receiver that takes only so many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.ledger import Intent
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from alerts.notify.slack_blocks import TEXT_LIMIT
from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Config, Route
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from monitor.names import Metrics
from tests.support.alerting import Desk, a_config, a_state, a_turn
from tests.support.delivering import delivering
from tests.support.ledgers import an_intent, reopened
from tests.support.notifications import a_notification, an_assessment, hostile_notifications
from tests.support.receivers import MailDesk, SlackDesk, http_desk, mail_desk
from tests.support.waiting import eventually


def _answers(*outcomes: Outcome) -> Iterator[Outcome]:
    yield from outcomes
    while True:
        yield Delivered()


class DigestDesk(Desk):
    """Takes many at once, and remembers which came together."""

    every_s, burst, room = 0.01, 2, 4_000

    def __init__(self, name: str = "first", outcomes: Iterator[Outcome] | None = None) -> None:
        super().__init__(name)
        self.together: list[list[str]] = []
        self._outcomes = outcomes or _answers(Delivered())

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """As its script says."""
        self.together.append([notification.key.pool for notification in notifications])
        outcome = next(self._outcomes)
        if isinstance(outcome, Delivered):
            self.got += notifications
        return outcome


def of_pools(count: int, routes: tuple[tuple[str, ...], ...] = (("first",),)) -> list[Intent]:
    """One critical page each of so many pools."""
    return [an_intent(pool=PoolId(f"bybit/a{n}/unified"), routes=routes) for n in range(count)]


async def test_a_storm_is_told_together_and_each_of_it_is_settled(tmp_path: Path) -> None:
    """One message, every pool in it; nothing of it is left for a restart."""
    desk, intents = DigestDesk(), of_pools(30)
    async with delivering(tmp_path, desk, before=intents) as delivery:
        await eventually(delivery.is_idle, "everything to be told")
    assert len(desk.together) == 1
    assert sorted(desk.together[0]) == sorted(intent.notification.key.pool for intent in intents)
    assert reopened(tmp_path).unsettled == ()


async def test_a_digest_that_failed_is_told_again(tmp_path: Path) -> None:
    """With all that it held, and what has come since."""
    desk = DigestDesk(outcomes=_answers(Retry("later"), Delivered()))
    async with delivering(tmp_path, desk, before=of_pools(30)) as delivery:
        await eventually(delivery.is_idle, "everything to be told")
    assert len({notification.id for notification in desk.got}) == len(desk.got) == 30
    assert reopened(tmp_path).unsettled == ()


async def test_a_digest_that_is_rejected_goes_to_the_next_receiver(tmp_path: Path) -> None:
    """Each of its notifications down its own route."""
    first, second = DigestDesk(outcomes=_answers(Rejected("no"))), Desk("second")
    async with delivering(tmp_path, first, second, before=of_pools(30, (("first", "second"),))) as delivery:
        await eventually(delivery.is_idle, "everything to be told")
    assert first.got == []
    assert len({notification.id for notification in second.got}) == len(second.got) == 30


def test_a_digest_names_every_pool_and_says_which_notice_it_is() -> None:
    """A headline, and a line for each, in the order that they came in."""
    told = [a_notification(pool=f"bybit/a{n}/unified", incident=n) for n in range(1, 12)]
    head, *lines = digest_lines(told)
    assert head == "11 alerts at once, the worst first"
    for number, line in enumerate(lines, start=1):
        assert line.startswith(f"CRITICAL bybit/a{number}/unified: ")
        assert line.endswith(f"(incident {number}, notice 2)")


@given(told=st.lists(hostile_notifications, min_size=1, max_size=5))
def test_a_digest_of_anything_is_lines(told: list[Notification]) -> None:
    """Whatever names and details hold: each is one printable line, and none is lost."""
    lines = digest_lines(told)
    assert len(lines) == 1 + len(told)
    assert all(line.isprintable() and len(line) < 400 for line in lines)


def test_the_same_digest_has_the_same_id() -> None:
    """Another set or another order is another message."""
    one, other = a_notification(incident=1), a_notification(incident=2)
    one = msgspec.structs.replace(one, id="msg_1")
    assert digest_id([one, other]) == digest_id([one, other]) != digest_id([other, one])


@pytest.mark.integration
async def test_slack_and_mail_take_a_storm(tmp_path: Path) -> None:
    """A hundred pools at one message a second: every pool is named once in each channel, the worst in the
    first message; nothing of them is a link, a mention or a second header."""
    chat, mail = SlackDesk(), MailDesk(tmp_path)
    worst = PoolId("bybit/<!channel>&worst/unified")
    states = [a_state(PoolId(f"bybit/a{n}/unified"), RiskBand.CRITICAL) for n in range(99)]
    states.append(a_state(worst, RiskBand.LIQUIDATION))
    async with http_desk(chat), mail_desk(mail):
        routes = (Route(("chat",), continue_=True), Route(("mail",)))
        config = a_config(tmp_path, receivers=(chat.receiver(), mail.receiver()), routes=routes)
        async with storming(config, states) as service:

            async def is_told() -> bool:
                return not service._is_busy()

            await eventually(is_told, "the storm to be told")
    mails = [each.get_content() for each in mail.mails]
    for texts in (chat.texts, mails):
        assert len(texts) < 25
        assert "worst/unified" in texts[0]
        everything = "\n".join(texts)
        for state in states[:-1]:
            assert everything.count(f"{state.pool}: ") == 1
    assert "<!channel>" not in "".join(chat.texts)
    assert all(len(text) <= TEXT_LIMIT for text in chat.texts)
    assert "alerts at once" in str(mail.mails[-1]["Subject"]) + str(mail.mails[0]["Subject"])


@asynccontextmanager
async def storming(config: Config, states: Sequence[PoolState]) -> AsyncIterator[AlertService]:
    """The alerts with their real receivers, told of all states in one turn."""
    clock = SystemClock()
    service = AlertService(config, clock, Metrics(), lambda pool: an_assessment(pool=pool))
    await service.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(service.run())
        await asyncio.sleep(0)
        service.on_turn(a_turn(clock, states))
        yield service
        task.cancel()
    await service.stop()
