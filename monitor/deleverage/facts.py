"""What the book says of a pool for the guards: its figures, its positions, and who else tells prices."""

from __future__ import annotations

from typing import NamedTuple

from monitor.book.live_book import LiveBook
from monitor.deleverage.situation import Leg, SecondSource, position_key
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import InstrumentId, PoolId, venue_of
from monitor.domain.instrument import Instrument, Kind

COMPARABLE = (Kind.LINEAR, Kind.INVERSE)


class Facts(NamedTuple):
    """Of one pool, at one moment."""

    assessment: MarginAssessment
    is_margin_error_open: bool
    legs: dict[InstrumentId, Leg]


def facts_of(book: LiveBook, pool: PoolId, now_ns: int, wall_ns: int, fresh_s: float) -> Facts | None:
    """None when there is no such pool."""
    assessment = book.describe(pool, now_ns, wall_ns)
    placed = book.placing.pools.get(pool)
    if assessment is None or placed is None:
        return None
    legs = {}
    for fact in placed.legs:
        instrument = book.placing.definitions.instruments.get(fact.instrument)
        mark = _fresh_mark(book, fact.instrument, now_ns, fresh_s)
        if instrument is not None and mark is not None:
            others = _others(book, instrument, now_ns, fresh_s)
            key = position_key(fact.instrument, fact.side)
            legs[key] = Leg(f"{fact.quantity:f}", mark, others)
    return Facts(assessment, book.assessor.is_margin_error_open(placed.row), legs)


def _others(book: LiveBook, instrument: Instrument, now_ns: int, fresh_s: float) -> tuple[SecondSource, ...]:
    """Its own index where its venue tells one, and the marks of the same underlying at other venues."""
    found = []
    row = book.quotes.find(instrument.id)
    if row is not None and book.quotes.index[row] > 0:
        found.append(SecondSource(f"{instrument.id} index", float(book.quotes.index[row])))
    venue = venue_of(instrument.id)
    for other in book.placing.definitions.instruments.values():
        if venue_of(other.id) == venue or not _is_the_same(instrument, other):
            continue
        mark = _fresh_mark(book, other.id, now_ns, fresh_s)
        if mark is not None:
            found.append(SecondSource(f"{other.id} mark", mark))
    return tuple(found)


def _is_the_same(one: Instrument, other: Instrument) -> bool:
    """Whether two prices are of the same thing: perpetuals on one underlying. What expires has a basis."""
    is_plain = other.kind in COMPARABLE and other.expiry_ns is None and other.option is None
    return is_plain and other.underlying == one.underlying


def _fresh_mark(book: LiveBook, instrument: InstrumentId, now_ns: int, fresh_s: float) -> float | None:
    row = book.quotes.find(instrument)
    if row is None or book.quotes.reasons[row] or now_ns - int(book.quotes.seen_ns[row]) > fresh_s * 1e9:
        return None
    return float(book.quotes.values[row])
