"""Shows the newest state of every pool in Redis, and lets nothing that Redis does reach the rest of us.

Dead, frozen, read-only or full: each command has a deadline, the connection is dropped after an error, and
the next try waits. What was missed is written when Redis is back, from the newest view: there is no queue
that could grow. One wide command a slice, because redis-py costs by the command and not by what it carries.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import structlog

from monitor.clock import Clock
from monitor.config import Secret
from monitor.domain.turn import BookView, Turn
from monitor.names import Metrics
from monitor.sinks.state_diff import StreamBudget, Written
from monitor.sinks.state_record import NANOSECONDS, SCHEMA, Keys, StateMeta, encode_rows, utc
from monitor.sinks.store_link import STORE_ERRORS, Command, StoreLink, error_kind, error_text

log = structlog.get_logger()
REWRITE_S = 2.0  # deadline of a slice of a full rewrite
REWRITE_EVERY_S = 10.0
TTL_S = 30  # three full rewrites: readers of a dead daemon see absence, not a frozen ratio
META_TTL_S = 86_400  # holds no figure; tells for a day that a daemon was here
LONGEST_PAUSE_S = 2.0  # between tries of a store that is away: back within 5 s of its return
SLICE_ROWS = 1_000  # bounds the time that the loop is busy with one command
STREAM_BYTES = 48 << 20  # of payload; with the server's own overhead it stays under 64 MB
Entry = tuple[str | bytes, ...]
NO_ROWS = np.empty(0, dtype=np.intp)


class RedisState:
    """The sink: `offer` each turn, `run` as a task. A newer view replaces one that was not written yet."""

    def __init__(
        self,
        url: str,
        *,
        shard: str,
        clock: Clock,
        metrics: Metrics,
        password: Secret | None = None,
        flush_ms: int = 250,
        source: str = "",
        stream_bytes: int = STREAM_BYTES,
    ) -> None:
        self._link = StoreLink(url, password)
        self._clock, self._metrics = clock, metrics
        self._flush_s = flush_ms / 1000
        self._source, self._started = source, utc(clock.wall_ns())
        self._keys = Keys(shard)
        self._written = Written()
        self._budget = StreamBudget(stream_bytes)
        self._view: BookView | None = None
        self._shown: BookView | None = None  # the last view that Redis has whole
        self._rewritten_ns = 0
        self._failures = 0

    def offer(self, turn: Turn) -> None:
        """Takes the newest view; never waits."""
        self._view = turn.view

    async def run(self) -> None:
        """Flushes at its own pace until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(self._pause_s())
                await self.flush()
        finally:
            await self._link.close()

    async def flush(self) -> None:
        """Writes what readers don't have yet. An error is counted and delays the next try; none is raised."""
        view = self._view
        if view is None or view is self._shown or self._frozen(view):
            return  # nothing new: when the engine stands still, the keys are left to expire
        if not self._written.is_aligned(view):
            await asyncio.to_thread(self._written.align, view)  # 30 ms for 100,000 pools
        began_s = time.perf_counter()
        try:
            await self._write(view)
        except STORE_ERRORS as error:
            await self._failed(error, view)
        else:
            self._succeeded(view)
        self._metrics.store_flush_seconds.observe(time.perf_counter() - began_s)

    def _frozen(self, view: BookView) -> bool:
        return self._clock.monotonic_ns() - view.now_ns > TTL_S * NANOSECONDS

    def _pause_s(self) -> float:
        if not self._failures:
            return self._flush_s
        return min(self._flush_s * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)

    async def _write(self, view: BookView) -> None:
        if not self._link.is_open:
            await self._link.open()
            await self._measure_stream()
            await self._rewrite(view)
            await self._publish(view)
            return
        await self._publish(view)
        if view.now_ns - self._rewritten_ns >= REWRITE_EVERY_S * NANOSECONDS:
            await self._rewrite(view)

    async def _measure_stream(self) -> None:
        """An earlier daemon, or we ourselves, may have left a stream that counts against the limit."""
        entries = int(await self._link.ask("XLEN", self._keys.changes))
        used = await self._link.ask("MEMORY", "USAGE", self._keys.changes) if entries else 0
        self._budget.seed(entries, int(used or 0))

    async def _publish(self, view: BookView) -> None:
        """The changed rows into state and stream, the gone ones out, the life of the keys prolonged."""
        gone = self._written.gone
        for rows in _slices(self._written.changed(view)):
            # One transaction: no key is ever left without its life span.
            await self._link.transact([*self._changes(view, rows, gone), *self._life(view)])
            self._written.mark(view, rows)
            self._written.forget(gone)
            gone = ()

    def _changes(self, view: BookView, rows: npt.NDArray[np.intp], gone: Sequence[str]) -> list[Command]:
        if not len(rows) and not gone:
            return []
        blobs = encode_rows(view, rows)
        commands: list[Command] = []
        entry: Entry = ("schema", str(SCHEMA), "as_of", utc(view.as_of_ns), "pools", _array(blobs))
        if blobs:
            commands.append(("HSET", self._keys.state, *_fields(view, rows, blobs)))
        if gone:
            commands.append(("HDEL", self._keys.state, *gone))
            entry = (*entry, "removed", msgspec.json.encode(gone))
        self._budget.add(sum(map(len, entry)))
        commands.append(("XADD", self._keys.changes, "MAXLEN", "~", self._budget.entries, "*", *entry))
        return commands

    def _life(self, view: BookView) -> list[Command]:
        as_of = utc(view.as_of_ns)
        pid, count = os.getpid(), len(view.pools)
        meta = StateMeta(SCHEMA, as_of, view.as_of_ns, self._started, pid, self._source, count)
        fields = msgspec.structs.asdict(meta).items()
        return [
            ("HSET", self._keys.meta, *(word for pair in fields for word in pair)),
            ("EXPIRE", self._keys.meta, META_TTL_S),
            ("EXPIRE", self._keys.state, TTL_S),
            ("EXPIRE", self._keys.changes, TTL_S),
        ]

    async def _rewrite(self, view: BookView) -> None:
        """Every row into a second hash that then takes the place of the first: readers never see half."""
        await self._link.ask("DEL", self._keys.next_state)
        for rows in _slices(np.arange(len(view.pools), dtype=np.intp)) if view.pools else ():
            fields = _fields(view, rows, encode_rows(view, rows))
            await self._link.transact(
                [("HSET", self._keys.next_state, *fields), ("EXPIRE", self._keys.next_state, TTL_S)],
                REWRITE_S,
            )
        swap: Command = ("DEL", self._keys.state)
        if view.pools:
            swap = ("RENAME", self._keys.next_state, self._keys.state)
        await self._link.transact([swap, *self._life(view)], REWRITE_S)
        self._rewritten_ns = view.now_ns
        self._metrics.store_rewrites.inc()

    def _succeeded(self, view: BookView) -> None:
        if self._failures:
            log.info("store_back", after_failures=self._failures)
        self._failures = 0
        self._shown = view
        self._metrics.store_up.set(1)
        self._metrics.store_backlog.set(0)

    async def _failed(self, error: Exception, view: BookView) -> None:
        kind = error_kind(error)
        if not self._failures:
            log.error("store_lost", kind=kind, reason=error_text(error))
        self._failures += 1
        self._metrics.store_up.set(0)
        self._metrics.store_errors.labels(kind).inc()
        self._metrics.store_backlog.set(len(self._written.changed(view)))
        if kind == "out_of_memory":
            await self._shed()
        await self._link.close()

    async def _shed(self) -> None:
        """Gives half of the stream back: history goes before the present state does."""
        self._budget.shrink()
        try:
            await self._link.ask("DEL", self._keys.next_state)
            await self._link.ask("XTRIM", self._keys.changes, "MAXLEN", self._budget.entries)
        except STORE_ERRORS as error:
            self._metrics.store_errors.labels(error_kind(error)).inc()


def _slices(rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """At least one slice, so that a flush without changes still prolongs the life of the keys."""
    starts = range(0, len(rows), SLICE_ROWS)
    return [rows[start : start + SLICE_ROWS] for start in starts] or [NO_ROWS]


def _fields(view: BookView, rows: npt.NDArray[np.intp], blobs: list[bytes]) -> list[str | bytes]:
    pairs = zip(rows.tolist(), blobs, strict=True)
    return [word for row, blob in pairs for word in (view.pools[row].id, blob)]


def _array(blobs: list[bytes]) -> bytes:
    return b"[" + b",".join(blobs) + b"]"
