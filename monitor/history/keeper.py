"""Keeps evaluations and decisions: the loop hands them over, a thread compares, packs and writes.

What waits is bounded by meaning. Of a turn that changed the state of a pool the view waits; past a number of
them they are merged, each pool's newest state wins, and what was between is counted as dropped. Of all other
turns only the newest view waits. Nothing that the disk does reaches an alert.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog

from alerts.alert import Notice, notification_id
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.identity import PoolId
from monitor.domain.turn import BookView, PoolState, Turn
from monitor.history.changes import Changes
from monitor.history.file import HistoryFile, is_damage
from monitor.history.records import ROW, Batch, Decision, Rows, Settings, packed
from monitor.names import Metrics

log = structlog.get_logger()
FLUSH_S = 1.0
WHOLE_EVERY_NS = 600 * 1_000_000_000  # a replay begins at one of these
TRIM_EVERY_NS = 60 * 1_000_000_000
MOST_TURNS = 256  # that wait; later ones are merged
MOST_DECISIONS = 20_000
CLOSE_S = 5.0


class _Seen(NamedTuple):
    view: BookView
    states: dict[PoolId, PoolState]
    removed: tuple[PoolId, ...]


class HistoryKeeper:
    """`start`, then `offer` and `decided` from the loop, then `close`."""

    def __init__(self, config: Config, clock: Clock, metrics: Metrics, pace: float = 1.0) -> None:
        self._clock, self._metrics, self._pace = clock, metrics, pace
        self._file = HistoryFile(Path(config.daemon.data_dir), config.history)
        self._guard = threading.Lock()
        self._turns: list[_Seen] = []
        self._newest: BookView | None = None
        self._notices: list[Notice] = []
        self._settings: list[Settings] = [self._settings_of(config)]
        self._dropped = 0
        self._is_failing = False  # told in the log once
        self._changes: Changes | None = None  # None: the file is not open
        self._run_ns = clock.wall_ns()
        self._whole_ns = self._trimmed_ns = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def offer(self, turn: Turn) -> None:
        """Takes a turn; never waits for the disk."""
        with self._guard:
            if not turn.changed and not turn.removed:
                self._newest = turn.view
                return
            self._newest = None
            seen = _Seen(turn.view, {state.pool: state for state in turn.changed}, turn.removed)
            if len(self._turns) < MOST_TURNS:
                self._turns.append(seen)
                return
            last = self._turns[-1]
            self._dropped += len(last.states)
            self._turns[-1] = _Seen(turn.view, last.states | seen.states, last.removed + seen.removed)

    def decided(self, notices: Sequence[Notice]) -> None:
        """Takes what the alerts decided to tell."""
        with self._guard:
            room = MOST_DECISIONS - len(self._notices)
            self._notices += notices[:room]
            self._dropped += max(0, len(notices) - room)

    def settle(self, config: Config) -> None:
        """Other thresholds, routes and times from now on."""
        with self._guard:
            self._settings.append(self._settings_of(config))

    def close(self) -> None:
        """Writes what waits, and stops."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=CLOSE_S)

    def flush(self) -> None:
        """Writes what waits. What the disk does not take is lost, counted, and told in the log once."""
        with self._guard:
            turns, self._turns = self._turns, []
            newest, self._newest = self._newest, None
            notices, self._notices = self._notices, []
            settings, self._settings = self._settings, []
            dropped, self._dropped = self._dropped, 0
        self._metrics.history_dropped.inc(dropped)
        try:
            self._write(turns, newest, notices, settings, dropped)
        except (sqlite3.Error, OSError) as error:
            self._failed(error, settings)

    def _work(self) -> None:
        try:
            while not self._stopping.wait(FLUSH_S):
                self.flush()
            self.flush()
        finally:
            self._file.close()
            if not self._stopping.is_set():
                log.error("history_stopped")  # a fault of ours, printed by the thread

    def _write(
        self,
        turns: Sequence[_Seen],
        newest: BookView | None,
        notices: Sequence[Notice],
        settings: Sequence[Settings],
        dropped: int,
    ) -> None:
        if self._changes is None:
            self._file.open()
            self._changes, self._whole_ns = Changes(self._file.numbers), 0
        for each in settings:
            self._file.settle(each)
        batch, span = self._batch(self._changes, turns, newest, notices, dropped)
        if batch is not None:
            self._file.add(batch, span, self._changes.fresh)
            self._changes.fresh = []
            self._is_failing = False
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._trimmed_ns >= TRIM_EVERY_NS or not self._trimmed_ns:
            self._trimmed_ns = now_ns
            self._metrics.history_bytes.set(self._file.trim(self._clock.wall_ns()))

    def _batch(
        self,
        changes: Changes,
        turns: Sequence[_Seen],
        newest: BookView | None,
        notices: Iterable[Notice],
        dropped: int,
    ) -> tuple[Batch | None, tuple[int, int]]:
        """What is new, in the order of its times; None where nothing is."""
        found: list[Rows] = []
        details: dict[int, str] = {}
        removed: list[tuple[int, int]] = []
        for seen in turns:
            rows, words = changes.crossed(seen.view, seen.states.values())
            start = sum(map(len, found))
            details |= {start + place: text for place, text in words.items()}
            found.append(rows)
            removed += [(seen.view.as_of_ns, number) for number in changes.forget(seen.removed)]
        view = newest or (turns[-1].view if turns else None)
        is_whole = view is not None and (not self._whole_ns or view.now_ns - self._whole_ns >= WHOLE_EVERY_NS)
        if view is not None:
            found.append(changes.moved(view, whole=is_whole))
            self._whole_ns = view.now_ns if is_whole else self._whole_ns
        rows = np.concatenate(found) if found else np.zeros(0, dtype=ROW)
        decisions = tuple(map(_decision, notices))
        times = [*(at for at, _ in removed), *(each.at_ns for each in decisions)]
        if len(rows):
            times += [int(rows["at_ns"].min()), int(rows["at_ns"].max())]
        if not times:
            return None, (0, 0)
        batch = Batch(
            self._run_ns,
            packed(rows),
            details,
            tuple(removed),
            decisions,
            dropped,
            is_whole and bool(len(rows)),
        )
        return batch, (min(times), max(times))

    def _failed(self, error: Exception, settings: Sequence[Settings]) -> None:
        if not self._is_failing:
            log.error("history_write_failed", error=str(error)[:200])
        self._is_failing = True
        self._metrics.history_errors.inc()
        self._file.close()
        if is_damage(error):
            with contextlib.suppress(sqlite3.Error, OSError):
                self._file.put_aside(str(error))
        self._changes = None  # the next flush opens it again, and tells every pool anew
        with self._guard:
            self._settings = [*settings, *self._settings][-8:]

    def _settings_of(self, config: Config) -> Settings:
        return Settings(
            self._clock.wall_ns(),
            config.thresholds,
            config.alerts,
            config.routes,
            config.escalations,
            config.rotas,
            config.time_intervals,
            self._pace,
        )


def _decision(notice: Notice) -> Decision:
    incident, key = notice.incident, notice.key
    return Decision(
        incident.told_ns,
        notification_id(incident),
        key.pool,
        key.condition.value,
        incident.number,
        int(incident.level),
        incident.occasion,
        notice.kind.value,
        notice.desk,
        notice.detail,
    )
