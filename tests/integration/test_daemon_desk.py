"""The whole daemon with a Slack channel and a mailbox: what a desk sees of one fall, and does about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from adapters.loopback import LoopbackExchange
from alerts import trend
from alerts.notify.slack_blocks import ACKNOWLEDGE, WORKING
from monitor.config import Route, Secret
from tests.integration.test_daemon_ccxt import CRITICAL, SAFE
from tests.support.fault_stage import BINANCE, BITCOIN, accounts_of, open_accounts
from tests.support.receivers import MailDesk, mail_desk, plain_of
from tests.support.slack_server import ALICE, APP_TOKEN, SlackWorkspace, workspace
from tests.support.store_server import StoreServer, server_binary
from tests.support.waiting import eventually
from tests.support.whole_daemon import LEVELS, Running, desk_config, running_daemon, watched_account

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]


class Desk(NamedTuple):
    """What is around a running daemon."""

    running: Running
    exchange: LoopbackExchange
    slack: SlackWorkspace
    mail: MailDesk

    @property
    def shown(self) -> dict[str, Any]:
        """The first message of the channel, as it is shown now; empty before it is there."""
        return next(iter(self.slack.roots.values()), {})

    def move(self, mark: int) -> None:
        """Another price of bitcoin."""
        self.exchange.world.set_mark(BITCOIN[BINANCE], mark, venue=BINANCE)


@asynccontextmanager
async def a_desk(folder: Path) -> AsyncIterator[Desk]:
    """A daemon whose receivers are a channel with buttons and a mailbox."""
    binary = server_binary("valkey")
    assert binary is not None
    store, mail = StoreServer(binary, folder), MailDesk(folder)
    await store.start()
    try:
        async with workspace() as slack, mail_desk(mail), open_accounts((BINANCE,)) as exchange:
            app = Secret(APP_TOKEN, "the test")
            watched = tuple(watched_account(exchange, each) for each in accounts_of(exchange))
            settings = desk_config(folder / "data", watched, "", store.url, thresholds=(LEVELS,))
            settings = msgspec.structs.replace(
                settings,
                receivers=(slack.receiver(users=(ALICE,), app_secret=app), mail.receiver()),
                routes=(Route(("chat",), continue_=True), Route(("mail",))),
            )
            async with running_daemon(settings) as running:
                yield Desk(running, exchange, slack, mail)
                assert running.crashes == 0
    finally:
        await store.kill()


async def until(holds: Callable[[], object], what: str) -> None:
    """Waits for something to be seen."""

    async def look() -> bool:
        return bool(holds())

    await eventually(look, what)


async def test_a_fall_as_a_desk_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message of Slack with working and acknowledgement, one thread of mails with a picture."""
    monkeypatch.setattr(trend, "EVERY_S", 0.2)
    async with a_desk(tmp_path) as desk:
        slack, mails = desk.slack, desk.mail.mails
        desk.move(CRITICAL)
        await until(lambda: desk.shown, "the page")
        assert desk.shown["text"].startswith("CRITICAL")
        await slack.send(slack.press(WORKING), "one")
        root = next(iter(slack.roots))
        await until(lambda: "maintenance" in str(slack.replies(root)), "the working")
        await slack.send(slack.press(ACKNOWLEDGE), "two")
        who = f"acknowledged by slack:{ALICE}"
        await until(lambda: who in str(desk.shown["blocks"]), "the acknowledgement")
        desk.move(SAFE)
        await until(lambda: desk.shown["text"].startswith("RESOLVED"), "the end")
        await until(lambda: len(mails) >= 2, "two mails")
    assert slack.whispers == []
    begun, *_, over = [each for each in mails if "margin, " in str(each["Subject"])]
    assert (begun["References"], begun["Subject"]) == (over["References"], over["Subject"])
    assert plain_of(begun).startswith("CRITICAL") and plain_of(over).startswith("RESOLVED")
    assert [part.get_content_type() for part in begun.walk()][-1] == "image/png"
