"""The loop: take what has arrived, do one turn, publish. Nothing here waits for anybody but the inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from monitor.book.live_book import LiveBook
from monitor.clock import Clock
from monitor.domain.turn import Turn
from monitor.inbox import Inbox
from monitor.names import Metrics

TICK_S = 0.25  # ages are looked at this often when nothing arrives
PAUSE_S = 0.001  # between turns, so that a burst becomes one batch
DISTANCES_A_TICK = 16


class Engine:
    """Owns the book's time. `sinks` are synchronous and quick: each keeps what it needs and works
    elsewhere."""

    def __init__(
        self,
        book: LiveBook,
        inbox: Inbox,
        clock: Clock,
        metrics: Metrics,
        sinks: Sequence[Callable[[Turn], None]],
    ) -> None:
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics
        self._sinks = sinks
        self._distances_due_ns = 0
        self._counters = {
            "price_rejected": metrics.prices_rejected,
            "out_of_order": metrics.out_of_order,
            "snapshot_rejected": metrics.snapshots_rejected,
        }
        self._counted: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Turns for ever."""
        while True:
            await self._inbox.wait(TICK_S)
            self.turn()
            await asyncio.sleep(PAUSE_S)

    def turn(self) -> Turn:
        """One turn: apply, assess, publish."""
        began_ns = self._clock.monotonic_ns()
        batch = self._inbox.take()
        offset_ns = self._clock.wall_ns() - began_ns
        for fact in batch.facts:
            self._book.apply(fact, fact.received_ns + offset_ns)
        self._book.apply_prices(batch.marks, batch.assets, offset_ns)
        if began_ns >= self._distances_due_ns:
            self._book.refresh_distances(DISTANCES_A_TICK)
            self._distances_due_ns = began_ns + round(TICK_S * 1e9)
        swept_ns = self._clock.monotonic_ns()
        turn = self._book.turn(swept_ns, self._clock.wall_ns(), batch.oldest_received_ns)
        self._metrics.sweep_seconds.observe((self._clock.monotonic_ns() - swept_ns) / 1e9)
        for sink in self._sinks:
            sink(turn)
        self._measure(began_ns, turn)
        return turn

    def _measure(self, began_ns: int, turn: Turn) -> None:
        now_ns = self._clock.monotonic_ns()
        self._metrics.turn_seconds.observe((now_ns - began_ns) / 1e9)
        self._metrics.last_evaluation.set(turn.as_of_ns / 1e9)
        if turn.oldest_received_ns is not None and turn.assessed:
            self._metrics.frame_to_assessment.observe((turn.now_ns - turn.oldest_received_ns) / 1e9)
        self._count()

    def _count(self) -> None:
        """What the book refused since the last turn; the book itself knows no metrics."""
        for (what, why), total in self._book.counts.items():
            more = total - self._counted.get((what, why), 0)
            if more and what in self._counters:
                self._counted[what, why] = total
                self._counters[what].labels(why).inc(more)
