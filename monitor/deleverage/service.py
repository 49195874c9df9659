"""From a pool in danger to a request: plans, asks every guard, writes, asks the guards again, and only then
asks the hooks.

What is written as a request and not as answered was perhaps sent: after a restart it is looked for, and never
sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets

import msgspec
import structlog

from monitor.config_deleverage import CONFIRM_WITHIN_S
from monitor.deleverage.asked import Asked, Waiting
from monitor.deleverage.draft import drafted
from monitor.deleverage.guards import NOT_FOR_DRY, WAITING, Refusal, foremost, refusals
from monitor.deleverage.history import DAY_NS, HOUR_NS
from monitor.deleverage.hooks import Answer, Hook, Taken
from monitor.deleverage.moment import Known, killed, situation_of
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.restore import restore
from monitor.deleverage.seeking import found_out
from monitor.deleverage.situation import Situation
from monitor.deleverage.switch import Armed
from monitor.deleverage.trail import NotWritten
from monitor.domain.identity import PoolId
from monitor.domain.turn import Turn

log = structlog.get_logger()
LOOK_S = 0.5
AGAIN_S = 1.0  # after a refusal, for the same pool
AFTER_VOID_S = 5.0
MARGIND = "margind"


class Deleveraging:
    """`start`, then `run` as a task while `on_turn` is called by the engine, then `stop`."""

    def __init__(self, shard: str, known: Known, asked: Asked) -> None:
        self.known, self.asked = known, asked
        self.disarm()
        self._shard, self._config = shard, known.config
        self._relied_since_ns: int | None = None
        self._told: dict[PoolId, tuple[str, int]] = {}  # the guard that was written of last, and when
        self._rests_until_ns: dict[PoolId, int] = {}
        self._news = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._group: asyncio.TaskGroup | None = None
        self._seen_killed = ""

    async def start(self) -> None:
        """Reads the audit log. What may have been sent before the stop is looked for, and that is written
        down."""
        await restore(self.known.trail, self.known.history)
        content = {"dry_run": self._config.dry_run, "armed_in_config": self._config.armed}
        await self.known.trail.note("start", MARGIND, content)
        names = tuple(hook.name for hook in self.asked.hooks)
        for past, name in self.known.history.unanswered(names):
            answer = Answer(Taken.UNKNOWN, "margind stopped while it asked")
            await self._write_answer(past.request, name, answer)
        await self._look_for_unknown()

    def on_turn(self, turn: Turn) -> None:
        """Takes a turn in; quick, and waits for nothing."""
        if self.known.watch.on_turn(turn):
            self._news.set()

    async def run(self) -> None:
        """Looks for ever."""
        async with asyncio.TaskGroup() as self._group:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._news.wait()
                self._news.clear()
                async with self._one_at_a_time:
                    await self._look()

    async def stop(self) -> None:
        """Gives the lease back and lets go of everything."""
        await self.known.fence.leave()
        await self.asked.results.close()
        for hook in self.asked.hooks:
            await hook.close()
        await self.known.trail.stop()

    @property
    def killed(self) -> str:
        """Where the kill switch is thrown; "" nowhere."""
        return killed(self.known.fence, self.known.kill_file)

    def disarm(self) -> None:
        """At once; what waits for a person waits no more."""
        self.armed: Armed | None = None
        self.waiting: dict[str, Waiting] = {}

    async def confirm(self, token: str, by: str) -> DeleverageRequest | None:
        """A person says yes to what waits under this word; once. None where nothing waits under it."""
        found = self.waiting.get(token)
        if found is None or self.known.clock.monotonic_ns() >= found.until_ns:
            return None
        del self.waiting[token]  # before anything is awaited: the next who says it says it too late
        async with self._one_at_a_time:
            await self.known.trail.append("confirm", by, {"request": found.request.id, "token": token})
            await self._go(found.request, is_confirmed=True)
        return found.request

    async def _look(self) -> None:
        """One round: the lease, what came back, then each pool in danger, the worst first."""
        await self._keep_lease()
        await self._take_results()
        await self._look_for_unknown()
        await self._note_kill()
        self._forget_expired()
        for pool in self.known.watch.wanted:
            if self.known.clock.monotonic_ns() >= self._rests_until_ns.get(pool, 0):
                await self._consider(pool)
                await asyncio.sleep(0)  # a plan takes some milliseconds, and the engine has turns to do
        self._tell()

    async def _keep_lease(self) -> None:
        held = await self.known.fence.renew(self.known.history.highest_fence)
        if held.epoch is None:
            self._relied_since_ns = None
            return
        if held.is_new:
            with contextlib.suppress(NotWritten):  # the guard `audit` tells of it
                await self._write("fence", MARGIND, {"epoch": held.epoch})
        if held.is_new or self._relied_since_ns is None:
            self._relied_since_ns = self.known.clock.monotonic_ns()

    async def _take_results(self) -> None:
        for result in await self.asked.results.fresh():
            try:
                await self._write("result", result.taker or "?", {"result": result})
            except NotWritten:
                self.asked.results.again()
                return
            self.asked.metrics.actions.labels(result.state.value).inc()
        await self.asked.results.acknowledge()

    async def _look_for_unknown(self) -> None:
        wall_ns = self.known.clock.wall_ns()
        for request, hook, answer in await found_out(self.known.history, self.asked.hooks, wall_ns):
            await self._write_answer(request, hook, answer)

    async def _note_kill(self) -> None:
        """However it was thrown: by a command, a signal, a file, or in Redis."""
        if (where := self.killed) != self._seen_killed:
            self._seen_killed = where
            await self.known.trail.note("kill_seen", MARGIND, {"where": where})

    async def _consider(self, pool: PoolId) -> None:
        if any(waiting.request.pool == pool for waiting in self.waiting.values()):
            return
        wall_ns = self.known.clock.wall_ns()
        if self._config.dry_run and self._had_its_dry_run(pool, wall_ns):
            return
        request = self._draft(pool, wall_ns)
        if request is None:
            return
        found = refusals(self._situation(request))
        if self._config.dry_run:
            stops = [refusal for refusal in found if refusal.guard not in NOT_FOR_DRY]
            await (self._refuse(request, stops) if stops else self._dry(request, found))
        elif [refusal.guard for refusal in found] == ["confirm"]:
            await self._wait_for_person(request)
        elif found:
            await self._refuse(request, found)
        else:
            await self._go(request)

    def _had_its_dry_run(self, pool: PoolId, wall_ns: int) -> bool:
        """A moment ago: a refusal by `cooldown` would say no more."""
        placed = self.known.book.placing.pools.get(pool)
        within_ns = round(self._config.cooldown_s * 1e9)
        return placed is not None and self.known.history.had_dry_run(placed.account, wall_ns, within_ns)

    def _draft(self, pool: PoolId, wall_ns: int) -> DeleverageRequest | None:
        incident, history = self.asked.incident_of(pool), self.known.history
        numbers = (incident, history.next_attempt(pool, incident), self.known.fence.held.epoch or 0)
        used = (history.used(wall_ns, HOUR_NS, ""), history.used(wall_ns, DAY_NS, ""))
        may_act = self._config.dry_run or (self._config.armed and self.is_armed)
        return drafted(
            self.known.book, self._config, self._shard, pool, numbers, used, wall_ns, with_plan=may_act
        )

    def _situation(self, request: DeleverageRequest, *, is_confirmed: bool = False) -> Situation:
        return situation_of(self.known, request, self.armed, self._relied_since_ns, is_confirmed=is_confirmed)

    async def _dry(self, request: DeleverageRequest, found: list[Refusal]) -> None:
        would = [f"{refusal.guard}: {refusal.why}" for refusal in found if refusal.guard != "dry_run"]
        try:
            await self._write("request", MARGIND, {"request": request, "would_refuse": would})
        except NotWritten:
            return
        self.asked.metrics.actions.labels("dry_run").inc()
        self._ask(request)

    async def _go(self, request: DeleverageRequest, *, is_confirmed: bool = False) -> None:
        """The id on the disk, the lease once more, every guard once more, the kill switch last; then out."""
        try:
            await self._write("request", MARGIND, {"request": request})
        except NotWritten as error:
            await self._refuse(request, [Refusal("audit", str(error))])
            return
        await self._keep_lease()
        found = refusals(self._situation(request, is_confirmed=is_confirmed))
        if found:
            await self._void(request, found[0])
            return
        self.asked.metrics.actions.labels("sent").inc()
        self.asked.pages.sent(request)
        self._ask(request)

    async def _void(self, request: DeleverageRequest, refusal: Refusal) -> None:
        self._rest(request.pool, AFTER_VOID_S)
        content = {"request": request.id, "guard": refusal.guard, "why": refusal.why}
        with contextlib.suppress(NotWritten):  # then it counts as sent, which is the safe side
            await self._write("void", MARGIND, content)
        self._count(refusal)
        self.asked.pages.refused(request, refusal)

    def _ask(self, request: DeleverageRequest) -> None:
        """Each hook by itself; a slow one makes nobody late."""
        assert self._group is not None
        for hook in self.asked.hooks:
            self._group.create_task(self._ask_one(hook, request), name=f"hook {hook.name}")

    async def _ask_one(self, hook: Hook, request: DeleverageRequest) -> None:
        where = "" if request.dry_run else self.killed
        answer = Answer(Taken.REFUSED, f"killed: {where}") if where else await hook.ask(request)
        await self._write_answer(request, hook.name, answer)

    async def _write_answer(self, request: DeleverageRequest, hook: str, answer: Answer) -> None:
        content = {"request": request.id, "hook": hook, "state": answer.state.value, "why": answer.why}
        with contextlib.suppress(NotWritten):  # looked for at the next start; `audit` refuses until then
            await self._write("answer", hook, content)
        self.asked.metrics.actions.labels(answer.state.value).inc()
        if answer.state is not Taken.TAKEN:
            log.error("action_not_taken", **content)
            self.asked.pages.not_taken(request, hook, answer)

    async def _wait_for_person(self, request: DeleverageRequest) -> None:
        token = secrets.token_hex(4)
        within_ns = round(CONFIRM_WITHIN_S * 1e9)
        request = msgspec.structs.replace(request, expires_ns=request.expires_ns + within_ns)
        try:
            await self._write("waiting", MARGIND, {"token": token, "plan": request})
        except NotWritten:
            return
        self.waiting[token] = Waiting(request, self.known.clock.monotonic_ns() + within_ns)
        self.asked.metrics.actions.labels("waiting").inc()
        self.asked.pages.waits(request, token)

    async def _refuse(self, request: DeleverageRequest, found: list[Refusal]) -> None:
        """Written, counted and told when the guard is another, and again after each cooldown."""
        self._rest(request.pool, AGAIN_S)
        first, now_ns = foremost(found), self.known.clock.monotonic_ns()
        last = self._told.get(request.pool)
        if last is not None and last[0] == first.guard and now_ns - last[1] < self._config.cooldown_s * 1e9:
            return
        self._told[request.pool] = (first.guard, now_ns)
        content = {"guard": first.guard, "why": first.why, "all": [r.guard for r in found], "plan": request}
        await self.known.trail.note("refusal", MARGIND, content)
        self._count(first)
        if first.guard not in WAITING and not self._config.dry_run:
            self.asked.pages.refused(request, first)

    def _count(self, refusal: Refusal) -> None:
        self.asked.metrics.actions_refused.labels(refusal.guard).inc()
        log.warning("action_refused", guard=refusal.guard, why=refusal.why)

    def _forget_expired(self) -> None:
        now_ns = self.known.clock.monotonic_ns()
        for token in [token for token, waiting in self.waiting.items() if now_ns >= waiting.until_ns]:
            self._rest(self.waiting.pop(token).request.pool, self._config.cooldown_s)
            self.asked.metrics.actions.labels("not_confirmed").inc()

    def _rest(self, pool: PoolId, seconds: float) -> None:
        self._rests_until_ns[pool] = self.known.clock.monotonic_ns() + round(seconds * 1e9)

    async def _write(self, kind: str, by: str, content: object) -> None:
        self.known.history.take(await self.known.trail.append(kind, by, content))

    def _tell(self) -> None:
        self.asked.metrics.action_armed.set(self.is_armed)
        self.asked.metrics.action_killed.set(bool(self.killed))
        watch = self.known.watch
        self._told = {pool: told for pool, told in self._told.items() if pool in watch.wanted}
        self.asked.pages.keep(set(watch.wanted), set(watch.known_since_ns), self.known.trail.trouble)

    @property
    def is_armed(self) -> bool:
        """Whether somebody has armed it, and that lasts."""
        return self.armed is not None and self.known.clock.monotonic_ns() < self.armed.until_ns
