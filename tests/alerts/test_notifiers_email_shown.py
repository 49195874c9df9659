"""How a mail looks: HTML beside the text, a picture inside, one thread an incident; and what it costs when
that fails: nothing but the looks."""

from __future__ import annotations

import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from alerts.aids import Aids, levels_from
from alerts.alert import Kind, Level, Notification
from alerts.ledger import Ledger
from alerts.memory import Memory
from alerts.message import headline, lines
from alerts.notify.email import EmailNotifier
from alerts.notify.mail_chart import gaps, is_worth, png_of, with_now
from alerts.notify.mail_html import html_of
from alerts.notify.mail_message import PICTURE, lines_of, message_of, root_of, shown, subject_of, threaded
from alerts.notify.notifier import Delivered
from alerts.notify.table import notifier_for
from alerts.trend import Hour, Trend
from monitor.clock import ManualClock
from monitor.names import Metrics
from tests.support.alerting import a_config, a_view
from tests.support.notifications import POOL, a_notification, hostile_notifications
from tests.support.receivers import SENDER, TO, MailDesk, mail_desk, plain_of

LEVELS = (0.5, 0.7, 0.85, 1.0)
NAN = float("nan")
PNG = b"\x89PNG\r\n\x1a\n"


def an_hour(*ratios: float) -> Hour:
    """Samples each half minute up to now."""
    return Hour(np.arange(1 - len(ratios), 1).astype(np.float64) * 30, np.array(ratios, dtype=np.float32))


def aids(folder: Path, ratios: tuple[float, ...] = (0.4, 0.5, 0.6)) -> Aids:
    """With a trend of the pool that notifications are about."""
    clock, metrics, trend = ManualClock(), Metrics(), Trend()
    for ratio in ratios:
        view = a_view([POOL], clock.monotonic_ns(), 0)
        figures: dict[str, Any] = {"equity": np.array([100.0]), "maintenance_margin": np.array([100 * ratio])}
        trend.observe(msgspec.structs.replace(view, **figures))
        clock.advance_s(30)
    config = a_config(folder)
    memory = Memory(Ledger(folder / "ledger", metrics), clock)

    def no_duty() -> Any:
        raise AssertionError("a mail asks nobody")

    return Aids(memory, no_duty, trend, levels_from(lambda: config), lambda _: (), clock, metrics)


async def sent(desk: MailDesk, given_aids: Aids | None, page: Notification | None = None) -> EmailMessage:
    """The mail as it arrived."""
    notifier = notifier_for(desk.receiver())
    assert isinstance(notifier, EmailNotifier)
    if given_aids is not None:
        notifier.aid(given_aids)
    await notifier.listen()
    assert await notifier.notify(page or a_notification()) == Delivered()
    await notifier.close()
    return desk.mails[-1]


def kinds(mail: EmailMessage) -> list[str]:
    """The kinds of all parts, outermost first."""
    return [part.get_content_type() for part in mail.walk()]


def fallbacks(given_aids: Aids, what: str) -> float:
    """How often a mail went out plainer."""
    labels = {"receiver": "mail", "what": what}
    return given_aids.metrics.registry.get_sample_value("margind_render_fallback_total", labels) or 0.0


async def test_a_mail_has_text_html_and_a_picture(tmp_path) -> None:
    """The picture is inside the HTML, named by its content id, and nothing is fetched from elsewhere."""
    desk = MailDesk(tmp_path)
    async with mail_desk(desk):
        mail = await sent(desk, aids(tmp_path))
    assert kinds(mail) == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == f"<{PICTURE}>"
    assert picture.get_content().startswith(PNG) and len(picture.get_content()) < 60_000
    html = mail.get_body(("html",))
    assert html is not None and f'src="cid:{PICTURE}"' in html.get_content()
    assert "http" not in html.get_content()


async def test_without_a_past_there_is_no_picture(tmp_path) -> None:
    """A pool that was seen once, and one that nothing is known of."""
    desk = MailDesk(tmp_path)
    async with mail_desk(desk):
        for given_aids in (None, aids(tmp_path, (0.4,)), aids(tmp_path, (NAN, NAN, NAN))):
            mail = await sent(desk, given_aids)
            assert kinds(mail) == ["multipart/alternative", "text/plain", "text/html"]


async def test_all_mails_of_an_incident_are_one_thread(tmp_path) -> None:
    """The same subject and root, another Message-ID; another incident has another root."""
    desk = MailDesk(tmp_path)
    pages = [
        a_notification(),
        a_notification(kind=Kind.RESOLVED, level=Level.CLEAR),
        a_notification(incident=4),
    ]
    async with mail_desk(desk):
        first, over, other = [await sent(desk, None, page) for page in pages]
    assert first["Subject"] == over["Subject"] != other["Subject"]
    assert first["References"] == first["In-Reply-To"] == over["References"] != other["References"]
    assert first["References"] == f"<{root_of(pages[0])}@desk.example>"
    assert plain_of(over).startswith("RESOLVED")
    assert len({mail["Message-ID"] for mail in (first, over, other)}) == 3


async def test_a_picture_that_fails_costs_the_picture(tmp_path, monkeypatch) -> None:
    """The mail goes out without, and that is counted."""
    desk, given_aids = MailDesk(tmp_path), aids(tmp_path)

    def fails(hour: Hour, _: object) -> bytes:
        if len(hour.ratios):
            raise RuntimeError("no")
        return b""

    monkeypatch.setattr("alerts.notify.email.png_of", fails)
    async with mail_desk(desk):
        mail = await sent(desk, given_aids)
    assert "image/png" not in kinds(mail) and "text/html" in kinds(mail)
    assert fallbacks(given_aids, "picture") == 1


async def test_a_picture_that_takes_too_long_is_left_out(tmp_path, monkeypatch) -> None:
    """A page waits a moment for it and no longer."""
    desk, given_aids = MailDesk(tmp_path), aids(tmp_path)
    monkeypatch.setattr("alerts.notify.email.DRAW_S", 0.05)
    released = threading.Event()

    def hangs(hour: Hour, _: object) -> bytes:
        if len(hour.ratios):
            released.wait(20)
        return PNG

    monkeypatch.setattr("alerts.notify.email.png_of", hangs)
    async with mail_desk(desk):
        mail = await sent(desk, given_aids)
    released.set()
    assert "image/png" not in kinds(mail)
    assert fallbacks(given_aids, "picture") == 1


async def test_html_that_fails_costs_the_html(tmp_path, monkeypatch) -> None:
    """The plain text says all of it."""
    desk, given_aids = MailDesk(tmp_path), aids(tmp_path)

    def fails(*_: object) -> str:
        raise KeyError("no")

    monkeypatch.setattr("alerts.notify.email.html_of", fails)
    async with mail_desk(desk):
        mail = await sent(desk, given_aids)
    assert kinds(mail) == ["text/plain"]
    assert plain_of(mail).splitlines()[2:] == lines(a_notification())
    assert fallbacks(given_aids, "html") == 1


class _Reader(HTMLParser):
    """What is shown, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.told: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Each element."""
        self.tags.add(tag)
        assert all(not name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        """Each text."""
        self.told.append(data)


@settings(max_examples=60)
@given(hostile_notifications)
def test_no_notification_becomes_html(page) -> None:
    """Whatever stands in names: our elements only, and the headline as text."""
    reader = _Reader()
    reader.feed(html_of(page, PICTURE))
    ours = {"html", "head", "meta", "title", "body", "table", "tr", "td", "img"}
    assert reader.tags <= ours
    assert headline(page) in reader.told
    raw = shown(
        threaded(message_of(lines_of(page), page.id, SENDER, TO, subject_of(page)), root_of(page), SENDER),
        html_of(page, PICTURE),
        PNG,
    ).as_bytes()
    read = message_from_bytes(raw, policy=SMTP)
    assert [address.addr_spec for address in read["To"].addresses] == list(TO)
    assert read["References"] == f"<{root_of(page)}@desk.example>"
    assert read["Bcc"] is None and len(read.keys()) == len(set(read.keys())) == 10
    body = read.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").splitlines()[2:] == lines(page)


def test_what_was_not_known_is_a_gap() -> None:
    """From the last sample that was known to the next; neighbours are one gap."""
    assert gaps(an_hour(0.4, NAN, NAN, 0.5, 0.6, NAN)) == [(-150.0, -60.0), (-30.0, 0.0)]
    assert gaps(an_hour(0.4, 0.5)) == []
    assert not is_worth(an_hour(NAN, 0.4, NAN))


@pytest.mark.parametrize(
    "ratios", [(), (0.5,), (NAN, NAN), (0.0, 0.0), (0.4, NAN, 0.9), (1e30, 5.0), (0.1,) * 121]
)
def test_every_past_can_be_drawn(ratios) -> None:
    """However odd it is; the page's own figure stands at the end."""
    hour = an_hour(*ratios)
    assert png_of(hour, LEVELS).startswith(PNG)
    assert png_of(with_now(hour, None), ()).startswith(PNG)
    assert float(with_now(hour, 0.5).ratios[-1]) == 0.5
