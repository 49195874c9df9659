"""An order leaves once. How it ended is the venue's word, asked for by the client order id."""

from __future__ import annotations

import asyncio

import structlog

from adapters.orders import Order, OrderRefused, OrderVenue, Told
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from alerts.failpoints import reach
from monitor.clock import Clock
from monitor.deleverage.request import DeleverageResult, Outcome
from monitor.executor.guards import SECOND_NS
from monitor.executor.journal import Begun, Journal
from monitor.executor.results import ended, told_result

log = structlog.get_logger()
ASK_EVERY_S = 1.0
ARRIVED_S = 2.0  # clocks apart, and the venue's own time to write an order down


class Sending:
    """Sends what the journal has as begun, and settles it there."""

    def __init__(self, journal: Journal, clock: Clock, ask_for_s: float) -> None:
        self._journal = journal
        self._clock = clock
        self._ask_for_s = ask_for_s

    async def send(self, venue: OrderVenue, order: Order, begun: Begun) -> DeleverageResult:
        """Once. Only the venue's own word makes it a refusal; everything else is asked for."""
        reach("order_sent")
        try:
            told = await venue.place(order)
        except (OrderRefused, KeyRefused) as error:
            return self.settle(order.client_id, self._refused_by_venue(begun, order.client_id, error))
        except (VenueUnavailable, UnsupportedMode) as error:
            log.warning("order_outcome_not_known", order=order.client_id, error=str(error))
            return await self.find_out(venue, order.client_id, begun, self._ask_for_s)
        reach("order_answered")
        if not told.is_final:
            return await self.find_out(venue, order.client_id, begun, self._ask_for_s)
        return self.settle(order.client_id, self._result(begun, order, told))

    async def find_out(
        self, venue: OrderVenue, id_: str, begun: Begun, patience_s: float
    ) -> DeleverageResult:
        """Asks by the client order id until the venue knows; nothing is sent again, whatever it answers."""
        assert begun.order is not None
        # Whoever asks has sent it before. The venue takes nothing that is on its way for longer than it says:
        # after that "no such order" is the last word.
        lost_ns = begun.result.at_ns if begun.result is not None else self._clock.wall_ns()
        last_word_ns = lost_ns + round((venue.arrives_within_s + ARRIVED_S) * SECOND_NS)
        given_up_ns = self._clock.monotonic_ns() + round(patience_s * SECOND_NS)
        why = "the venue has not said yet how it ended"
        while True:
            asked_ns = self._clock.wall_ns()
            try:
                told = await venue.find(begun.order.symbol, id_)
            except (VenueUnavailable, KeyRefused, UnsupportedMode) as error:
                why = str(error)
            else:
                if told is not None and told.is_final:
                    return self.settle(id_, self._result(begun, begun.order, told))
                if told is None and asked_ns > last_word_ns:
                    return self.settle(id_, self._never_arrived(begun, id_))
            if self._clock.monotonic_ns() >= given_up_ns:
                return begun.result or self.settle(id_, self._unknown(begun, id_, why))
            await asyncio.sleep(ASK_EVERY_S)

    def settle(self, id_: str, result: DeleverageResult) -> DeleverageResult:
        """Writes down how it ended."""
        self._journal.settle(id_, result)
        reach("step_settled")
        return result

    def _result(self, begun: Begun, order: Order, told: Told) -> DeleverageResult:
        result = told_result(begun, order, told, self._clock.wall_ns())
        if result.guard == "fill":
            self._journal.lock_account(begun.account, result.why)
        return result

    def _unknown(self, begun: Begun, id_: str, why: str) -> DeleverageResult:
        return ended(begun, id_, Outcome.UNKNOWN, self._clock.wall_ns(), why=why)

    def _never_arrived(self, begun: Begun, id_: str) -> DeleverageResult:
        why = "the order never came to the venue"
        return ended(begun, id_, Outcome.REFUSED, self._clock.wall_ns(), guard="venue", why=why)

    def _refused_by_venue(self, begun: Begun, id_: str, error: Exception) -> DeleverageResult:
        return ended(begun, id_, Outcome.REFUSED, self._clock.wall_ns(), guard="venue", why=str(error))
