"""Slack, through its Web API: one message for each incident, kept up to date, its history in a thread.

A new notice is one call of chat.postMessage, the message or a reply; whatever is worse, or told again, is
shown in the channel too, because an edited message rings for nobody. The message itself is edited behind the
pages' back (`listen`): no page waits for an edit, or fails by it.

Slack posts a message again when it is sent again (client_msg_id is not documented for bots, 2026-11): an
attempt whose answer was lost may show twice. Both then hold the notification id, in the text and in the
metadata. Of what was taken and remembered nothing is posted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import structlog

from alerts.aids import Aids
from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.notify.faults import RENDER_FAULTS
from alerts.notify.notifier import Delivered, Outcome, Rejected
from alerts.notify.slack_api import SlackApi
from alerts.notify.slack_blocks import TEXT_LIMIT, blocks_of, card_of, escaped, is_worse, text_of
from alerts.notify.slack_hearing import Hearing, hearing
from alerts.notify.slack_refresh import Refresh, shown_of_new
from alerts.notify.slack_threads import SlackThreads, Thread, begun, name_of
from monitor.config import Secret

log = structlog.get_logger()
# "1 per second [and channel]. Short bursts >1 allowed": docs.slack.dev, "Rate limits", 2026-11. How short is
# not said; who goes on past it is answered with pauses of many seconds.
EVERY_S = 1.0
BURST = 5
POST = "chat.postMessage"
BAD_FORM = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_metadata_format"}
)


class SlackNotifier:
    """Posts to one channel, and listens where it is told how."""

    every_s = EVERY_S
    burst = BURST
    room = TEXT_LIMIT

    def __init__(
        self,
        name: str,
        token: Secret,
        channel: str,
        *,
        url: str | None = None,
        allow_private_destinations: bool = False,
        hears: Hearing | None = None,
    ) -> None:
        self.name = name
        self._channel = channel
        self._api = SlackApi(token, url, allow_private=allow_private_destinations)
        self._hears = hears
        self._aids: Aids | None = None
        self._threads: SlackThreads | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def aid(self, aids: Aids) -> None:
        """Takes a memory; without one each notice is a message of its own."""
        self._aids = aids
        self._threads = SlackThreads(self.name, aids.memory)

    async def notify(self, notification: Notification) -> Outcome:
        """One call; a second one where Slack takes no reply, or not our blocks."""
        name = name_of(notification)
        turn = self._turns.setdefault(name, asyncio.Lock())  # one notice of an incident after the other
        async with turn:
            thread = self._threads.of(name) if self._threads else None
            if thread is None or thread.asked != self._channel:  # a reload may have moved the desk elsewhere
                return await self._begin(name, notification)
            if notification.id in thread.told:
                return Delivered()
            return await self._reply(name, thread, notification)

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """Many in one message; those with a message of their own are brought up to date there."""
        text = "\n".join(map(escaped, digest_lines(notifications)))
        outcome, _ = await self._api.call(POST, payload_of(text, digest_id(notifications), self._channel))
        if isinstance(outcome, Delivered) and self._threads is not None:
            for notification in notifications:
                name = name_of(notification)
                if (thread := self._threads.of(name)) is not None:
                    self._remember(name, thread, notification)
        return outcome

    async def listen(self) -> None:
        """Brings messages up to date, and takes in what people press."""
        if self._aids is None or self._threads is None:
            return
        refresh = Refresh(self._api, self._threads, self._aids, self._with_buttons)
        async with asyncio.TaskGroup() as group:
            group.create_task(refresh.run())
            if self._hears is not None:
                group.create_task(hearing(self._hears, self.name, self._api, self._threads, self._aids))

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    @property
    def _with_buttons(self) -> bool:
        return self._hears is not None

    async def _begin(self, name: str, notification: Notification) -> Outcome:
        payload = payload_of(text_of(notification), notification.id, self._channel)
        blocks = self._blocks(name, notification)
        outcome, answer = await self._api.call(POST, payload | blocks)
        if blocks and isinstance(outcome, Rejected) and outcome.reason in BAD_FORM:
            self._count_plainer()
            outcome, answer = await self._api.call(POST, payload)
        thread = begun(answer)
        if isinstance(outcome, Delivered) and thread is not None:
            is_shown = {"shown": shown_of_new(notification)} if blocks else {}
            thread = msgspec.structs.replace(thread, asked=self._channel, **is_shown)
            self._remember(name, thread, notification)
        return outcome

    async def _reply(self, name: str, thread: Thread, notification: Notification) -> Outcome:
        assert self._threads is not None
        payload = payload_of(text_of(notification), notification.id, thread.channel)
        is_loud = is_worse(notification) and notification.occasion > thread.occasion
        payload |= {"thread_ts": thread.ts, "reply_broadcast": is_loud}
        outcome, _ = await self._api.call(POST, payload)
        if isinstance(outcome, Rejected):  # the message is deleted, its thread locked, its channel archived
            self._threads.forget(name)
            return await self._begin(name, notification)
        if isinstance(outcome, Delivered):
            self._remember(name, thread, notification)
        return outcome

    def _remember(self, name: str, thread: Thread, notification: Notification) -> None:
        """Slack has it: whatever goes wrong here, it is delivered."""
        if self._threads is None:
            return
        try:
            self._threads.heard(name, thread, notification)
        except RENDER_FAULTS as error:
            log.error("slack_message_not_remembered", receiver=self.name, error=type(error).__name__)

    def _blocks(self, name: str, notification: Notification) -> dict[str, Any]:
        """Nothing where they can't be made: the text alone says it all."""
        try:
            value = name if self._with_buttons and self._threads is not None else None
            return {"blocks": blocks_of(card_of(notification), None, value)}
        except RENDER_FAULTS:
            self._count_plainer()
            return {}

    def _count_plainer(self) -> None:
        if self._aids is not None:
            self._aids.metrics.render_fallback.labels(self.name, "blocks").inc()


def payload_of(text: str, id_: str, channel: str) -> dict[str, Any]:
    """The arguments of chat.postMessage."""
    return {
        "channel": channel,
        "text": text,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "margind_alert", "event_payload": {"id": id_}},
    }
