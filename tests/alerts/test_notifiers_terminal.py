"""The terminal: colour for eyes only, no escape from data, and the table that makes every channel."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given, settings

from alerts.alert import Kind
from alerts.message import headline, lines
from alerts.notify.email import EmailNotifier
from alerts.notify.notifier import Delivered, Rejected
from alerts.notify.slack import SlackNotifier
from alerts.notify.table import notifier_for
from alerts.notify.terminal import TerminalNotifier
from alerts.notify.webhook import WebhookNotifier
from monitor.config import Receiver, Secret
from tests.support.notifications import a_notification, hostile_notifications
from tests.support.receivers import CANARY, SIGNING_SECRET, SLACK_TOKEN

WEBHOOK = Receiver("hook", "webhook", url="https://desk.example/", secret=Secret(SIGNING_SECRET, "the test"))
SLACK = Receiver("chat", "slack", secret=Secret(SLACK_TOKEN, "the test"), channel="C1")
EMAIL = Receiver("mail", "email", host="mail.example", sender="a@desk.example", to=("b@desk.example",))


class Screen(io.StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        """Somebody does."""
        return True


async def test_headline_and_lines_are_printed() -> None:
    """The headline stands out at the left, the lines below it."""
    stream, page = io.StringIO(), a_notification()
    assert await TerminalNotifier("here", stream).notify(page) == Delivered()
    assert stream.getvalue().splitlines() == [headline(page), *(f"  {line}" for line in lines(page))]


@settings(max_examples=40)
@given(hostile_notifications)
async def test_no_notification_moves_the_terminal(page) -> None:
    """Into a file goes not one escape; on a screen only our own colours, and no other control character."""
    file, screen = io.StringIO(), Screen()
    await TerminalNotifier("here", file).notify(page)
    await TerminalNotifier("here", screen).notify(page)
    assert file.getvalue().replace("\n", "").isprintable()
    assert screen.getvalue().count("\x1b") == 4
    shown = screen.getvalue()
    for ours in ("\x1b[0m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[1;31m", "\x1b[1;37;41m"):
        shown = shown.replace(ours, "")
    assert shown == file.getvalue()


async def test_a_resolution_is_green() -> None:
    """Whatever the level was, good news looks like good news."""
    screen = Screen()
    await TerminalNotifier("here", screen).notify(a_notification(kind=Kind.RESOLVED))
    assert screen.getvalue().startswith("\x1b[32mRESOLVED")


async def test_a_terminal_that_is_gone_is_rejected() -> None:
    """A closed stream is an outcome, not a crash."""
    stream = io.StringIO()
    stream.close()
    assert isinstance(await TerminalNotifier("here", stream).notify(a_notification()), Rejected)


async def test_a_terminal_without_unicode_gets_what_it_can_show() -> None:
    """A stream in ASCII loses characters, and not the page."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    assert await TerminalNotifier("here", stream).notify(a_notification(desk="Zürich")) == Delivered()
    assert b"desk Z?rich" in raw.getvalue()


@pytest.mark.parametrize(
    ("receiver", "kind"),
    [
        (Receiver("here", "terminal"), TerminalNotifier),
        (WEBHOOK, WebhookNotifier),
        (SLACK, SlackNotifier),
        (EMAIL, EmailNotifier),
    ],
)
def test_each_kind_has_its_channel(receiver, kind) -> None:
    """The table makes what the config names, under the receiver's name."""
    notifier = notifier_for(receiver)
    assert isinstance(notifier, kind)
    assert notifier.name == receiver.name


@pytest.mark.parametrize(
    ("receiver", "changes", "key"),
    [
        (WEBHOOK, {"url": None}, "receivers[hook].url"),
        (WEBHOOK, {"secret": None}, "receivers[hook].secret"),
        (WEBHOOK, {"secret": Secret(f"whsec_{CANARY}!", "the test")}, "receivers[hook].secret"),
        (WEBHOOK, {"secret": Secret("", "the test")}, "receivers[hook].secret"),
        (WEBHOOK, {"url": "http://desk.example/"}, "receivers[hook].url"),
        (SLACK, {"secret": None}, "receivers[chat].secret"),
        (SLACK, {"channel": None}, "receivers[chat].channel"),
        (SLACK, {"url": "http://127.0.0.1/"}, "receivers[chat].url"),
        (EMAIL, {"host": None}, "receivers[mail].host"),
        (EMAIL, {"sender": None}, "receivers[mail].sender"),
        (EMAIL, {"to": ()}, "receivers[mail].to"),
        (EMAIL, {"user": "me"}, "receivers[mail].secret"),
        (EMAIL, {"secret": Secret(CANARY, "the test")}, "receivers[mail].user"),
        (EMAIL, {"ca_file": "/nowhere/ca.pem"}, "receivers[mail].ca_file"),
        (EMAIL, {"ca_file": __file__}, "receivers[mail].ca_file"),
        (EMAIL, {"starttls": False}, "receivers[mail]: starttls"),
        (Receiver("pager", "pigeon"), {}, "receivers[pager].kind"),
    ],
)
def test_a_receiver_that_lacks_something_names_the_key(receiver, changes, key) -> None:
    """What is missing or wrong is refused at start by its key, without the secret."""
    with pytest.raises(ValueError) as refused:
        notifier_for(msgspec.structs.replace(receiver, **changes))
    assert str(refused.value).startswith(key)
    assert CANARY not in str(refused.value)
