"""What will happen to a pool at an instant that is known already: the next funding, a daily settlement, an
expiry.

Prices are taken as they are now; what changes is the wallet that pays or receives, the entry price that a
settlement puts to the mark, and the position that is no more. The ratio after it is the model's own, assessed
in a pocket.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from monitor.book.assessor import Assessor
from monitor.book.definitions import Funding
from monitor.book.placing import PlacedPool, Placing
from monitor.book.ratio import ratio_of
from monitor.book.solve import Later
from monitor.book.tables import row_of
from monitor.domain.assessment import Coming
from monitor.domain.instrument import Instrument
from monitor.margin.common import unrealised
from monitor.margin.funding import (
    CONTINUOUS_HOURS,
    accrued_share,
    continuous_accrual,
    funding_payment,
    next_funding_ns,
    next_settlement_ns,
)
from monitor.margin.rows import Balance, Book, Option, Position
from monitor.margin.rows import Instrument as InstrumentRow
from monitor.margin.rows import Pool as PoolRow

MOST = 8  # events told of one pool
FUNDING, SETTLEMENT, EXPIRY = "funding", "settlement", "expiry"


class _Change(NamedTuple):
    place: int  # of the position in the pool
    received: float  # in the settle asset
    share: float | None


class _Payment(NamedTuple):
    at_ns: int
    rate: float
    share: float | None  # of its interval, that has passed


class Calendar:
    """The coming events of pools."""

    def __init__(self, placing: Placing, assessor: Assessor) -> None:
        self._placing = placing
        self._assessor = assessor

    def coming(self, pool: PlacedPool, wall_ns: int) -> tuple[Coming, ...]:
        """The nearest first; none where nothing is known of funding or expiry."""
        book = self._assessor.book()
        account = row_of(PoolRow, book.pools, pool.row)
        found: defaultdict[tuple[int, str], list[_Change]] = defaultdict(list)
        for place, leg in enumerate(pool.legs):
            instrument = self._placing.definitions.instruments[leg.instrument]
            for at_ns, kind, change in self._changes(
                account.position_first, place, instrument, book, wall_ns
            ):
                found[at_ns, kind].append(change)
        return tuple(
            self._event(pool, account, book, at_ns, kind, found[at_ns, kind])
            for at_ns, kind in sorted(found)[:MOST]
        )

    def _changes(
        self, first: int, place: int, instrument: Instrument, book: Book[float], wall_ns: int
    ) -> Iterator[tuple[int, str, _Change]]:
        position = row_of(Position, book.positions, first + place)
        row = row_of(InstrumentRow, book.instruments, position.instrument)
        mark = book.quotes[row.mark]  # of numpy, which divides by 0 and goes on
        funding = self._placing.definitions.funding.get(instrument.id)
        settles_ns = _settlement_ns(instrument, wall_ns)
        if funding is not None:
            found = _next_funding(funding, instrument.funding_hours, settles_ns, wall_ns)
            if found is not None and found.at_ns > wall_ns:
                received = float(funding_payment(position.quantity, mark, found.rate, row))
                yield found.at_ns, FUNDING, _Change(place, received, found.share)
        expiry_ns = instrument.expiry_ns if instrument.option is None else instrument.option.expiry_ns
        if settles_ns is not None and not (expiry_ns is not None and expiry_ns <= settles_ns):
            profit = float(unrealised(position.quantity, position.entry_price, mark, row))
            yield settles_ns, SETTLEMENT, _Change(place, profit, None)
        if expiry_ns is not None and expiry_ns > wall_ns:
            yield expiry_ns, EXPIRY, _Change(place, _payoff(position, row, mark, book), None)

    def _event(
        self,
        pool: PlacedPool,
        account: PoolRow[float],
        book: Book[float],
        at_ns: int,
        kind: str,
        changes: list[_Change],
    ) -> Coming:
        places = range(account.balance_first, account.balance_last)
        lines = [row_of(Balance, book.balances, place) for place in places]
        paid = np.zeros(len(lines))
        touched = np.zeros(len(pool.legs), np.bool_)
        total = 0.0
        for change in changes:
            line = _line_of(lines, account.position_first + change.place)
            paid[line] += change.received
            touched[change.place] = True
            price = book.assets[lines[line].asset].price
            total += change.received * float(book.quotes[price])
        figures = self._assessor.figures[pool.row]
        none = np.zeros_like(touched)
        later = Later(paid, touched if kind == EXPIRY else none, touched if kind == SETTLEMENT else none)
        after = self._assessor.solver.later(later, pool.row, book)
        shares = [change.share for change in changes if change.share is not None]
        return Coming(
            kind,
            at_ns,
            tuple(dict.fromkeys(pool.legs[change.place].instrument for change in changes)),
            total,
            ratio_of(float(figures.maintenance_margin), float(figures.equity)),
            ratio_of(after.maintenance_margin, after.equity),
            min(shares, default=None),
        )


def funding_cost(coming: tuple[Coming, ...]) -> float | None:
    """What the pool pays at the next funding of each of its positions, less what it receives; None where no
    funding is known."""
    received = [event.received for event in coming if event.kind == FUNDING]
    return -sum(received) if received and all(map(math.isfinite, received)) else None


def _line_of(lines: list[Balance[float]], row: int) -> int:
    """Which balance receives the profit of the position in this row."""
    return next(k for k, line in enumerate(lines) if line.position_first <= row < line.position_last)


def _settlement_ns(instrument: Instrument, wall_ns: int) -> int | None:
    """When its profit is next paid out, the price of an option never being one of profit alone."""
    if instrument.settlement_hour is None or instrument.option is not None:
        return None
    return next_settlement_ns(wall_ns, instrument.settlement_hour)


def _next_funding(
    funding: Funding, hours: float | None, settles_ns: int | None, wall_ns: int
) -> _Payment | None:
    """The next payment; of continuous funding what is charged until it is settled, at the latest in the hours
    that its rate is told for. None where neither instant nor interval is known."""
    if hours == 0:
        at_ns = next_funding_ns(wall_ns, CONTINUOUS_HOURS) if settles_ns is None else settles_ns
        return _Payment(at_ns, continuous_accrual(funding.rate, at_ns - wall_ns), None)
    if funding.next_ns is None and not hours:
        return None
    at_ns = next_funding_ns(wall_ns, hours or 1) if funding.next_ns is None else funding.next_ns
    return _Payment(at_ns, funding.rate, accrued_share(wall_ns, at_ns, hours) if hours else None)


def _payoff(held: Position[float], instrument: InstrumentRow[float], mark: float, book: Book[float]) -> float:
    """What an expiry pays: a future its profit at the mark, an option what it is worth if it ended now."""
    if instrument.option < 0:
        return float(unrealised(held.quantity, held.entry_price, mark, instrument))
    option = row_of(Option, book.options, instrument.option)
    forward = book.quotes[option.forward]
    worth = max(option.side * (forward - option.strike), 0.0)
    if instrument.inverse:
        worth /= forward
    return float(held.quantity * instrument.multiplier * worth)
