"""A service whose one receiver is a Slack channel, as the daemon runs it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alerts.service import AlertService
from monitor.clock import SystemClock
from monitor.config import Route
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from tests.support.alerting import ALPHA, a_config, a_state, a_turn
from tests.support.notifications import an_assessment
from tests.support.slack_server import SlackWorkspace
from tests.support.waiting import eventually


class Night:
    """A service whose one receiver is a Slack channel."""

    def __init__(self, service: AlertService, slack: SlackWorkspace, metrics: Metrics) -> None:
        self.service = service
        self.slack = slack
        self.metrics = metrics

    async def tell(self, band: RiskBand, pool: PoolId = ALPHA) -> None:
        """One turn, until all of it is delivered."""
        self.service.on_turn(a_turn(SystemClock(), [a_state(pool, band)]))

        async def is_idle() -> bool:
            return not self.service._is_busy()

        await eventually(is_idle, "everything to be told")

    async def shows(self, pattern: str, ts: str | None = None) -> None:
        """Waits until the message shows this."""

        async def is_shown() -> bool:
            return bool(re.search(pattern, shown(self.slack, ts)))

        await eventually(is_shown, pattern)


def shown(slack: SlackWorkspace, ts: str | None = None) -> str:
    """All text of the blocks of a message, the first one unless told otherwise."""
    root = slack.messages[ts or next(iter(slack.roots))]
    texts = [block["text"]["text"] for block in root["blocks"] if "text" in block]
    texts += [each["text"] for block in root["blocks"] if "elements" in block for each in block["elements"]]
    return "\n".join(text if isinstance(text, str) else text["text"] for text in texts)


@asynccontextmanager
async def night(
    folder: Path,
    slack: SlackWorkspace,
    working: Callable[[PoolId], Sequence[str]] = lambda _: (),
    **receiver: Any,
) -> AsyncIterator[Night]:
    """Running as the daemon runs it."""
    config = a_config(
        folder,
        receivers=(slack.receiver(**receiver),),
        routes=(Route(("chat",)),),
        resolve_after_s=0.0,
    )
    metrics = Metrics()
    service = AlertService(
        config, SystemClock(), metrics, lambda pool: an_assessment(pool=pool), working=working
    )
    await service.start()
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run())
            await asyncio.sleep(0)
            yield Night(service, slack, metrics)
            task.cancel()
    finally:
        await service.stop()
