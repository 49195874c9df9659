"""apprise: its URL stays secret, what hangs there hangs alone, and its silence has a meaning."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given

from alerts.alert import Kind, Level
from alerts.notify.apprise import BODY_LIMIT, AppriseNotifier, text_of, title_limit, type_of
from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.table import notifier_for
from monitor.config import Receiver, Secret
from tests.support.chat_desks import AppriseDesk
from tests.support.notifications import a_notification, hostile_notifications
from tests.support.receivers import Answer, http_desk


@given(hostile_notifications)
def test_text_and_title_are_bounded_and_inert(notification) -> None:
    """Whatever service it is for, nothing in a name is a mention or a link."""
    text = text_of(notification, BODY_LIMIT)
    assert len(text) <= BODY_LIMIT and "@" not in text and "://" not in text
    assert text.startswith(f"id {notification.id}")


@pytest.mark.parametrize("url", ["nope://x", "no url", "file:///etc/passwd", ""])
def test_a_url_that_apprise_does_not_know_is_refused_unseen(url) -> None:
    """The receiver and its key are named, the URL is not."""
    with pytest.raises(ValueError, match=r"receivers\[any\]\.secret: ") as refused:
        notifier_for(Receiver("any", "apprise", secret=Secret(url, "the test")))
    assert not url or url not in str(refused.value)


async def test_a_status_in_its_log_decides() -> None:
    """404 is for good, 500 is not; a connection that failed has no status and is tried again."""
    desk = AppriseDesk()
    async with http_desk(desk):
        desk.answers = [Answer.REFUSE, Answer.BROKEN]
        notifier = notifier_for(desk.receiver())
        assert await notifier.notify(a_notification()) == Rejected("HTTP 400")
        assert await notifier.notify(a_notification()) == Retry("HTTP 500")
        assert await notifier.notify(a_notification()) == Delivered()
    assert await notifier.notify(a_notification()) == Retry("the service did not take it")
    await notifier.close()


async def test_a_service_that_hangs_takes_no_thread_of_others(monkeypatch) -> None:
    """However many attempts hang in it, a name is looked up and a file is read at once."""
    monkeypatch.setattr("alerts.notify.apprise.ATTEMPT_S", 0.3)
    desk = AppriseDesk()
    desk.answers = [Answer.HANG] * 40
    async with http_desk(desk):
        notifier = notifier_for(desk.receiver())
        hanging = [asyncio.ensure_future(notifier.notify(a_notification())) for _ in range(40)]
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: "others go on") == "others go on"
        assert all(isinstance(outcome, Retry) for outcome in await asyncio.gather(*hanging))
        desk.released.set()
        await notifier.close()


class Remembering(logging.Handler):
    """What reaches the root of all loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remembers who said it."""
        self.names.append(record.name)


async def test_its_own_log_reaches_nobody(monkeypatch) -> None:
    """apprise logs messages and addresses, and urllib3 what it calls: neither belongs in a log."""
    root, heard = logging.getLogger(), Remembering()
    monkeypatch.setattr(root, "handlers", [heard])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    desk = AppriseDesk()
    async with http_desk(desk):
        desk.answers = [Answer.REFUSE]
        notifier = notifier_for(desk.receiver())
        await notifier.notify(a_notification())
        await notifier.close()
    assert not {"apprise", "urllib3.connectionpool"} & set(heard.names)


async def test_a_redirect_is_not_followed() -> None:
    """apprise would send the message on to whoever a service names."""
    notifier = AppriseNotifier("any", Secret("json://127.0.0.1:1/", "the test"))
    assert notifier._service.asset.http_redirects is False
    await notifier.close()


def test_what_is_better_has_another_type() -> None:
    """apprise colours by type."""
    assert type_of(a_notification(level=Level.CRITICAL)) == "failure"
    assert type_of(a_notification(level=Level.WARNING)) == "warning"
    assert type_of(a_notification(kind=Kind.RESOLVED, level=Level.CLEAR)) == "success"
    assert title_limit(0) == 250 and title_limit(10) == 80 and title_limit(120) == 120
