"""What somebody pressed under a message: read strictly, allowed by the config, done through `duty`.

Whoever may press is listed by user id; the message must be ours, and in the channel where we put it. A
refusal is told to who pressed, and to nobody else.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
import structlog

from alerts.aids import Aids
from alerts.notify.notifier import Delivered
from alerts.notify.slack_api import SlackApi
from alerts.notify.slack_blocks import ACKNOWLEDGE, BODY_LIMIT, SILENCE, WORKING, Card, escaped, fitted
from alerts.notify.slack_threads import SlackThreads, Thread
from alerts.silences import BadSilence
from alerts.wording import plain
from monitor.domain.identity import PoolId

log = structlog.get_logger()
HOUR_S = 3600.0
DEEPEST = 12
WORKING_MESSAGES = 3  # one explanation; the rest is counted
USER = re.compile(r"[UW][A-Z0-9]{1,40}")


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Action(msgspec.Struct, frozen=True):
    action_id: str
    value: str = ""


class _Message(msgspec.Struct, frozen=True):
    ts: str


class Pressed(msgspec.Struct, frozen=True):
    """A block_actions payload: docs.slack.dev, "block_actions payload", 2026-11."""

    type: str
    user: _Named
    channel: _Named
    message: _Message
    actions: tuple[_Action, ...]


class Refused(Exception):
    """What was asked is not done; the text says why, to who asked."""


class Found(NamedTuple):
    """What a press is about."""

    name: str
    thread: Thread
    card: Card


class Presses:
    """Does what is asked of one receiver."""

    def __init__(
        self, receiver: str, users: frozenset[str], api: SlackApi, threads: SlackThreads, aids: Aids
    ) -> None:
        self._receiver = receiver
        self._users = users
        self._api = api
        self._threads = threads
        self._aids = aids

    async def take(self, content: object) -> None:
        """One payload; what is no press of a button is passed over."""
        pressed = read(content)
        if pressed is None:
            self._count("ignored")
            return
        try:
            said = await self._do(pressed)
        except Refused as refusal:
            self._count("refused")
            who, what = plain(pressed.user.id, 50), plain(pressed.actions[0].action_id, 50)
            log.warning(
                "slack_press_refused", receiver=self._receiver, user=who, action=what, why=str(refusal)
            )
            said = f"Not done: {refusal}"
        else:
            self._count("done")
        if said:
            await self._whisper(pressed, said)

    async def _do(self, pressed: Pressed) -> str:
        """What is said to who pressed; nothing where the message itself shows it. Raises Refused."""
        if pressed.user.id not in self._users or not USER.fullmatch(pressed.user.id):
            raise Refused("you are not among the users of this receiver")
        found = self._found(pressed)
        action = pressed.actions[0].action_id
        if action == WORKING:
            return await self._show_working(found)
        incident = self._aids.duty().incident(found.card.key)
        if incident is None or incident.number != found.card.number:
            raise Refused("that incident is over")
        author = f"slack:{pressed.user.id}"
        if action == ACKNOWLEDGE:
            await self._aids.duty().acknowledge(incident.key.pool, incident.key.condition, author)
            return ""
        if action == SILENCE:
            return await self._silence(found.card, author)
        raise Refused("there is no such button")

    def _found(self, pressed: Pressed) -> Found:
        name = pressed.actions[0].value
        thread = self._threads.of(name) if len(name) <= 100 else None
        if thread is None or thread.card is None:
            raise Refused("that incident is over, or not remembered any more: see `margind alerts`")
        if (pressed.channel.id, pressed.message.ts) != (thread.channel, thread.ts):
            raise Refused("that is not the message of this incident in its channel")
        return Found(name, thread, thread.card)

    async def _silence(self, card: Card, author: str) -> str:
        duty = self._aids.duty()
        matchers = (f'pool="{card.pool}"', f'condition="{card.condition}"')
        try:
            silence = await duty.silence(matchers, author, f"incident {card.number}, from Slack", HOUR_S)
        except BadSilence as error:
            raise Refused(plain(str(error))) from None
        hidden = "" if duty.hides_critical else " What is critical is told all the same."
        return f"Silenced for an hour, id {silence.id}.{hidden}"

    async def _show_working(self, found: Found) -> str:
        told = self._aids.working(PoolId(found.card.pool))
        if not told:
            raise Refused("the pool is not there any more")
        pages = paged([_indented(line) for line in told])
        for page in pages:
            reply = {"channel": found.thread.channel, "thread_ts": found.thread.ts, "text": page}
            quietly = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False}
            outcome, _ = await self._api.call("chat.postMessage", reply | quietly)
            if not isinstance(outcome, Delivered):
                raise Refused(f"Slack did not take it ({outcome.reason})")
        return ""

    async def _whisper(self, pressed: Pressed, said: str) -> None:
        payload = {"channel": pressed.channel.id, "user": pressed.user.id, "text": escaped(said)}
        outcome, _ = await self._api.call("chat.postEphemeral", payload | {"parse": "none"})
        if not isinstance(outcome, Delivered):
            log.warning("slack_press_not_answered", receiver=self._receiver, reason=outcome.reason)

    def _count(self, result: str) -> None:
        self._aids.metrics.answered.labels(self._receiver, result).inc()


def _indented(line: str) -> str:
    """A line of an explanation, whose steps stand below what they explain."""
    depth = min(len(line) - len(line.lstrip(" ")), DEEPEST)
    return f"{' ' * depth}{plain(line)}"


def read(content: object) -> Pressed | None:
    """The press in a payload; None for anything else."""
    try:
        pressed = msgspec.convert(content, Pressed)
    except msgspec.ValidationError:
        return None
    return pressed if pressed.type == "block_actions" and len(pressed.actions) == 1 else None


def read_json(text: str | bytes) -> Any:
    """A payload as JSON; None where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def paged(lines: list[str]) -> list[str]:
    """Messages of as many lines as fit, escaped; past a few of them the rest is counted."""
    pages: list[str] = []
    left = lines
    while left and len(pages) < WORKING_MESSAGES:
        is_last = len(pages) == WORKING_MESSAGES - 1
        kept = fitted(left, BODY_LIMIT)
        whole = len(kept) if len(kept) == len(left) and kept == left else len(kept) - 1
        pages.append("\n".join(map(escaped, kept if is_last else kept[:whole])))
        left = left[whole:] if whole else []
    return pages
