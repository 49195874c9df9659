"""Which message of a channel is about which incident, and what it shows; kept through a restart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

from alerts.alert import Notification
from alerts.memory import MOST, Memory
from alerts.notify.slack_blocks import Card, card_of

TOLD = 16  # notices of an incident that are known to be there
STAMP = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}")
CHANNEL = re.compile(r"[A-Z0-9]{2,40}")


class Thread(msgspec.Struct, frozen=True):
    """One message and its replies."""

    channel: str
    ts: str
    asked: str = ""  # the channel as the config called it then
    occasion: int = 0  # the newest notice
    told: tuple[str, ...] = ()  # ids of notices that Slack has taken
    card: Card | None = None  # what it is to show; None once the end of it is shown
    shown: str = ""  # what it shows


class SlackThreads:
    """The threads of one receiver."""

    def __init__(self, receiver: str, memory: Memory) -> None:
        self._receiver = receiver
        self._memory = memory
        self._decoded: dict[str, tuple[str, Thread | None]] = {}

    def of(self, name: str) -> Thread | None:
        """The thread of this name."""
        body = self._memory.recall(self._receiver, name)
        return None if body is None else self._read(name, body)

    def shown(self) -> Iterator[tuple[str, Thread, Card]]:
        """Those that show an incident."""
        for name, body in self._memory.all_of(self._receiver):
            thread = self._read(name, body)
            if thread is not None and thread.card is not None:
                yield name, thread, thread.card

    def keep(self, name: str, thread: Thread) -> None:
        """Remembers it."""
        self._memory.keep(self._receiver, name, msgspec.json.encode(thread).decode())

    def forget(self, name: str) -> None:
        """The message is gone."""
        self._memory.forget(self._receiver, name)
        self._decoded.pop(name, None)

    def heard(self, name: str, thread: Thread, notification: Notification) -> None:
        """Slack has this notice; the message is to show it, unless it shows a later one."""
        thread = msgspec.structs.replace(thread, told=(*thread.told, notification.id)[-TOLD:])
        if notification.occasion >= thread.occasion:
            newest = {"occasion": notification.occasion, "card": card_of(notification)}
            thread = msgspec.structs.replace(thread, **newest)
        self.keep(name, thread)

    def _read(self, name: str, body: str) -> Thread | None:
        """Asked of all of them each second, so what was read once is held."""
        held = self._decoded.get(name)
        if held is not None and held[0] is body:
            return held[1]
        if len(self._decoded) >= 2 * MOST:
            self._decoded.clear()
        thread = _read(body)
        self._decoded[name] = (body, thread)
        return thread


def name_of(notification: Notification) -> str:
    """What an incident is called behind a button: nothing of a pool's name gets there."""
    key = notification.key
    text = f"{key.pool}|{key.condition.value}|{notification.incident}"
    return f"inc_{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:32]}"


def begun(answer: object) -> Thread | None:
    """The thread under a message that Slack has taken; None where it does not say which that is."""
    if not isinstance(answer, dict):
        return None
    channel, ts = answer.get("channel"), answer.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        return None
    return Thread(channel, ts) if CHANNEL.fullmatch(channel) and STAMP.fullmatch(ts) else None


def _read(body: str) -> Thread | None:
    try:
        return msgspec.json.decode(body, type=Thread)
    except (msgspec.DecodeError, UnicodeDecodeError):  # of another release
        return None
