"""Deleveraging over a real book, a real audit log and a real Redis, its time moved by hand; one hook that
remembers and answers by a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from monitor.clock import ManualClock
from monitor.config import Config, Daemon, Secret, Store
from monitor.config_deleverage import Deleverage, Hook
from monitor.deleverage.audit import AuditRecord, read
from monitor.deleverage.build import built
from monitor.deleverage.hooks import Answer, Taken
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.switch import Armed
from monitor.domain.assessment import VenueReported
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from tests.support.books import Desk
from tests.support.facts import SECOND, instruments, leg, mark, snapshot, wallet

POOL = PoolId("binance_usdm/alpha/cross-USDT")
KEY = Secret("k" * 40, "the test")
FIRST_S = 1_700_000_000
READY_S = 130  # after the start, past the grace
POLICY = Deleverage(
    desks=("desk",),
    dry_run=False,
    armed=True,
    symbols=("*",),
    most_action_usd=1e5,
    most_hour_usd=2e5,
    most_day_usd=5e5,
    target_distance=0.0,
    key=KEY,
)


class FakeHook:
    """Answers by its script."""

    name = "fake"

    def __init__(self) -> None:
        self.asked: list[DeleverageRequest] = []
        self.answer = Answer(Taken.TAKEN)
        self.on_ask: Callable[[], None] = lambda: None
        self.arrived: bool | None = None

    async def ask(self, request: DeleverageRequest) -> Answer:
        """Remembers and answers."""
        self.asked.append(request)
        self.on_ask()
        return self.answer

    async def has(self, request: str) -> bool | None:
        """What the test says."""
        return self.arrived

    async def close(self) -> None:
        """Holds nothing."""


class Stage:
    """`at` moves the time, feeds the book and looks once."""

    def __init__(self, folder: Path, url: str, **policy: Any) -> None:
        self.folder = folder
        self.family: list[Stage] = []  # who stops them all
        self.clock = ManualClock(FIRST_S * SECOND, FIRST_S * SECOND)
        self.desk = Desk()
        self.hook = FakeHook()
        self.metrics = Metrics()
        self.incident = 1
        self.quantity, self.money, self.price = "1", "690", 60_000.0
        self.config = Config(
            daemon=Daemon(str(folder)),
            accounts=(),
            receivers=(),
            routes=(),
            store=Store(url),
            deleverage=msgspec.structs.replace(POLICY, **policy),
            hooks=(Hook("fake", "stream"),),
        )
        self.actions = built(
            self.config, url, self.desk.book, self.clock, self.metrics, lambda _: self.incident
        )
        self.actions.asked = self.actions.asked._replace(hooks=(self.hook,))
        self.desk.tell(instruments("BTCUSDT"))

    async def start(self, second: float = 0) -> None:
        """As the daemon starts it, and one round at that second."""
        await self.actions.start()
        await self.at(second)

    async def ready(self) -> None:
        """Started and armed, with all grace behind it; the next round may act."""
        await self.start()
        self.arm()
        self.desk_at(READY_S)

    def arm(self, seconds: float = 10_000) -> None:
        """As `margind arm`."""
        self.actions.armed = Armed("anna", self.clock.monotonic_ns() + round(seconds * 1e9))

    async def at(self, second: float, **told: Any) -> None:
        """What the venue says at a second after the start, a turn, and a round of looking."""
        self.desk_at(second, **told)
        await self.look()

    def desk_at(self, second: float, *, reads: bool = True, index: float | None = None) -> None:
        """The same without the round."""
        now_ns = round((FIRST_S + second) * SECOND)
        self.clock.advance_s((now_ns - self.clock.monotonic_ns()) / SECOND)
        if reads:
            maintenance = float(self.quantity) * self.price * 0.01
            equity = float(self.money) + float(self.quantity) * (self.price - 60_000.0)
            reported = VenueReported(equity=equity, maintenance_margin=maintenance)
            position = [leg("BTCUSDT", self.quantity, "60000")] if float(self.quantity) else []
            facts = (now_ns, [wallet(self.money)], position)
            self.desk.tell(snapshot(*facts, reported=reported, marks={"BTCUSDT": self.price}))
            self.desk.tell(mark("BTCUSDT", self.price, now_ns, index))
        self.actions.on_turn(self.desk.book.turn(now_ns, now_ns, None))

    async def look(self) -> None:
        """One round, and the end of what it asks."""
        async with asyncio.TaskGroup() as group:
            self.actions._group = group
            await self.actions._look()

    async def restarted(self) -> Stage:
        """Another run on the same folder, when the lease of the dead one has ended."""
        self.actions.known.trail._log.close()
        await self.actions.known.fence.leave()
        again = Stage(self.folder, str(self.config.store.url), **_changed(self.config.deleverage))
        self.family.append(again)
        again.clock, again.incident = self.clock, self.incident
        again.actions = built(
            again.config, str(self.config.store.url), again.desk.book, self.clock, again.metrics, lambda _: 1
        )
        again.actions.asked = again.actions.asked._replace(hooks=(again.hook,))
        return again

    def records(self, *kinds: str) -> list[AuditRecord]:
        """What the audit log holds of these kinds."""
        return [record for record in read(self.folder, b"").records if record.kind in kinds]

    def guards(self) -> list[str]:
        """The guards that refused, in order."""
        return [record.content["guard"] for record in self.records("refusal", "void")]


def _changed(policy: Deleverage) -> dict[str, Any]:
    return {
        name: getattr(policy, name)
        for name in policy.__struct_fields__
        if getattr(policy, name) != getattr(POLICY, name)
    }
