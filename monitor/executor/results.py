"""How a step ended, as it is told."""

from __future__ import annotations

import structlog

from adapters.orders import Order, Told
from monitor.deleverage.request import DeleverageResult, Outcome
from monitor.executor.guards import Refusal
from monitor.executor.journal import Begun

log = structlog.get_logger()
TAKER = "executor"
LONGEST_WHY = 300


def told_result(begun: Begun, order: Order, told: Told, at_ns: int) -> DeleverageResult:
    """From what the venue tells of an order; the guard `fill` where that can't be."""
    if told.filled > order.quantity:
        why = f"{order.client_id}: {told.filled:f} filled of {order.quantity:f} that were asked for"
        return ended(begun, order.client_id, Outcome.DONE, at_ns, told, guard="fill", why=why)
    if not told.filled:
        why = "nothing was filled within the limit price"
        return ended(begun, order.client_id, Outcome.REFUSED, at_ns, told, guard="slippage", why=why)
    state = Outcome.DONE if told.filled == order.quantity else Outcome.PARTLY
    return ended(begun, order.client_id, state, at_ns, told)


def ended(
    begun: Begun,
    id_: str,
    state: Outcome,
    at_ns: int,
    told: Told | None = None,
    *,
    guard: str = "",
    why: str = "",
) -> DeleverageResult:
    """A result of a step that was begun."""
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
        at_ns=at_ns,
    )


def refused(request: str, step: int, refusal: Refusal, at_ns: int, id_: str = "") -> DeleverageResult:
    """A result of what was never sent."""
    log.info("step_refused", request=request, step=step, guard=refusal.guard, why=refusal.why)
    return DeleverageResult(
        request=request,
        step=step,
        state=Outcome.REFUSED,
        client_order_id=id_,
        guard=refusal.guard,
        why=refusal.why[:LONGEST_WHY],
        taker=TAKER,
        at_ns=at_ns,
    )
