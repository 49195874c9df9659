"""The contract of every channel, each against a real server on this machine."""

from __future__ import annotations

import asyncio

import pytest

from alerts.notify.notifier import Delivered, Digesting, Rejected, Retry
from alerts.notify.table import NOTIFIERS, notifier_for
from tests.support.chat_desks import SERVICES
from tests.support.notifications import HOSTILE, a_large_notification, a_notification
from tests.support.receivers import CANARY, DELAY_S, Answer, opened

KINDS = ("webhook", "slack", "email", *SERVICES)


TELL_NO_DELAY = ("email", "apprise")  # SMTP has none, and apprise keeps it to itself


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    """Each channel that leaves the process."""
    return request.param


@pytest.fixture
async def pair(kind, tmp_path):
    """A running receiver, and the channel that leads to it."""
    async with opened(kind, tmp_path) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch) -> None:
    """An attempt that ends soon: a hanging receiver hangs however long one waits."""
    for module in ("http", "slack_api", "email", "apprise"):
        monkeypatch.setattr(f"alerts.notify.{module}.ATTEMPT_S", 0.4)


def test_every_channel_is_under_the_contract() -> None:
    """A channel added to the table is added here; a stream speaks no HTTP and is asked in its own file."""
    assert set(NOTIFIERS) == {*KINDS, "terminal", "stream"}


async def test_what_is_accepted_is_delivered(pair) -> None:
    """2xx, ok:true and 250 mean delivered, with the id and the words of the notification."""
    desk, notifier = pair
    page = a_notification()
    assert await notifier.notify(page) == Delivered()
    assert desk.seen == [page.id]
    assert "margin ratio 0.87, BTC -1.9 %" in desk.texts[0]
    assert page.id in desk.texts[0]


async def test_a_busy_receiver_is_asked_again_when_it_says(pair, kind) -> None:
    """429 means again after the receiver's own delay; a greylist's 451 tells none."""
    desk, notifier = pair
    desk.answers = [Answer.BUSY]
    outcome = await notifier.notify(a_notification())
    assert isinstance(outcome, Retry)
    assert outcome.after_s == (None if kind in TELL_NO_DELAY else DELAY_S)


async def test_a_broken_receiver_is_asked_again(pair) -> None:
    """5xx, internal_error and 421 mean again."""
    desk, notifier = pair
    desk.answers = [Answer.BROKEN]
    assert isinstance(await notifier.notify(a_notification()), Retry)


async def test_a_refusal_is_for_good(pair) -> None:
    """404, channel_not_found and 550 mean never, so that the next receiver is told."""
    desk, notifier = pair
    desk.answers = [Answer.REFUSE]
    assert isinstance(await notifier.notify(a_notification()), Rejected)


async def test_a_receiver_that_never_answers_is_asked_again(pair, impatient, monkeypatch) -> None:
    """An attempt has a deadline of its own, and its end is not the end of the message."""
    desk, notifier = pair
    desk.answers = [Answer.HANG]
    outcome = await notifier.notify(a_notification())
    assert isinstance(outcome, Retry)
    assert "no answer within" in outcome.reason
    monkeypatch.undo()
    assert await notifier.notify(a_notification()) == Delivered()


async def test_a_receiver_that_is_gone_is_asked_again(kind, tmp_path) -> None:
    """Nobody listening is no reason to give a message up."""
    async with opened(kind, tmp_path) as (desk, _):
        receiver = desk.receiver()
    notifier = notifier_for(receiver)
    assert isinstance(await notifier.notify(a_notification()), Retry)
    await notifier.close()


async def test_every_attempt_has_the_same_id(pair) -> None:
    """The receiver recognises an attempt that it has already had."""
    desk, notifier = pair
    desk.answers = [Answer.BUSY, Answer.BROKEN, Answer.REFUSE, Answer.ACCEPT]
    page = a_notification()
    for _ in range(4):
        last = await notifier.notify(page)
    assert last == Delivered()
    assert desk.seen == [page.id] * 4


async def test_two_notifications_have_two_ids(pair) -> None:
    """The next incident of the same pool is another message."""
    desk, notifier = pair
    await notifier.notify(a_notification(incident=3))
    await notifier.notify(a_notification(incident=4))
    assert len(set(desk.seen)) == 2


@pytest.mark.parametrize("answer", [Answer.BUSY, Answer.BROKEN, Answer.REFUSE, Answer.HANG])
async def test_no_reason_holds_a_secret(pair, answer, impatient) -> None:
    """Whatever the receiver says, neither secret, nor URL, nor its words reach a reason."""
    desk, notifier = pair
    desk.answers = [answer]
    outcome = await notifier.notify(a_notification())
    assert not isinstance(outcome, Delivered)
    assert CANARY not in outcome.reason
    assert "127.0.0.1" not in outcome.reason
    assert outcome.reason.isprintable()


async def test_hostile_names_stay_text(pair) -> None:
    """Names and details that try to break out are delivered as one printable line each."""
    desk, notifier = pair
    for text in HOSTILE:
        page = a_notification(pool=f"venue/{text}/{text}", desk=text, detail=text)
        assert await notifier.notify(page) == Delivered()
        assert desk.seen[-1] == page.id
        told = desk.texts[-1].replace("\r\n", "\n")
        assert all(line.isprintable() for line in told.split("\n"))
    assert len(desk.texts) == len(HOSTILE)


async def test_a_large_pool_fits_and_the_cut_is_counted(pair) -> None:
    """However many positions a pool has, the page arrives and says how much it leaves out."""
    desk, notifier = pair
    assert await notifier.notify(a_large_notification(400)) == Delivered()
    assert "and 397 more" in desk.texts[0]
    assert "or 395 other ways" in desk.texts[0]


async def test_a_digest_names_every_pool(pair, kind) -> None:
    """A receiver that is paced takes twenty alerts as one message, under its limit, each pool by name."""
    desk, notifier = pair
    if not isinstance(notifier, Digesting):
        pytest.skip("takes each alert by itself")
    pages = [a_notification(pool=f"venue/account-{number}/cross", incident=number) for number in range(20)]
    assert await notifier.digest(pages) == Delivered()
    assert len(desk.texts) == 1
    assert all(page.key.pool in desk.texts[0].replace("\n", "") for page in pages)


async def test_many_at_once_arrive_once_each(pair) -> None:
    """Twenty messages under way at one receiver do not disturb each other."""
    desk, notifier = pair
    pages = [a_notification(incident=number) for number in range(20)]
    outcomes = await asyncio.gather(*map(notifier.notify, pages))
    assert outcomes == [Delivered()] * 20
    assert sorted(desk.seen) == sorted(page.id for page in pages)


async def test_a_channel_may_be_closed_twice(pair) -> None:
    """Closing lets go of connections, and twice does no harm."""
    _, notifier = pair
    assert await notifier.notify(a_notification()) == Delivered()
    await notifier.close()
    await notifier.close()
