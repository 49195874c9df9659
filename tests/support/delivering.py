"""A dispatcher over a real ledger, as the alerts run it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from alerts.deliver import Dispatcher
from alerts.ledger import Intent, Ledger, OpenRoute
from alerts.waiting_line import Budget
from monitor.clock import SystemClock
from monitor.names import Metrics
from tests.support.alerting import Desk


class _AtOnce(random.Random):
    """Jitter that is always nothing: a retry is due at once."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Delivery:
    """A dispatcher over a real ledger."""

    def __init__(self, folder: Path, desks: Sequence[Desk], fall_through_after_s: float) -> None:
        self.metrics = Metrics()
        self.ledger = Ledger(folder, self.metrics)
        self.first_sends: list[int] = []
        self.dispatcher = Dispatcher(
            {desk.name: desk for desk in desks},
            self.ledger,
            SystemClock(),
            self.metrics,
            fall_through_after_s,
            Budget(),
            self.first_sends.append,
            _AtOnce(),
        )

    async def tell(self, *intents: Intent, received_ns: int | None = None) -> None:
        """As the service does: written, then submitted."""
        await self.ledger.intend(intents)
        for intent in intents:
            routes = [OpenRoute(number, receivers) for number, receivers in enumerate(intent.routes)]
            self.dispatcher.submit(intent.notification, routes, received_ns)

    async def is_idle(self) -> bool:
        """Whether everything was delivered."""
        return not self.dispatcher.pending


@asynccontextmanager
async def delivering(
    folder: Path, *desks: Desk, fall_through_after_s: float = 8.0, before: Sequence[Intent] = ()
) -> AsyncIterator[Delivery]:
    """Running until the block ends; what is submitted `before` piles up first."""
    delivery = Delivery(folder, desks, fall_through_after_s)
    delivery.ledger.open()
    try:
        for intent in before:
            await delivery.tell(intent)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(delivery.dispatcher.run())
            yield delivery
            task.cancel()
    finally:
        delivery.ledger.close()
