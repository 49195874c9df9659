"""How an order leaves and how its end is found out, in virtual time, at a venue that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.orders import Holding, Order, OrderRefused, Told
from adapters.venue import VenueUnavailable
from monitor.deleverage.request import Outcome
from monitor.executor.journal import Begun, Journal
from monitor.executor.sending import Sending
from tests.support.virtual_time import LoopClock, run_virtual

ORDER = Order(
    client_id="m1",
    symbol="BTCUSDT",
    side="sell",
    position_side="",
    quantity=Decimal("0.5"),
    limit_price=Decimal("59700.0"),
)
FILLED = Told(is_final=True, filled=Decimal("0.5"), average_price=Decimal(60_000), venue_id="1")
OPEN = msgspec.structs.replace(FILLED, is_final=False, filled=Decimal("0.2"))
LOST = VenueUnavailable("no answer")
Answer = Told | None | Exception


class Scripted:
    """Answers to `place`, and to each `find` in turn; the last answer stays."""

    arrives_within_s = 5.0

    def __init__(self, placed: Answer, *found: Answer) -> None:
        self._placed, self._found = placed, list(found)
        self.placed = 0
        self.asked_s: list[float] = []

    async def place(self, order: Order) -> Told:
        """Counts."""
        self.placed += 1
        if isinstance(self._placed, Exception):
            raise self._placed
        assert self._placed is not None
        return self._placed

    async def find(self, symbol: str, client_id: str) -> Told | None:
        """By the script."""
        self.asked_s.append(asyncio.get_running_loop().time())
        found = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def check_key(self) -> None:
        """Not asked here."""

    async def holding(self, symbol: str, position_side: str, pool: str) -> Holding:
        """Not asked here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty one."""
    found = Journal(tmp_path)
    yield found
    found.close()


def begun(journal: Journal) -> Begun:
    """The order, written down."""
    at_ns = LoopClock().wall_ns()
    found = Begun(request="dlv_1", step=1, account="a", at_ns=at_ns, notional=1.0, order=ORDER)
    journal.begin("m1", found)
    return found


@pytest.mark.parametrize(
    ("venue", "state", "filled"),
    [
        (Scripted(FILLED), Outcome.DONE, "0.5"),
        (Scripted(OPEN, OPEN, FILLED), Outcome.DONE, "0.5"),
        (Scripted(LOST, LOST, None, FILLED), Outcome.DONE, "0.5"),
        (Scripted(OrderRefused("no", "-2022")), Outcome.REFUSED, "0"),
        (Scripted(LOST, None), Outcome.REFUSED, "0"),
        (Scripted(LOST, LOST), Outcome.UNKNOWN, "0"),
        (Scripted(OPEN, OPEN), Outcome.UNKNOWN, "0"),
        (
            Scripted(msgspec.structs.replace(FILLED, filled=Decimal("0.1"))),
            Outcome.PARTLY,
            "0.1",
        ),
    ],
)
def test_an_order_is_sent_once_and_ends_as_the_venue_says(
    journal: Journal, venue: Scripted, state: Outcome, filled: str
) -> None:
    """Whatever the venue answers, one order leaves; what it does not say is unknown and no refusal."""

    async def main() -> None:
        venue.placed = 0
        result = await Sending(journal, LoopClock(), 30.0).send(venue, ORDER, begun(journal))
        assert (result.state, result.filled) == (state, filled)

    run_virtual(main())
    assert venue.placed == 1
    assert bool(journal.unsettled()) == (state is Outcome.UNKNOWN)


def test_no_such_order_is_the_last_word_only_when_none_can_come_any_more(journal: Journal) -> None:
    """A venue that knows no such order is asked again until it would refuse one that comes."""
    venue = Scripted(LOST, None)

    async def main() -> None:
        result = await Sending(journal, LoopClock(), 30.0).send(venue, ORDER, begun(journal))
        assert result.state is Outcome.REFUSED

    run_virtual(main())
    assert venue.asked_s[-1] > venue.arrives_within_s
    assert venue.placed == 1


def test_what_was_unknown_is_asked_for_later(journal: Journal) -> None:
    """A later answer replaces the unknown one; until then it is not told again as news."""
    venue = Scripted(LOST, *[LOST] * 50, FILLED)

    async def main() -> None:
        sending = Sending(journal, LoopClock(), 30.0)
        first = await sending.send(venue, ORDER, begun(journal))
        states = []
        for _ in range(30):
            ((_, again),) = journal.unsettled()
            found = await sending.find_out(venue, "m1", again, patience_s=0.0)
            states.append(found)
            if found.state is not Outcome.UNKNOWN:
                break
        assert states[:-1] == [first] * (len(states) - 1)
        assert states[-1].state is Outcome.DONE

    run_virtual(main())
    assert venue.placed == 1
    assert journal.unsettled() == []


def test_more_than_was_asked_for_locks_the_account(journal: Journal) -> None:
    """A fill that can't be is told with its guard, and nothing more is done for the account."""
    venue = Scripted(msgspec.structs.replace(FILLED, filled=Decimal("0.6")))

    async def main() -> None:
        result = await Sending(journal, LoopClock(), 30.0).send(venue, ORDER, begun(journal))
        assert (result.state, result.guard) == (Outcome.DONE, "fill")

    run_virtual(main())
    assert "0.6 filled of 0.5" in journal.locked("a")
