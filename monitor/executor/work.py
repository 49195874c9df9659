"""One request, step by step: look, ask every guard, write the intent down, look at the kill switch, send once.

Whoever hands in the same request again (a redelivery, a second copy, after a kill) gets what was begun settled
and nothing begun twice: the journal knows each step by its client order id, and so does the venue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

import structlog

from adapters.orders import Holding, Order, OrderRefused, OrderVenue, Told
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

log = structlog.get_logger()
TAKER = "executor"
HOUR_NS, DAY_NS = 3_600 * SECOND_NS, 86_400 * SECOND_NS
ASK_EVERY_S = 1.0
LONGEST_WHY = 300


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
        guards: AllGuards = AllGuards(),
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._store = store
        self._trading = trading
        self._clock = clock
        self._is_killed_here = is_killed_here
        self._guards = guards

    async def work(self, request: DeleverageRequest, body: bytes, tell: Tell) -> None:
        """Does what the request asks as far as nothing is in the way, and tells each result."""
        is_known = self._journal.note_request(request.id, body, self._clock.wall_ns())
        reach("request_noted")
        refusal = await self._refusal_of_request(request, is_known)
        former: DeleverageResult | None = None
        for step in request.steps if is_known else ():
            id_ = client_order_id(request.id, step.number)
            begun = self._journal.step(id_)
            if begun is None and refusal is not None:
                continue
            former = await self._step(request, step, id_, begun, former, is_known)
            await tell(former)
            reach("result_told")
        if refusal is not None and former is None:
            await tell(self._refused(request, 0, refusal))

    async def settle_lost(self, tell: Tell) -> None:
        """Asks the venues again for every order of which nobody knows how it ended."""
        for id_, begun in self._journal.unsettled():
            trading = self._trading.get(begun.account)
            if trading is not None:
                result = await self._find_out(trading.venue, id_, begun, patience_s=0.0)
                if result.state is not Outcome.UNKNOWN:
                    await tell(result)

    # --- the request ------------------------------------------------------------------------------

    async def _refusal_of_request(self, request: DeleverageRequest, is_known: bool) -> Refusal | None:
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
        id_: str,
        begun: Begun | None,
        former: DeleverageResult | None,
        is_known: bool,
    ) -> DeleverageResult:
        if begun is not None and begun.result is not None and begun.is_settled:
            return begun.result
        venue = self._trading[request.account].venue if request.account in self._trading else None
        if begun is not None:
            if venue is None:
                return begun.result or self._unknown(begun, id_, "there is no key for this account any more")
            return await self._find_out(venue, id_, begun, self._rules.ask_for_s)
        assert venue is not None  # a guard of the request
        try:
            case = await self._case_of_step(request, step, former, venue)
        except (StoreUnavailable, VenueUnavailable, KeyRefused, UnsupportedMode) as error:
            return self._settled_without(request, step, id_, _unread(error))
        refusal = first_refusal(self._guards.step, case)
        if refusal is not None:
            return self._settled_without(request, step, id_, refusal)
        return await self._begin(case, step, id_, venue)

    async def _case_of_step(
        self, request: DeleverageRequest, step: Step, former: DeleverageResult | None, venue: OrderVenue
    ) -> Case:
        if former is not None and former.state is not Outcome.DONE:  # nothing more is asked of the venue
            holding = Holding(quantity=Decimal(0), mark_price=None, ratio=None)
        else:
            pool = request.pool.rpartition("/")[2]
            holding = await venue.holding(step.symbol, step.position_side, pool)
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
            return self._settle(id_, self._refused(case.request, step.number, refusal, id_))
        return await self._send(venue, order, begun)

    async def _send(self, venue: OrderVenue, order: Order, begun: Begun) -> DeleverageResult:
        reach("order_sent")
        try:
            told = await venue.place(order)
        except (OrderRefused, KeyRefused) as error:
            return self._settle(order.client_id, self._refused_by_venue(begun, order.client_id, error))
        except (VenueUnavailable, UnsupportedMode) as error:
            log.warning("order_outcome_not_known", order=order.client_id, error=str(error))
            return await self._find_out(venue, order.client_id, begun, self._rules.ask_for_s)
        reach("order_answered")
        if not told.is_final:
            return await self._find_out(venue, order.client_id, begun, self._rules.ask_for_s)
        return self._settle(order.client_id, self._result(begun, order, told))

    async def _find_out(
        self, venue: OrderVenue, id_: str, begun: Begun, patience_s: float
    ) -> DeleverageResult:
        """Asks by the client order id until the venue knows; nothing is sent again, whatever it answers."""
        assert begun.order is not None
        given_up_ns = self._clock.monotonic_ns() + round(patience_s * SECOND_NS)
        # Later than this the venue itself refuses the order, so that "no such order" is the last word.
        last_word_ns = begun.at_ns + round((venue.arrives_within_s + ARRIVED_S) * SECOND_NS)
        why = "the venue has not said yet how it ended"
        while True:
            asked_ns = self._clock.wall_ns()
            try:
                told = await venue.find(begun.order.symbol, id_)
            except (VenueUnavailable, KeyRefused, UnsupportedMode) as error:
                why = str(error)
            else:
                if told is not None and told.is_final:
                    return self._settle(id_, self._result(begun, begun.order, told))
                if told is None and asked_ns > last_word_ns:
                    return self._settle(id_, self._never_arrived(begun, id_))
            if self._clock.monotonic_ns() >= given_up_ns:
                return self._settle(id_, self._unknown(begun, id_, why))
            await asyncio.sleep(ASK_EVERY_S)

    # --- results ----------------------------------------------------------------------------------

    def _settle(self, id_: str, result: DeleverageResult) -> DeleverageResult:
        self._journal.settle(id_, result)
        reach("step_settled")
        return result

    def _settled_without(
        self, request: DeleverageRequest, step: Step, id_: str, refusal: Refusal
    ) -> DeleverageResult:
        """A step that was refused stays refused, whoever brings the request again."""
        result = self._refused(request, step.number, refusal, id_)
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

    def _result(self, begun: Begun, order: Order, told: Told) -> DeleverageResult:
        if told.filled > order.quantity:
            why = f"{order.client_id}: {told.filled:f} filled of {order.quantity:f} that were asked for"
            self._journal.lock_account(begun.account, why)
            return self._of(begun, order.client_id, Outcome.DONE, told, guard="fill", why=why)
        whole = told.filled == order.quantity
        state = Outcome.DONE if whole else Outcome.PARTLY if told.filled else Outcome.REFUSED
        why = "" if told.filled else "nothing was filled within the limit price"
        return self._of(begun, order.client_id, state, told, guard="" if told.filled else "slippage", why=why)

    def _of(
        self, begun: Begun, id_: str, state: Outcome, told: Told | None = None, guard: str = "", why: str = ""
    ) -> DeleverageResult:
        price = told.average_price if told is not None else None
        return DeleverageResult(
            request=begun.request,
            step=begun.step,
            state=state,
            filled=f"{told.filled:f}" if told is not None else "0",
            average_price=f"{price:f}" if price is not None else None,
            client_order_id=id_,
            venue_order_id=told.venue_id if told is not None else "",
            guard=guard,
            why=why[:LONGEST_WHY],
            taker=TAKER,
            at_ns=self._clock.wall_ns(),
        )

    def _unknown(self, begun: Begun, id_: str, why: str) -> DeleverageResult:
        return self._of(begun, id_, Outcome.UNKNOWN, why=why)

    def _never_arrived(self, begun: Begun, id_: str) -> DeleverageResult:
        return self._of(begun, id_, Outcome.REFUSED, guard="venue", why="the order never came to the venue")

    def _refused_by_venue(self, begun: Begun, id_: str, error: Exception) -> DeleverageResult:
        return self._of(begun, id_, Outcome.REFUSED, guard="venue", why=str(error))

    def _refused(
        self, request: DeleverageRequest, step: int, refusal: Refusal, id_: str = ""
    ) -> DeleverageResult:
        log.info("step_refused", request=request.id, step=step, guard=refusal.guard, why=refusal.why)
        return DeleverageResult(
            request=request.id,
            step=step,
            state=Outcome.REFUSED,
            client_order_id=id_,
            guard=refusal.guard,
            why=refusal.why[:LONGEST_WHY],
            taker=TAKER,
            at_ns=self._clock.wall_ns(),
        )


ARRIVED_S = 2.0  # clocks apart, and the venue's own time to write an order down


def _unread(error: Exception) -> Refusal:
    if isinstance(error, StoreUnavailable):
        return Refusal("store", f"the store says nothing: {error}")
    return Refusal("venue", f"nothing is done unseen: {error}")
