"""A book that was told of no margin model, as of a recording without accounts."""

from __future__ import annotations

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.domain.assessment import Reason, RiskBand
from tests.support.books import LEVELS, Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instruments, leg, mark, snapshot, wallet


def test_a_pool_is_unsupported_by_name() -> None:
    """Compiled code calls a pool's model by its address, unchecked: there is one to call, and UNKNOWN."""
    desk = Desk()
    desk.book = LiveBook(BookSettings((), lambda *_: LEVELS))
    desk.book.declare(ACCOUNT, "desk", 0)
    desk.tell(instruments("BTCUSDT"), snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, SECOND))
    state = desk.states(1)[CROSS]
    assert state.band is RiskBand.UNKNOWN
    assert state.reasons & Reason.UNSUPPORTED
    assert "tiered is not supported" in state.detail
