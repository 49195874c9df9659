"""Edits the messages of incidents so that they show what is so now: the newest notice, and who has it.

chat.update is "Tier 3", 50 a minute and more (docs.slack.dev, "Rate limits", 2026-11), a limit of its own:
what it waits for delays no page. What can't be edited any more is posted anew.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog

from alerts.aids import Aids
from alerts.alert import Ack, Kind, Level, Notification
from alerts.notify.notifier import Delivered, Outcome, Retry
from alerts.notify.slack_api import SlackApi
from alerts.notify.slack_blocks import Card, blocks_of, escaped
from alerts.notify.slack_threads import SlackThreads, Thread, begun

log = structlog.get_logger()
EVERY_S = 1.2
LOOK_S = 0.5
GONE_S = 60.0  # an end that was told in another message, with other pools, is shown after this long
PAUSE_S = 5.0  # after a failure that passes and tells no delay
NOT_EDITABLE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "block_mismatch"}
)


class Refresh:
    """Over the threads of one receiver."""

    def __init__(self, api: SlackApi, threads: SlackThreads, aids: Aids, with_buttons: bool) -> None:
        self._api = api
        self._threads = threads
        self._aids = aids
        self._with_buttons = with_buttons
        self._closed_s: dict[str, float] = {}  # since when an incident is seen to have ended

    async def run(self) -> None:
        """For ever, one at a time."""
        while True:
            pause_s = await self.once()
            await asyncio.sleep(pause_s)

    async def once(self) -> float:
        """Edits the worst that is not up to date; answers how long to wait then."""
        stale = self._stale()
        if stale is None:
            return LOOK_S
        name, thread, card, ack = stale
        payload = message_of(card, ack, thread.channel, name if self._with_buttons else None)
        outcome, _ = await self._api.call("chat.update", payload | {"ts": thread.ts})
        if isinstance(outcome, Retry):
            return PAUSE_S if outcome.after_s is None else outcome.after_s
        if isinstance(outcome, Delivered):
            self._shows(name, thread, card, ack)
        elif outcome.reason in NOT_EDITABLE:
            await self._anew(name, thread, card, ack, payload)
        else:
            self._give_up(name, thread, card, ack, outcome)
        return EVERY_S

    def _stale(self) -> tuple[str, Thread, Card, Ack | None] | None:
        found = []
        is_open = {(incident.key, incident.number) for incident in self._aids.duty().open}
        for name, thread, card in self._threads.shown():
            if self._is_gone(name, (card.key, card.number) not in is_open and not card.is_over):
                card = ended(card)
            ack = self._ack_of(card)
            if thread.shown != shown_of(card, ack):
                found.append((name, thread, card, ack))
        return max(found, key=lambda each: each[2].level, default=None)

    def _is_gone(self, name: str, is_closed: bool) -> bool:
        """Whether its end is that long ago; the notice of it is usually on its way."""
        if not is_closed:
            self._closed_s.pop(name, None)
            return False
        now_s = self._aids.clock.monotonic_ns() / 1e9
        return now_s >= self._closed_s.setdefault(name, now_s) + GONE_S

    def _ack_of(self, card: Card) -> Ack | None:
        if card.is_over:
            return None
        ack = self._aids.duty().ack(card.key)
        return ack if ack is not None and ack.number == card.number else None

    async def _anew(
        self, name: str, thread: Thread, card: Card, ack: Ack | None, payload: dict[str, Any]
    ) -> None:
        """Somebody has deleted the message, or the time for edits is over."""
        outcome, answer = await self._api.call("chat.postMessage", payload)
        fresh = begun(answer)
        if isinstance(outcome, Delivered) and fresh is not None:
            places = {"channel": fresh.channel, "ts": fresh.ts}
            self._shows(name, msgspec.structs.replace(thread, **places), card, ack)
        elif not isinstance(outcome, Retry):
            self._give_up(name, thread, card, ack, outcome)

    def _give_up(self, name: str, thread: Thread, card: Card, ack: Ack | None, outcome: Outcome) -> None:
        """What it says is in the thread already; the next notice tries again."""
        reason = "" if isinstance(outcome, Delivered) else outcome.reason
        log.warning("slack_message_not_updated", incident=card.number, reason=reason)
        self._shows(name, thread, card, ack)

    def _shows(self, name: str, thread: Thread, card: Card, ack: Ack | None) -> None:
        """A notice may have come while Slack was asked: then it is stale again."""
        held = self._threads.of(name)
        if held is None:
            return
        fields: dict[str, Any] = {"channel": thread.channel, "ts": thread.ts, "shown": shown_of(card, ack)}
        if card.is_over and held.occasion == card.occasion:
            fields["card"] = None  # nothing comes after the end
            self._closed_s.pop(name, None)
        self._threads.keep(name, msgspec.structs.replace(held, **fields))


def ended(card: Card) -> Card:
    """What is shown of an incident whose end was told together with others."""
    return msgspec.structs.replace(
        card,
        level=int(Level.CLEAR),
        kind=Kind.RESOLVED.value,
        id=f"{card.id} over",
        headline=f"OVER {card.headline}",
    )


def shown_of(card: Card, ack: Ack | None) -> str:
    """What a message shows, in short."""
    return f"{card.id} {ack.author if ack else ''} {ack.at_ns if ack else ''}"


def shown_of_new(notification: Notification) -> str:
    """What a message shows that was just posted."""
    return f"{notification.id}  "


def message_of(card: Card, ack: Ack | None, channel: str, value: str | None) -> dict[str, Any]:
    """The arguments of chat.update."""
    return {
        "channel": channel,
        "text": escaped(card.headline),
        "blocks": blocks_of(card, ack, value),
        "parse": "none",
        "link_names": False,
        "metadata": {"event_type": "margind_alert", "event_payload": {"id": card.id}},
    }
