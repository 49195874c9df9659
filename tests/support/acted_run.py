"""One seeded run of guards, plan, hand-over and executor in virtual time, and what of it was unsafe.

What is unsafe is told by the scenario and the venue's own book, and not by any guard.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from unittest import mock

from monitor.deleverage.guards import asked
from monitor.deleverage.request import BadSeal, DeleverageRequest, Sealed, Step, client_order_id, opened
from monitor.executor.guards import LAST_GUARDS, REQUEST_GUARDS, STEP_GUARDS
from monitor.executor.journal import Begun, Journal
from monitor.executor.work import AllGuards, Executor, StoreUnavailable, Trading
from tests.support.acted_handover import ActedStore
from tests.support.acted_leader import ACCOUNT, Decision, Leader
from tests.support.acted_scenario import KEY, NEVER_S, RUN_S, Scenario, drawn
from tests.support.acted_venue import Accepted, ActedVenue, Truth
from tests.support.virtual_time import LoopClock, run_virtual

SHARED_MEMORY = Path("/dev/shm")
GRACE_S = 0.5  # between the last look and the venue, slow as it may be
SETTLE_EVERY_S = 15.0
TOLERANCE = 1.02  # the mark moves between the look and the fill


class Killed(BaseException):
    """The executor's process is gone."""


@dataclass
class Report:
    """What came of a run."""

    seed: int
    orders: int = 0
    kills: int = 0
    unsafe: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    nameless: int = 0  # refusals without a guard
    unknown: int = 0  # orders of which nobody knew in the end


class ForgetfulJournal(Journal):
    """A journal that does not remember: for the proof that the simulation would notice."""

    def step(self, client_id: str) -> Begun | None:
        """Only what this process has begun."""
        return super().step(client_id) if client_id in self._mine() else None

    def begin(self, client_id: str, begun: Begun) -> None:
        """Again and again."""
        self._mine().add(client_id)
        self._write(client_id, begun)

    def unsettled(self) -> list[tuple[str, Begun]]:
        """It knows of none."""
        return []

    def _mine(self) -> set[str]:
        found: set[str] = self.__dict__.setdefault("_begun_here", set())
        return found


class ForgetfulVenue(ActedVenue):
    """A venue that can't be asked for an order of a client id, which `binance_usdm` is after some days."""

    async def find(self, symbol: str, client_id: str) -> None:
        """It knows of none."""
        await self._travel()


class Run:
    """A run of a scenario with some guards left out: `off` names guards of the monitor, `executor:NAME` of
    the executor, and `journal`, `signature`."""

    def __init__(self, scenario: Scenario, folder: Path, off: frozenset[str]) -> None:
        self._scenario, self._folder, self._off = scenario, folder, off
        self._truth = Truth(scenario)
        self._store = ActedStore(scenario)
        self._venue = (ForgetfulVenue if "journal" in off else ActedVenue)(scenario, self._truth)
        self._leaders = [Leader(scenario, self._truth, self._store, epoch, off) for epoch in (1, 2)]
        self._passed = 0
        self.report = Report(scenario.seed)

    async def play(self) -> Report:
        """To its end; then everything is looked at."""
        first, second = self._leaders
        takeover_s = self._scenario.takeover_s
        async with asyncio.TaskGroup() as tasks:
            executors = [tasks.create_task(self._execute(one)) for one in range(self._scenario.executors)]
            leading = [tasks.create_task(first.lead(0.0, RUN_S, []))]
            if takeover_s < RUN_S:
                before = [] if self._scenario.forgets else first.decisions
                leading.append(tasks.create_task(second.lead(takeover_s, RUN_S, before)))
            await asyncio.wait(leading)
            await asyncio.sleep(60.0)
            for executor in executors:
                executor.cancel()
        self._judge()
        return self.report

    def reach(self, _: str) -> None:
        """A place where the process may die."""
        self._passed += 1
        if self._passed in self._scenario.kills:
            self.report.kills += 1
            raise Killed

    # --- the executor -----------------------------------------------------------------------------

    async def _execute(self, number: int) -> None:
        while True:
            journal = (ForgetfulJournal if "journal" in self._off else Journal)(self._folder / str(number))
            try:
                await self._work(number, journal)
            except (Killed, StoreUnavailable):
                await asyncio.sleep(1.0)
            finally:
                journal.close()

    async def _work(self, number: int, journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        executor = Executor(
            self._scenario.executor,
            journal,
            self._store,
            {ACCOUNT: Trading(self._venue, frozenset(self._scenario.symbols))},
            LoopClock(),
            is_killed_here=lambda: loop.time() >= self._scenario.kill_file_s,
            guards=self._guards(),
        )
        for entry in self._store.pending(number):
            await self._take(number, executor, entry)
        settled_s = loop.time()
        while True:
            entry_or_none = self._store.take(number)
            if entry_or_none is not None:
                await self._take(number, executor, entry_or_none)
            else:
                await asyncio.sleep(0.5)
            if loop.time() - settled_s > SETTLE_EVERY_S:
                settled_s = loop.time()
                await executor.settle_lost(self._store.tell)

    async def _take(self, number: int, executor: Executor, entry: Sealed) -> None:
        try:
            request = self._opened(entry)
        except BadSeal:
            self.report.refusals["executor:signature"] += 1
        else:
            await executor.work(request, entry.body, self._store.tell)
        self._store.acknowledge(number, entry)

    def _opened(self, entry: Sealed) -> DeleverageRequest:
        keys = [KEY.encode()]
        if "signature" in self._off:
            keys.append(b"somebody else's")
        return opened(DeleverageRequest, entry.body, entry.signature, keys)

    def _guards(self) -> AllGuards:
        tables = (REQUEST_GUARDS, STEP_GUARDS, LAST_GUARDS)
        left = [
            {name: guard for name, guard in table.items() if f"executor:{name}" not in self._off}
            for table in tables
        ]
        return AllGuards(*left)

    # --- the judge --------------------------------------------------------------------------------

    def _judge(self) -> None:
        decisions = {one.request.id: one for leader in self._leaders for one in leader.decisions}
        steps = self._steps()
        report, accepted = self.report, self._venue.accepted
        report.orders = len(accepted)
        counts = Counter(one.order.client_id for one in accepted)
        report.duplicates = [id_ for id_, count in counts.items() if count > 1]
        for one in accepted:
            found = steps.get(one.order.client_id)
            why = ["forged"] if found is None else list(self._wrongs(one, *_that_of(found, one)))
            report.unsafe += [f"{name} at {one.at_s:.1f} s" for name in why]
        report.unsafe += self._over_caps(decisions)
        self._count()

    def _steps(self) -> dict[str, list[tuple[Decision, Step]]]:
        """What was asked for under each client id: a leader that forgets asks under one that is taken."""
        steps: dict[str, list[tuple[Decision, Step]]] = defaultdict(list)
        for decision in (one for leader in self._leaders for one in leader.decisions):
            for step in decision.request.steps:
                steps[client_order_id(decision.request.id, step.number)].append((decision, step))
        return dict(steps)

    def _wrongs(self, one: Accepted, decision: Decision, step: Step) -> Iterator[str]:
        s, order, request = self._scenario, one.order, decision.request
        looked_s = one.at_s - GRACE_S
        wrong = {
            "not armed": not s.armed_in_config or not s.armed_from_s <= decision.at_s < s.armed_until_s,
            "dry": s.monitor_dry or s.executor_dry,
            "not confirmed": s.confirm and not decision.is_confirmed,
            "not fresh": s.mark_age_s > 5 or s.account_age_s > 30,
            "one source": s.second_source != "agrees",
            "false drawdown": s.false_drawdown,
            "margin error": s.margin_error is None or abs(s.margin_error) > 0.01,
            "unknown": s.unknown,
            "recovery": decision.at_s - s.recovered_at_s < 10,
            "old epoch": request.fence < self._store.epoch_given(looked_s),
            "no epoch": looked_s >= s.store_forgets_s,
            "killed": looked_s >= min(s.kill_s, s.kill_file_s),
            "expired": one.at_s - decision.at_s > 30 + GRACE_S,
            "another order": (order.symbol, order.side) != (step.symbol, step.side)
            or order.quantity > Decimal(step.quantity)
            or order.limit_price != Decimal(step.limit_price),
            "not allowed": order.symbol not in s.symbols,
            "not reducing": (one.held_before > 0) != (order.side == "sell"),
            "more than there is": order.quantity > abs(one.held_before),
            "slippage": abs(float(order.limit_price) / one.mark - 1) > 0.011,
            "lies believed": s.no_balances or abs(s.lie - 1) > Decimal("0.1"),
        }
        return (name for name, is_wrong in wrong.items() if is_wrong)

    def _over_caps(self, decisions: dict[str, Decision]) -> list[str]:
        """No request, and no hour, has more than the caps of either side."""
        s, found = self._scenario, []
        for id_, decision in decisions.items():
            ids = {client_order_id(id_, step.number) for step in decision.request.steps}
            total = self._notional(ids)
            if asked(decision.request) > s.monitor_cap * TOLERANCE or total > s.executor_cap * TOLERANCE:
                found.append(f"over the cap of an action: {total:.0f}")
        if self._notional(None) > 1.5 * min(s.monitor_cap, s.executor_cap) * TOLERANCE:
            found.append("over the cap of an hour")
        return found

    def _notional(self, ids: set[str] | None) -> float:
        return sum(
            float(min(one.filled, one.order.quantity)) * one.mark  # what the venue adds is not ours
            for one in self._venue.accepted
            if ids is None or one.order.client_id in ids
        )

    def _count(self) -> None:
        for leader in self._leaders:
            self.report.refusals.update(leader.refusals)
        for result in self._store.told:
            if result.state.value == "refused":
                self.report.refusals[f"executor:{result.guard}"] += 1
                self.report.nameless += not result.guard
        last = {(result.request, result.step): result for result in self._store.told}
        self.report.unknown = sum(result.state.value == "unknown" for result in last.values())


def _that_of(found: list[tuple[Decision, Step]], one: Accepted) -> tuple[Decision, Step]:
    return next((it for it in found if Decimal(it[1].limit_price) == one.order.limit_price), found[0])


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A place for journals: a sync costs nothing there."""
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def simulate(seed: int, off: frozenset[str] = frozenset(), only: tuple[str, ...] | None = None) -> Report:
    """The run of a seed, with the faults that the seed draws, or with these only."""
    with folder_in_memory() as folder:

        async def main() -> Report:
            run = Run(drawn(seed, only), folder, off)
            with (
                mock.patch("monitor.executor.work.reach", run.reach),
                mock.patch("monitor.executor.sending.reach", run.reach),
            ):
                return await run.play()

        return run_virtual(main())


assert NEVER_S > RUN_S
