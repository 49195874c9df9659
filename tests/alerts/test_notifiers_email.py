"""Mail: encrypted or not at all, addressed by the config alone, and every code of SMTP has one meaning."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.policy import SMTP

import pytest
import trustme
from hypothesis import given, settings

from alerts.message import lines
from alerts.notify.email import EmailNotifier
from alerts.notify.mail_message import header_text, lines_of, message_of
from alerts.notify.notifier import Delivered, Rejected, Retry
from alerts.notify.table import notifier_for
from monitor.config import Secret
from tests.support.notifications import (
    HOSTILE,
    a_notification,
    hostile_notifications,
    hostile_text,
)
from tests.support.receivers import PASSWORD, SENDER, TO, MailDesk, mail_desk, plain_of, raw_server

HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}


async def sent(desk: MailDesk, page=None, **changes):
    """The outcome of one mail to the desk."""
    return await notifier_for(desk.receiver(**changes)).notify(page or a_notification())


async def test_a_mail_says_what_the_desk_has_to_know(tmp_path) -> None:
    """Incident in the subject, headline and all lines in plain text, both people told, a stable id."""
    desk, page = MailDesk(tmp_path), a_notification()
    async with mail_desk(desk):
        assert await sent(desk, page) == Delivered()
    [mail] = desk.mails
    assert mail["Subject"] == "margind: incident 3, margin, binance_usdm/alpha/cross-USDT"
    assert mail["From"] == SENDER
    assert mail["Message-ID"] == f"<{page.id}@desk.example>"
    assert mail.get_content_type() == "multipart/alternative"
    told = plain_of(mail).splitlines()
    assert told[0] == "CRITICAL binance_usdm/alpha/cross-USDT: margin ratio 0.87, BTC -1.9 % liquidates"
    assert told[2:] == lines(page)
    assert desk.recipients == [list(TO)]


async def test_without_starttls_nothing_is_sent(tmp_path) -> None:
    """A server, or somebody between, that hides STARTTLS gets no mail and no password."""
    desk = MailDesk(tmp_path)
    plain_server = {"tls_context": None, "require_starttls": False, "auth_required": False}
    async with mail_desk(desk, **plain_server):
        outcome = await sent(desk)
    assert isinstance(outcome, Rejected)
    assert "STARTTLS" in outcome.reason
    assert desk.seen == []


async def test_a_certificate_of_another_authority_is_not_trusted(tmp_path) -> None:
    """The certificate is checked before the login."""
    desk = MailDesk(tmp_path)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    async with mail_desk(desk):
        assert isinstance(await sent(desk, ca_file=str(other)), Retry)
        assert isinstance(await sent(desk, ca_file=None), Retry)
    assert desk.seen == []


async def test_a_certificate_of_another_host_is_not_trusted(tmp_path) -> None:
    """The right authority vouching for another name is not enough."""
    desk = MailDesk(tmp_path)
    async with mail_desk(desk):
        assert isinstance(await sent(desk, host="localhost"), Retry)
    assert desk.seen == []


async def test_a_wrong_password_is_rejected(tmp_path) -> None:
    """535 stays, and the reason holds the code only."""
    desk = MailDesk(tmp_path)
    async with mail_desk(desk):
        outcome = await sent(desk, secret=Secret("another-canary", "the test"))
    assert outcome == Rejected("SMTP 535")


async def test_on_this_machine_a_mail_may_go_in_the_clear(tmp_path) -> None:
    """A relay on loopback needs neither STARTTLS nor a login."""
    desk = MailDesk(tmp_path)
    bare = {"tls_context": None, "require_starttls": False, "auth_required": False}
    async with mail_desk(desk, **bare):
        assert await sent(desk, starttls=False, user=None, secret=None, ca_file=None) == Delivered()
    assert len(desk.mails) == 1


@pytest.mark.parametrize("host", ["mail.example", "10.0.0.5", "93.184.215.14"])
def test_elsewhere_it_may_not(host) -> None:
    """Messages name positions: no other host gets them in the clear."""
    with pytest.raises(ValueError, match="starttls"):
        EmailNotifier("mail", host, 25, SENDER, TO, starttls=False)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "desk",
        "a@b\r\nBcc: c@d",
        "Desk <a@b.example>",
        "a@b.example, c@d.example",
        "ä@b.example",
        "a\x1b@b.example",
    ],
)
def test_an_address_is_an_address(address) -> None:
    """What is no bare address is refused at start, as sender and as recipient."""
    with pytest.raises(ValueError, match="mail address"):
        EmailNotifier("mail", "127.0.0.1", 25, address, TO)
    with pytest.raises(ValueError, match="mail address"):
        EmailNotifier("mail", "127.0.0.1", 25, SENDER, (*TO, address))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("451 4.7.1 greylisted, canary", Retry("SMTP 451")),
        ("452 4.2.2 mailbox full", Retry("SMTP 452")),
        ("550 5.1.1 no such user canary", Rejected("SMTP 550")),
        ("554 5.7.1 canary", Rejected("SMTP 554")),
    ],
)
async def test_when_nobody_is_taken_the_code_decides(tmp_path, answer, outcome) -> None:
    """4xx for all recipients is tried again without a delay of the server's, 5xx never."""
    desk = MailDesk(tmp_path)
    desk.refused_recipients = dict.fromkeys(TO, answer)
    async with mail_desk(desk):
        assert await sent(desk) == outcome
    assert desk.mails == []


async def test_one_person_who_waits_keeps_the_mail_alive(tmp_path) -> None:
    """One refused for good and one for now: tried again, for the second one's sake."""
    desk = MailDesk(tmp_path)
    desk.refused_recipients = {TO[0]: "550 no", TO[1]: "451 later"}
    async with mail_desk(desk):
        assert await sent(desk) == Retry("SMTP 451, 550")


async def test_one_person_who_is_told_is_enough(tmp_path) -> None:
    """A mail that one of two could have is delivered: it is not sent to her again for the other's sake."""
    desk = MailDesk(tmp_path)
    desk.refused_recipients = {TO[1]: "550 no"}
    async with mail_desk(desk):
        assert await sent(desk) == Delivered()
    assert desk.recipients == [[TO[0]]]


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [
        (b"421 canary too busy\r\n", Retry),
        (b"554 canary go away\r\n", Rejected),
        (b"HTTP/1.1 400 canary\r\n\r\n", Retry),
        (b"\x00\xff\xfe\r\n", Retry),
        (b"", Retry),
    ],
)
async def test_a_server_that_does_not_want_to_talk(greeting, kind) -> None:
    """421 and garbage at the door are for now, 554 is for good."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)

    async with raw_server(answer) as port:
        notifier = EmailNotifier("mail", "127.0.0.1", port, SENDER, TO, starttls=False)
        outcome = await notifier.notify(a_notification())
    assert isinstance(outcome, kind), outcome
    assert "canary" not in outcome.reason


async def test_a_slow_goodbye_is_still_a_delivery(monkeypatch) -> None:
    """After the server took the mail, nothing makes it look lost."""
    monkeypatch.setattr("alerts.notify.email.GOODBYE_S", 0.05)
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 desk\r\n")
        while line := await reader.readline():
            if line.startswith(b"QUIT"):
                await ended.wait()
            elif line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 OK\r\n")

    async with raw_server(answer) as port:
        notifier = EmailNotifier("mail", "127.0.0.1", port, SENDER, TO, starttls=False)
        assert await notifier.notify(a_notification()) == Delivered()
        ended.set()


@settings(max_examples=40)
@given(hostile_notifications)
def test_no_notification_breaks_out_of_a_header(page) -> None:
    """The mail as sent has our headers, each once, our addresses, and the body that we wrote."""
    raw = message_of(lines_of(page), page.id, SENDER, TO).as_bytes()
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read = message_from_bytes(raw, policy=SMTP)
    assert sorted(read.keys()) == sorted(HEADERS)
    assert b"bcc" not in {line.split(b":")[0].lower() for line in head.split(b"\r\n")}
    assert [address.addr_spec for address in read["To"].addresses] == list(TO)
    assert read["Subject"].isprintable()
    assert read["Message-ID"] == f"<{page.id}@desk.example>"
    assert read.get_content().replace("\r\n", "\n").splitlines()[2:] == lines(page)


@given(hostile_text)
def test_no_encoded_word_is_left_in_a_header(text) -> None:
    """A mail program, and a Python with CVE-2026-1299, finds nothing to decode in what came from outside."""
    shown = header_text(text)
    assert "=?" not in shown
    assert "?=" not in shown
    assert shown.isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_subject_of_hostile_words_is_one_header(text) -> None:
    """Each entry of the corpus stands in the subject as text."""
    page = a_notification(pool=f"venue/{text}/pool", detail=text)
    head = message_of(lines_of(page), page.id, SENDER, TO).as_bytes().partition(b"\r\n\r\n")[0]
    unfolded = head.replace(b"\r\n ", b" ").split(b"\r\n")
    assert len(unfolded) == len(HEADERS)
    assert PASSWORD.encode() not in head
