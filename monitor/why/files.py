"""What `why` reads: the ledger as it stands, the history around the moment, and what the words name."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from alerts.alert import Ack, AlertKey, Incident, Notification
from alerts.holding import Holding
from alerts.ledger_look import look
from alerts.ledger_rows import acks_of, incidents_of, notification_from, silences_of
from alerts.route import Routing
from alerts.silences import Silences
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.history.file import HistoryTooNew
from monitor.history.reading import ALWAYS, Kept, read
from monitor.history.records import Decision, Pool, Settings
from monitor.tune.tracks import Track, tracks_of

LEDGER = "ledger"
NO_HISTORY = "there is no history: [history] is off, or nothing ran here"
HOUR_NS = 3_600 * 1_000_000_000
NOTICE = re.compile(r"msg_[0-9a-f]{32}")
INCIDENT = re.compile(r"(?P<pool>[^#]+)#(?:(?P<condition>[a-z_]+)/)?(?P<number>\d{1,12})")


class Delivery(NamedTuple):
    """What became of a notification at a receiver."""

    route: int
    receiver: str
    state: str  # intent, sent, confirmed, rejected or superseded
    attempts: int
    reason: str


class Told(NamedTuple):
    """A notification of the ledger, and where it went."""

    notification: Notification
    deliveries: tuple[Delivery, ...]


class Files(NamedTuple):
    """All of it. `damage` in words."""

    told: tuple[Told, ...]  # in the order in which it was told
    incidents: dict[AlertKey, Incident]  # that are open
    acks: dict[AlertKey, Ack]
    silences: Silences
    kept: Kept | None  # None: there is no history
    damage: tuple[str, ...]

    def holding(self, settings: Settings) -> Holding:
        """What silences and quiet hours hold back."""
        times = (settings.escalations, settings.rotas, settings.time_intervals)
        return Holding(self.silences, Routing(settings.routes, *times))

    def track(self, pool: str) -> Track | None:
        """The newest evaluations of a pool."""
        if self.kept is None:
            return None
        mine = {number: known for number, known in self.kept.pools.items() if known.id == pool}
        tracks = tracks_of(self.kept._replace(pools=mine))
        return max(tracks, key=lambda track: int(track.rows["at_ns"][-1]), default=None)


class Asked(NamedTuple):
    """What the words of the command line name."""

    pool: str
    told: tuple[Told, ...]  # notifications that they name, none where they name a pool
    decisions: tuple[Decision, ...]  # of the history, where the ledger has them no more


def files_of(data_dir: Path, at_ns: int | None = None) -> Files:
    """The ledger, and the hour of history before a moment or before now; raises CommandFailed."""
    contents = look(data_dir / LEDGER)
    deliveries: dict[str, list[Delivery]] = {}
    for id_, route, receiver, state, attempts, reason in contents.rows["deliveries"]:
        delivery = Delivery(int(str(route)), str(receiver), str(state), int(str(attempts)), str(reason))
        deliveries.setdefault(str(id_), []).append(delivery)
    bodies = [
        (str(id_), str(body)) for _, id_, _, _, body in sorted(contents.rows["intents"], key=_seq) if body
    ]
    told = [Told(notification_from(body), tuple(sorted(deliveries.get(id_, ())))) for id_, body in bodies]
    refused = sum(contents.refused.values())
    kept = _history(data_dir, at_ns)
    damage = [f"{refused} damaged records of the ledger are left out"] if refused else []
    return Files(
        tuple(told),
        {incident.key: incident for incident, is_open in incidents_of(contents) if is_open},
        {ack.key: ack for ack in acks_of(contents)},
        Silences(silences_of(contents)),
        kept,
        (
            *damage,
            *(kept.damage if kept else ("there is no history: [history] is off, or nothing ran here",)),
        ),
    )


def _seq(row: Sequence[object]) -> int:
    return int(str(row[0]))


def _history(data_dir: Path, at_ns: int | None) -> Kept | None:
    """An hour is enough: every pool is kept each ten minutes. All of it where nothing ran in that hour."""
    end_ns = time.time_ns() if at_ns is None else at_ns
    try:
        kept = read(data_dir, (end_ns - HOUR_NS, end_ns + HOUR_NS))
        return kept if kept.batches else read(data_dir, ALWAYS)
    except HistoryTooNew as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    except FileNotFoundError:
        return None


def asked(words: str, data_dir: Path) -> tuple[Asked, Files]:
    """A notification's id, POOL#[CONDITION/]NUMBER for an incident, or a pool; raises CommandFailed."""
    files = files_of(data_dir)
    written = INCIDENT.fullmatch(words)
    if NOTICE.fullmatch(words):
        told = tuple(each for each in files.told if each.notification.id == words)
    elif written is not None:
        told = tuple(each for each in files.told if _is_of(each.notification, written))
    else:
        return _pool(words, files), files
    if told:
        return Asked(told[0].notification.key.pool, told, ()), files_of(
            data_dir, told[-1].notification.created_ns
        )
    decisions = _decided(words, written, data_dir)
    if not decisions:
        text = f"neither the ledger (seven days) nor the history knows {words[:200]!r}"
        raise CommandFailed(text, ExitCode.REFUSED)
    return Asked(decisions[0].pool, (), decisions), files_of(data_dir, decisions[-1].at_ns)


def _is_of(notification: Notification, written: re.Match[str]) -> bool:
    key, condition = notification.key, written["condition"]
    same = key.pool == written["pool"] and notification.incident == int(written["number"])
    return same and condition in (None, key.condition.value)


def _decided(words: str, written: re.Match[str] | None, data_dir: Path) -> tuple[Decision, ...]:
    try:
        every = read(data_dir).decisions
    except (HistoryTooNew, FileNotFoundError):
        return ()
    if written is None:
        return tuple(each for each in every if each.notification == words)
    return tuple(
        each
        for each in every
        if (each.pool, each.incident) == (written["pool"], int(written["number"]))
        and written["condition"] in (None, each.condition)
    )


def _pool(words: str, files: Files) -> Asked:
    known: dict[str, Pool] = {pool.id: pool for pool in files.kept.pools.values()} if files.kept else {}
    named = {each.notification.key.pool for each in files.told} | {key.pool for key in files.incidents}
    if words in known or words in named:
        return Asked(words, (), ())
    near = sorted(name for name in {*known, *named} if words in name)
    hint = f"; there are {', '.join(near[:5])}" if near else ""
    text = f"no pool, incident or notification is called {words[:200]!r}{hint}"
    raise CommandFailed(f"{text}. Write POOL, POOL#NUMBER, or msg_...", ExitCode.REFUSED)
