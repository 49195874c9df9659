"""The demo's mail server takes what the daemon's own channel sends, and ends whoever still talks to it."""

from __future__ import annotations

import asyncio

import pytest

from alerts.message import headline, lines
from alerts.notify.mail_message import header_text, subject_of
from alerts.notify.notifier import Delivered
from alerts.notify.table import notifier_for
from monitor.config import Receiver
from monitor.demo.mail_sink import Mail, MailSink
from tests.support.notifications import a_notification

SENDER, TO = "margind@demo.example", ("desk@demo.example", "boss@demo.example")


def receiver(port: int) -> Receiver:
    """The config that leads to the sink: in the clear, because it never leaves this machine."""
    return Receiver("mail", "email", host="127.0.0.1", port=port, sender=SENDER, to=TO, starttls=False)


async def test_a_mail_is_told_as_a_person_would_read_it() -> None:
    """Id, subject, everybody who gets it, and the text with its marks unpacked."""
    told: list[Mail] = []
    page = a_notification()
    async with MailSink(told.append) as sink:
        assert await notifier_for(receiver(sink.port)).notify(page) == Delivered()
    [mail] = told
    assert mail.message_id == f"<{page.id}@demo.example>"
    assert mail.subject == subject_of(page)
    assert mail.to == TO
    assert mail.text.splitlines() == [headline(page), "", *lines(page)]


async def test_a_folded_subject_is_one_line() -> None:
    """Python folds a subject without an early space before its first word; nobody reads that."""
    told: list[Mail] = []
    page = a_notification(pool=f"binance_usdm/{'a' * 60}/cross-USDT")
    async with MailSink(told.append) as sink:
        assert await notifier_for(receiver(sink.port)).notify(page) == Delivered()
    assert told[0].subject == header_text(subject_of(page))


async def test_many_mails_at_once_are_all_told() -> None:
    """A storm of pages opens several connections."""
    told: list[Mail] = []
    pages = [a_notification(incident=number) for number in range(12)]
    async with MailSink(told.append) as sink:
        notifier = notifier_for(receiver(sink.port))
        assert set(await asyncio.gather(*map(notifier.notify, pages))) == {Delivered()}
    assert {mail.message_id for mail in told} == {f"<{page.id}@demo.example>" for page in pages}


async def test_who_still_talks_does_not_hold_up_the_end() -> None:
    """A client that never says goodbye is cut off, and the port is free."""
    async with MailSink(lambda _: None) as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        assert (await reader.readline()).startswith(b"220")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", sink.port)
