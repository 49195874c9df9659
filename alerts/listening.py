"""Runs what receivers do besides deliveries, each under a roof of its own: no page waits or fails by it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from alerts.aids import Listening
from alerts.notify.notifier import Notifier
from monitor.names import Metrics
from monitor.supervise import supervise

LOOK_S = 1.0  # how soon a reload is noticed


class Listeners:
    """`run` as a task; follows the receivers of now."""

    def __init__(self, notifiers: Callable[[], Mapping[str, Notifier]], metrics: Metrics) -> None:
        self._notifiers = notifiers
        self._metrics = metrics
        self._rng = random.Random()
        self._tasks: dict[str, tuple[Listening, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Begins and ends their work for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                notifiers = self._notifiers()
                for name, (notifier, task) in list(self._tasks.items()):
                    if notifiers.get(name) is not notifier:
                        task.cancel()
                        await asyncio.wait([task])
                        del self._tasks[name]
                for name, found in notifiers.items():
                    if name not in self._tasks and isinstance(found, Listening):
                        self._tasks[name] = (found, group.create_task(self._listen(name, found)))
                await asyncio.sleep(LOOK_S)

    async def _listen(self, name: str, notifier: Listening) -> None:
        await supervise(f"receiver {name}", notifier.listen, self._metrics, lambda _: None, self._rng)
