"""What `margind alerts`, `ack`, `silence` and `unsilence` ask the running daemon, and how they tell its
answer. Nothing here needs the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from alerts.alert import Ack
from alerts.canary import Tested
from alerts.listing import Alert, Listing, SilenceAnswer
from alerts.silences import Silence
from alerts.wording import plain
from monitor.control_client import ANSWER_S, AskedWrongly, NobodyAnswers, NotKnown, ask
from monitor.exit_codes import CommandFailed, ExitCode

CANARY_S = 120.0  # a receiver may ask for patience twice


def show_alerts(data_dir: Path, as_json: bool) -> int:
    """Prints what is open, for a person or for a program."""
    told = asked_of(data_dir, "/alerts")
    if as_json:
        print(msgspec.json.format(told, indent=2).decode())
    else:
        print(*lines(msgspec.json.decode(told, type=Listing)), sep="\n")
    return ExitCode.DONE


def acknowledge(data_dir: Path, pool: str, condition: str | None, author: str) -> int:
    """Says that somebody has it."""
    asked = {"pool": pool, "condition": condition, "author": author}
    for ack in msgspec.json.decode(asked_of(data_dir, "/alerts/acknowledge", "POST", asked), type=list[Ack]):
        name = f"{ack.key.pool} {ack.key.condition.value}"
        print(f"{name}: {ack.author} has it; no repeats while it is no worse than {ack.level.label}")
    return ExitCode.DONE


def canary(data_dir: Path) -> int:
    """Tests every receiver; the exit code says whether all took it."""
    tested = msgspec.json.decode(asked_of(data_dir, "/canary", "POST", within_s=CANARY_S), type=list[Tested])
    for each in tested:
        said = f"taken after {each.seconds:.2f} s" if each.is_taken else f"NOT TAKEN: {plain(each.reason)}"
        print(f"{each.receiver:<20} {said}")
    return ExitCode.DONE if all(each.is_taken for each in tested) else ExitCode.FAILED


def silence(data_dir: Path, matchers: Sequence[str], author: str, reason: str, seconds: float) -> int:
    """Begins a silence."""
    asked = {"matchers": matchers, "author": author, "reason": reason, "seconds": seconds}
    answer = msgspec.json.decode(asked_of(data_dir, "/silences", "POST", asked), type=SilenceAnswer)
    told = answer.silence
    print(f"silence {told.id} until {moment(told.ends_ns)}: {' '.join(map(str, told.matchers))}")
    if not answer.hides_critical:
        print("what is critical or worse is told all the same")
    return ExitCode.DONE


def unsilence(data_dir: Path, id_: str) -> int:
    """Ends a silence."""
    told = msgspec.json.decode(asked_of(data_dir, f"/silences/{quote(id_, safe='')}", "DELETE"), type=Silence)
    print(f"silence {told.id} has ended: what it hid is told")
    return ExitCode.DONE


def lines(told: Listing) -> Iterator[str]:
    """The list as text: alerts, then silences. Names and words of others are one printable line."""
    if not told.alerts:
        yield "nothing is open"
    for alert in told.alerts:
        yield f"{alert.level:<12} {alert.condition:<12} {plain(alert.pool)}  {_state(alert)}"
    for each in told.silences:
        yield f"silence {each.id}  {plain(' '.join(each.matchers))}  until {moment(each.ends_ns)}"
        yield f"    {plain(each.author)}: {plain(each.reason)}"


def _state(alert: Alert) -> str:
    parts = []
    if alert.opened_ns is not None:
        parts.append(f"since {moment(alert.opened_ns)}")
    if alert.acknowledged_by is not None:
        parts.append(f"acknowledged by {plain(alert.acknowledged_by)}")
    if alert.escalated_after_s is not None:
        parts.append(f"escalated after {alert.escalated_after_s:g} s")
    if alert.held_by is not None:
        parts.append(f"held back by {plain(alert.held_by)}")
    return ", ".join(parts)


def moment(wall_ns: int) -> str:
    """A time of the wall clock, in UTC."""
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def asked_of(
    data_dir: Path, path: str, method: str = "GET", body: Any = None, within_s: float = ANSWER_S
) -> bytes:
    """What the daemon answers; raises CommandFailed."""
    written = None if body is None else msgspec.json.encode(body)
    try:
        return asyncio.run(ask(data_dir, path, method, written, within_s))
    except (NotKnown, AskedWrongly) as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    except NobodyAnswers as error:
        raise CommandFailed(f"no daemon answers at {error}", ExitCode.NOT_RUNNING) from None
