"""Risk units in the live book: an instrument is netted where its venue publishes how, its index and its
expiry are read, and a pool with one that is netted nowhere is not assessed."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from monitor.book.definitions import unit_terms
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.domain.assessment import Reason
from monitor.domain.event import Instruments, PoolFact, StreamAlive
from monitor.domain.instrument import Instrument
from monitor.margin.portfolio_terms import Unsupported
from tests.support.books import LEVELS, Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instrument, leg, mark, snapshot, wallet

YEAR = 365 * 86_400 * SECOND
PERPETUAL = msgspec.structs.replace(instrument("BTCUSDT"), unit="okx", index="BTC-USDT", taker_fee=Decimal(0))


def desk_of(definition: Instrument) -> Desk:
    """1,000 USDT under one long BTC from 1,000, in OKX's portfolio mode."""
    desk = Desk()
    desk.book = LiveBook(BookSettings(("okx_portfolio",), lambda *_: LEVELS))
    desk.book.declare(ACCOUNT, "desk", 0)
    desk.tell(Instruments("binance_usdm", (definition,), (), 0))
    told = snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "1000", leverage=None)])
    desk.tell(msgspec.structs.replace(told, pools=(PoolFact(CROSS, "okx_portfolio", "USDT"),)))
    desk.tell(mark("BTCUSDT", 1000.0, SECOND))
    return desk


def maintenance(desk: Desk) -> float:
    """What the pool requires after the last turn."""
    return float(desk.book.assessor.figures[desk.row(CROSS)].maintenance_margin)


def test_a_published_unit_nets_its_instruments() -> None:
    """12 % of the index and 0.2 % of the mark: the worst scenario and the basis."""
    desk = desk_of(PERPETUAL)
    assert desk.states(1)[CROSS].reasons == Reason(0)
    assert maintenance(desk) == pytest.approx(122)


def test_the_index_moves_the_requirement() -> None:
    """The worst loss is of the index; a new one is assessed at once, whatever the mark does."""
    desk = desk_of(PERPETUAL)
    desk.turn(1)
    desk.tell(StreamAlive(ACCOUNT, 2 * SECOND), mark("BTCUSDT", 1000.0, 2 * SECOND, index=2000.0))
    desk.turn(2)
    assert maintenance(desk) == pytest.approx(242)


def test_the_time_to_expiry_is_read() -> None:
    """A future of one year rolls at 5 %, a perpetual at 0.2 %."""
    desk = desk_of(msgspec.structs.replace(PERPETUAL, expiry_ns=YEAR + SECOND))
    desk.turn(1)
    assert maintenance(desk) == pytest.approx(120 + 50)


def test_what_is_in_no_unit_is_not_assessed() -> None:
    """A pool under portfolio margin with an instrument that nobody nets is unsupported, and says which."""
    state = desk_of(msgspec.structs.replace(PERPETUAL, unit="")).states(1)[CROSS]
    assert state.reasons & Reason.UNSUPPORTED
    assert "BTCUSDT" in state.detail
    assert "risk unit" in state.detail


def test_a_unit_that_is_not_published_is_refused() -> None:
    """A definition that wants one raises what is missing, before anything is written."""
    other = msgspec.structs.replace(PERPETUAL, underlying="ETH")
    with pytest.raises(Unsupported, match="ETH"):
        unit_terms(other)
    with pytest.raises(Unsupported, match="ETH"):
        desk_of(other)
