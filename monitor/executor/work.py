"""One request, step by step: look, ask every guard, write the intent down, look at the kill switch, send.

Whoever hands in the same request again (a redelivery, a copy, after a kill) gets what was begun settled, and
nothing begun twice: the journal knows each step by its client order id, and so does the venue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

import structlog

from adapters.orders import Holding, Order, OrderVenue
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from alerts.failpoints import reach
from monitor.clock import Clock
from monitor.config_executor import Executor as Rules
from monitor.deleverage.request import (
    DeleverageRequest,
    DeleverageResult,
    Outcome,
    Step,
    client_order_id,
)
from monitor.executor.guards import (
    LAST_GUARDS,
    REQUEST_GUARDS,
    SECOND_NS,
    STEP_GUARDS,
    Case,
    Guards,
    Refusal,
    Standing,
    first_refusal,
    notional_of,
    quantity_of,
)
from monitor.executor.journal import Begun, Journal
from monitor.executor.results import ended, refused
from monitor.executor.sending import Sending

log = structlog.get_logger()
NOT_OURS = frozenset({"known_id", "claim"})  # somebody else tells how this id ended
HOUR_NS, DAY_NS = 3_600 * SECOND_NS, 86_400 * SECOND_NS
NOTHING_SEEN = Holding(quantity=Decimal(0), mark_price=None, ratio=None)


class StoreUnavailable(Exception):
    """The store says nothing: then nothing is done."""


class Store(Protocol):
    """What the executor asks the store. Raises StoreUnavailable."""

    async def standing(self) -> Standing:
        """The epoch in force and the kill switch, as they are now."""

    async def claims(self, request: str, owner: str) -> bool:
        """Whether this executor is the one that has the request; the first to ask has it."""


class Trading(NamedTuple):
    """An account that may be traded."""

    venue: OrderVenue
    symbols: frozenset[str]


class AllGuards(NamedTuple):
    """The three tables, so that a test can leave one guard out."""

    request: Guards = REQUEST_GUARDS
    step: Guards = STEP_GUARDS
    last: Guards = LAST_GUARDS


ALL_GUARDS = AllGuards()
Tell = Callable[[DeleverageResult], Awaitable[None]]


class Executor:
    """Works requests, one after the other. Raises JournalRefused: without a journal nothing is placed."""

    def __init__(
        self,
        rules: Rules,
        journal: Journal,
        store: Store,
        trading: Mapping[str, Trading],
        clock: Clock,
        is_killed_here: Callable[[], bool] = lambda: False,
        guards: AllGuards = ALL_GUARDS,
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._store = store
        self._trading = trading
        self._clock = clock
        self._is_killed_here = is_killed_here
        self._guards = guards
        self._sending = Sending(journal, clock, rules.ask_for_s)

    async def work(self, request: DeleverageRequest, body: bytes, tell: Tell) -> None:
        """Does what the request asks as far as nothing is in the way, and tells each result."""
        is_known = self._journal.note_request(request.id, body, self._clock.wall_ns())
        reach("request_noted")
        refusal = await self._refusal_of_request(request, is_known)
        if refusal is not None and refusal.guard in NOT_OURS:
            log.warning("request_not_taken", request=request.id, guard=refusal.guard, why=refusal.why)
        elif refusal is not None and not self._was_begun(request):
            await tell(self._refuse_whole(request, refusal))
        else:
            await self._steps(request, refusal, tell)

    async def _steps(self, request: DeleverageRequest, refusal: Refusal | None, tell: Tell) -> None:
        former: DeleverageResult | None = None
        for step in request.steps:
            former = await self._step(request, step, former, refusal)
            await tell(former)
            reach("result_told")

    def _was_begun(self, request: DeleverageRequest) -> bool:
        return any(self._journal.step(client_order_id(request.id, step.number)) for step in request.steps)

    def _refuse_whole(self, request: DeleverageRequest, refusal: Refusal) -> DeleverageResult:
        before = self._journal.refused(request.id)
        if before is not None:
            return before
        result = refused(request.id, 0, refusal, self._clock.wall_ns())
        self._journal.refuse_request(result)
        return result

    async def settle_lost(self, tell: Tell) -> None:
        """Asks the venues again for every order of which nobody knows how it ended."""
        for id_, begun in self._journal.unsettled():
            trading = self._trading.get(begun.account)
            if trading is not None:
                result = await self._sending.find_out(trading.venue, id_, begun, patience_s=0.0)
                if result.state is not Outcome.UNKNOWN:
                    await tell(result)

    # --- the request ------------------------------------------------------------------------------

    async def _refusal_of_request(self, request: DeleverageRequest, is_known: bool) -> Refusal | None:
        if is_known and (before := self._journal.refused(request.id)) is not None:
            return Refusal(before.guard, before.why)
        try:
            refusal = first_refusal(self._guards.request, await self._case(request, is_known))
            if refusal is None and not await self._store.claims(request.id, self._journal.name):
                refusal = Refusal("claim", "another executor has this request")
        except StoreUnavailable as error:
            return Refusal("store", f"the store says nothing: {error}")
        if refusal is None:
            self._journal.raise_fence(request.fence)
        return refusal

    async def _case(self, request: DeleverageRequest, is_known: bool = True) -> Case:
        standing = await self._store.standing()
        trading = self._trading.get(request.account)
        now_ns = self._clock.wall_ns()
        return Case(
            request=request,
            rules=self._rules,
            symbols=trading.symbols if trading is not None else None,
            now_ns=now_ns,
            highest_fence=self._journal.fence,
            standing=standing,
            locked=self._journal.locked(request.account),
            is_killed_here=self._is_killed_here(),
            is_known=is_known,
            used_hour=self._journal.used(request.account, now_ns - HOUR_NS),
            used_day=self._journal.used(request.account, now_ns - DAY_NS),
        )

    # --- a step -----------------------------------------------------------------------------------

    async def _step(
        self,
        request: DeleverageRequest,
        step: Step,
        former: DeleverageResult | None,
        refusal: Refusal | None,
    ) -> DeleverageResult:
        id_ = client_order_id(request.id, step.number)
        trading = self._trading.get(request.account)
        begun = self._journal.step(id_)
        if begun is not None:
            return await self._settled(trading, id_, begun)
        if refusal is not None or trading is None:
            refusal = refusal or Refusal("account", "there is no key for this account any more")
            return self._settled_without(request, step, id_, refusal)
        try:
            case = await self._case_of_step(request, step, former, trading.venue)
        except (StoreUnavailable, VenueUnavailable, KeyRefused, UnsupportedMode) as error:
            return self._settled_without(request, step, id_, _unread(error))
        refusal = first_refusal(self._guards.step, case)
        if refusal is not None:
            return self._settled_without(request, step, id_, refusal)
        return await self._begin(case, step, id_, trading.venue)

    async def _settled(self, trading: Trading | None, id_: str, begun: Begun) -> DeleverageResult:
        if begun.result is not None and begun.is_settled:
            return begun.result
        if trading is None:
            why = "there is no key for this account any more"
            return ended(begun, id_, Outcome.UNKNOWN, self._clock.wall_ns(), why=why)
        return await self._sending.find_out(trading.venue, id_, begun, self._rules.ask_for_s)

    async def _case_of_step(
        self, request: DeleverageRequest, step: Step, former: DeleverageResult | None, venue: OrderVenue
    ) -> Case:
        holding = NOTHING_SEEN
        if former is None or former.state is Outcome.DONE:  # else nothing more is asked of the venue
            holding = await venue.holding(step.symbol, step.position_side, request.pool.rpartition("/")[2])
            # Whoever lost a journal would send again what is there already.
            if await venue.find(step.symbol, client_order_id(request.id, step.number)) is not None:
                raise UnsupportedMode("the venue knows an order of this id, and the journal does not")
        reach("position_read")
        case = await self._case(request)
        return case._replace(
            step=step, holding=holding, former=former, used_action=self._used_by(request, step)
        )

    def _used_by(self, request: DeleverageRequest, step: Step) -> float:
        before = (self._journal.step(client_order_id(request.id, number)) for number in range(1, step.number))
        return sum(begun.notional for begun in before if begun is not None and begun.order is not None)

    async def _begin(self, case: Case, step: Step, id_: str, venue: OrderVenue) -> DeleverageResult:
        order = Order(
            client_id=id_,
            symbol=step.symbol,
            side=step.side,
            position_side=step.position_side,
            quantity=quantity_of(case),
            limit_price=Decimal(step.limit_price),
        )
        begun = Begun(
            request=case.request.id,
            step=step.number,
            account=case.request.account,
            at_ns=self._clock.wall_ns(),
            notional=notional_of(case),
            order=order,
        )
        self._journal.begin(id_, begun)
        reach("intent_written")
        try:
            refusal = first_refusal(self._guards.last, await self._case(case.request))
        except StoreUnavailable as error:
            refusal = _unread(error)
        if refusal is not None:
            result = refused(case.request.id, step.number, refusal, self._clock.wall_ns(), id_)
            return self._sending.settle(id_, result)
        return await self._sending.send(venue, order, begun)

    def _settled_without(
        self, request: DeleverageRequest, step: Step, id_: str, refusal: Refusal
    ) -> DeleverageResult:
        """A step that was refused stays refused, whoever brings the request again."""
        result = refused(request.id, step.number, refusal, self._clock.wall_ns(), id_)
        self._journal.begin(
            id_,
            Begun(
                request=request.id,
                step=step.number,
                account=request.account,
                at_ns=self._clock.wall_ns(),
                notional=0.0,
                order=None,
                result=result,
            ),
        )
        return result


def _unread(error: Exception) -> Refusal:
    if isinstance(error, StoreUnavailable):
        return Refusal("store", f"the store says nothing: {error}")
    return Refusal("venue", f"nothing is done unseen: {error}")
