"""Ledgers to be written, read again, and damaged."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from alerts.alert import AlertKey, Condition, Incident, Kind, Level, Notice, Notification, notification_of
from alerts.ledger import Intent, Ledger, Restored
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from tests.support.notifications import an_assessment

CREATED_NS = 4_000_000_000 * 10**9  # far enough ahead that nothing is old yet


def an_intent(
    number: int = 1,
    *,
    pool: str = "binance_usdm/alpha/cross-USDT",
    level: Level = Level.CRITICAL,
    occasion: int = 1,
    routes: tuple[tuple[str, ...], ...] = (("first", "second"),),
) -> Intent:
    """One incident told."""
    key = AlertKey(PoolId(pool), Condition.MARGIN)
    incident = Incident(key, number, level, occasion, CREATED_NS, CREATED_NS, level, "basis")
    notice = Notice(incident, Kind.RAISED, "basis", "as it is")
    return Intent(
        notification_of(notice, an_assessment(pool=key.pool), CREATED_NS + number), (incident,), routes
    )


def many_intents(count: int) -> list[Intent]:
    """Intents about as many pools."""
    return [an_intent(1, pool=f"binance_usdm/alpha/isolated-{n}") for n in range(count)]


def written(folder: Path, intents: list[Intent], confirmed: int = 0) -> None:
    """A ledger with the intents, each in a commit of its own; the first ones delivered to `first`."""

    async def write() -> None:
        ledger = Ledger(folder, Metrics())
        ledger.open()
        for number, intent in enumerate(intents):
            assert await ledger.intend([intent])
            if number < confirmed:
                assert await ledger.settle(intent.notification.id, 0, "first", "confirmed", 1)
        ledger.close()

    asyncio.run(write())


def reopened(folder: Path) -> Restored:
    """What a new run finds there."""
    ledger = Ledger(folder, Metrics())
    try:
        return ledger.open()
    finally:
        ledger.close()


def copied(folder: Path, target: Path) -> Path:
    """The same files elsewhere."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    return target


def ids_of(restored: Restored) -> list[str]:
    """The notifications that nobody has yet."""
    return [unsettled.notification.id for unsettled in restored.unsettled]


def told_of(intents: list[Intent]) -> dict[str, Notification]:
    """The notifications by their ids."""
    return {intent.notification.id: intent.notification for intent in intents}
