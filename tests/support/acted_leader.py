"""A leader of a simulated run: looks, plans, asks every guard, and hands the request over."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from monitor.book.cutting import CuttableLeg, Goal
from monitor.deleverage.guards import GUARDS, asked
from monitor.deleverage.plan import planned
from monitor.deleverage.request import Caps, DeleverageRequest, Outcome, Purpose, request_id
from monitor.deleverage.situation import Leg, SecondSource, Situation
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import AccountId, InstrumentId, PoolId
from monitor.margin.rows import Requirement
from tests.support.acted_handover import ActedStore
from tests.support.acted_scenario import SYMBOLS, VENUE, Scenario
from tests.support.acted_venue import BASE, RATE, Truth, ratio_of
from tests.support.facts import instrument, leg
from tests.support.virtual_time import LoopClock

SECOND_NS = 1_000_000_000
LOOKS_EVERY_S = 5.0
CRITICAL = 0.85
ACCOUNT = AccountId(f"{VENUE}/alpha")
POOL = PoolId(f"{ACCOUNT}/cross-USDT")


class Decision(NamedTuple):
    """What was true when a request left, whatever the guards thought of it."""

    request: DeleverageRequest
    at_s: float
    is_confirmed: bool


class SimpleCutting:
    """The pool as the leader sees it, in the manner of `monitor.book.cutting.Cutting`."""

    is_isolated = False
    unit = "USDT"

    def __init__(self, held: dict[str, Decimal], marks: dict[str, float], wallet: float) -> None:
        self._marks, self._wallet = marks, wallet
        self._held = {symbol: float(quantity) for symbol, quantity in held.items()}
        self.legs = tuple(self._leg(place, symbol, held[symbol]) for place, symbol in enumerate(SYMBOLS))

    def _leg(self, place: int, symbol: str, quantity: Decimal) -> CuttableLeg:
        fact = leg(symbol, str(quantity), str(BASE[symbol]))
        return CuttableLeg(place, fact, instrument(symbol), self._marks[symbol])

    def now(self) -> Requirement[float]:
        """As it is."""
        return self._of(self._held)

    def excess(self, goal: Goal, place: int = 0, fraction: float = 0.0) -> float:
        """Over the ratio that it is to reach, with less of one."""
        found = self._of(self._less(place, fraction))
        return found.maintenance_margin - goal.ratio * found.equity

    def cut(self, place: int, fraction: float) -> None:
        """Goes on from there; the profit of what was cut stays in the wallet."""
        symbol = SYMBOLS[place]
        self._wallet += fraction * self._held[symbol] * (self._marks[symbol] - BASE[symbol])
        self._held = self._less(place, fraction)

    def _less(self, place: int, fraction: float) -> dict[str, float]:
        return {**self._held, SYMBOLS[place]: self._held[SYMBOLS[place]] * (1 - fraction)}

    def _of(self, held: dict[str, float]) -> Requirement[float]:
        # Equity does not move with a cut at the mark: what is realised was unrealised before.
        equity = self._wallet + sum(self._held[s] * (self._marks[s] - BASE[s]) for s in SYMBOLS)
        needed = sum(abs(held[s]) * self._marks[s] * RATE for s in SYMBOLS)
        return Requirement(equity, needed, needed)


class Leader:
    """One of the daemons; `epoch` is what it was given, and believes to be in force."""

    def __init__(
        self, scenario: Scenario, truth: Truth, store: ActedStore, epoch: int, off: frozenset[str]
    ) -> None:
        self._scenario, self._truth, self._store, self._epoch = scenario, truth, store, epoch
        self._guards = [(name, guard) for name, guard in GUARDS if name not in off]
        self._config = scenario.deleverage
        self._clock = LoopClock()
        self.decisions: list[Decision] = []
        self.refusals: Counter[str] = Counter()

    async def lead(self, since_s: float, until_s: float, before: list[Decision]) -> None:
        """Looks every few seconds; `before` is what it knows of earlier requests."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, since_s - loop.time()))
        self.decisions = before
        while loop.time() < until_s:
            await self._look()
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _look(self) -> None:
        at_s = asyncio.get_running_loop().time()
        marks = self._marks(at_s - self._scenario.mark_age_s)
        held = dict(self._truth.held)
        ratio = ratio_of(self._truth.wallet, {s: float(q) for s, q in held.items()}, marks)
        if ratio is not None and ratio < CRITICAL:
            return
        used = sum(asked(one.request) for one in self.decisions)
        room = min(self._scenario.monitor_cap, 1.5 * self._scenario.monitor_cap - used)
        if self._scenario.is_greedy:
            room = 1e9
        plan = planned(SimpleCutting(held, marks, self._truth.wallet), self._config, room)  # type: ignore[arg-type]
        if not plan.steps:
            self.refusals["no plan"] += 1
            return
        request = self._request(plan.steps, plan.ratio_before, at_s, used)
        is_confirmed = self._scenario.rng.random() < self._scenario.confirms
        now = self._situation(request, held, marks, ratio, at_s, used, is_confirmed)
        refusal = next((name for name, guard in self._guards if guard(now)), None)
        if refusal is not None:
            self.refusals[refusal] += 1
            return
        self.decisions.append(Decision(request, at_s, is_confirmed))
        await self._store.put(request)

    def _marks(self, at_s: float) -> dict[str, float]:
        marks = {symbol: self._truth.mark(symbol, at_s) for symbol in SYMBOLS}
        if self._scenario.false_drawdown:
            marks[SYMBOLS[0]] *= 0.92
        return marks

    def _request(self, steps: tuple, ratio: float | None, at_s: float, used: float) -> DeleverageRequest:
        attempt = len(self.decisions) + 1
        now_ns = self._clock.wall_ns()
        caps = Caps(action=self._scenario.monitor_cap, hour=0.0, day=0.0, used_hour=used, used_day=used)
        return DeleverageRequest(
            id=request_id("main", POOL, Purpose.REDUCE, 1, attempt),
            kind=Purpose.REDUCE,
            shard="main",
            pool=POOL,
            account=ACCOUNT,
            venue=VENUE,
            desk="majors",
            incident=1,
            attempt=attempt,
            created_ns=now_ns,
            expires_ns=now_ns + 30 * SECOND_NS,
            fence=self._epoch,
            dry_run=self._scenario.monitor_dry,
            reason=f"critical at {at_s:g}",
            unit="USDT",
            ratio_before=ratio,
            target_ratio=self._config.target_ratio,
            steps=steps,
            caps=caps,
        )

    def _situation(
        self,
        request: DeleverageRequest,
        held: dict[str, Decimal],
        marks: dict[str, float],
        ratio: float | None,
        at_s: float,
        used: float,
        is_confirmed: bool,
    ) -> Situation:
        s, now_ns = self._scenario, self._clock.monotonic_ns()
        is_down = self._store.is_down(at_s)
        last = self.decisions[-1].request if self.decisions else None
        return Situation(
            config=self._config,
            request=request,
            now_ns=now_ns,
            wall_ns=self._clock.wall_ns(),
            killed="in Redis" if at_s >= s.kill_s else "",
            is_armed=s.armed_from_s <= at_s,
            armed_until_ns=now_ns + round((s.armed_until_s - at_s) * SECOND_NS),
            band=RiskBand.UNKNOWN if s.unknown else RiskBand.CRITICAL,
            reasons=Reason.STALE if s.unknown else Reason(0),
            known_since_ns=now_ns - round((at_s - s.recovered_at_s) * SECOND_NS),
            margin_error=s.margin_error,
            is_margin_error_open=False,
            price_age_s=s.mark_age_s,
            account_age_s=s.account_age_s,
            legs=self._legs(held, marks, at_s),
            used_hour=used,
            used_day=used,
            last_request_ns=last.created_ns if last is not None else None,
            in_flight=self._in_flight(),
            fence=None if is_down else self._epoch,
            highest_fence=self._epoch,
            outage_ended_ns=None if is_down else 0,
            is_confirmed=is_confirmed,
        )

    def _legs(
        self, held: dict[str, Decimal], marks: dict[str, float], at_s: float
    ) -> dict[InstrumentId, Leg]:
        return {
            instrument(symbol).id: Leg(str(held[symbol]), marks[symbol], self._others(symbol, at_s))
            for symbol in SYMBOLS
        }

    def _others(self, symbol: str, at_s: float) -> tuple[SecondSource, ...]:
        if self._scenario.second_source == "absent":
            return ()
        times = 1.02 if self._scenario.second_source == "differs" else 1.0
        return (SecondSource(f"bybit:{symbol} mark", times * self._truth.mark(symbol, at_s)),)

    def _in_flight(self) -> str:
        if not self.decisions:
            return ""
        last = self.decisions[-1].request
        told = [result for result in self._store.told if result.request == last.id]
        known = {result.step for result in told if result.state is not Outcome.UNKNOWN}
        is_over = 0 in known or len(known) == len(last.steps)
        is_void = self._clock.wall_ns() > last.expires_ns + 30 * SECOND_NS and not told
        return "" if is_over or is_void else last.id
