"""When a price is believed."""

from __future__ import annotations

import pytest

from monitor.book.quotes import Quotes
from monitor.domain.assessment import Reason
from monitor.domain.event import MarkPrice
from tests.support.facts import SECOND, mark

NAME = "binance_usdm:BTCUSDT"


class Feed:
    """One symbol; venue, wall and monotonic times are the same number unless told."""

    def __init__(self, cadence_s: float = 1.0) -> None:
        self.quotes = Quotes(index_gap_limit=0.05)
        self.row = self.quotes.row("binance_usdm", NAME, cadence_s)

    def send(self, event: MarkPrice, wall_ns: int | None = None) -> str | None:
        """Applies a mark."""
        return self.quotes.apply_mark(self.row, event, event.received_ns if wall_ns is None else wall_ns)

    def reasons(self, now_ns: int) -> Reason:
        """Why the price is not believed at `now_ns`."""
        self.quotes.refresh(now_ns)
        return Reason(int(self.quotes.reasons[self.row]))


def test_a_price_that_never_came_is_partial() -> None:
    """Nothing is known of a symbol before its first mark."""
    assert Feed().reasons(1) == Reason.PARTIAL


@pytest.mark.parametrize(("cadence_s", "limit_s"), [(1.0, 4.5), (0.1, 4.5), (3.0, 8.5)])
def test_a_silent_symbol_is_stale_after_its_limit(cadence_s: float, limit_s: float) -> None:
    """Half a second before the larger of 5 s and three cadences, so that the desk knows by then (N4, T3)."""
    feed = Feed(cadence_s)
    feed.send(mark("BTCUSDT", 100.0, SECOND))
    limit_ns = round((1 + limit_s) * SECOND)
    assert feed.reasons(limit_ns) == Reason(0)
    assert feed.reasons(limit_ns + 1) == Reason.STALE


def test_a_delta_that_omits_the_mark_confirms_it() -> None:
    """Any accepted delta of the symbol keeps its mark young."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND))
    feed.send(mark("BTCUSDT", None, 5 * SECOND))
    assert feed.reasons(9 * SECOND) == Reason(0)
    assert feed.quotes.values[feed.row] == 100.0


def test_a_frozen_mark_is_stale_when_its_index_moves() -> None:
    """Messages that repeat a mark while the index walks away are no news (D1)."""
    feed = Feed()
    for second in range(1, 9):
        feed.send(mark("BTCUSDT", 100.0, second * SECOND, index=100.0 + 0.1 * second))
    assert feed.reasons(8 * SECOND) == Reason.STALE
    assert feed.quotes.seen_ns[feed.row] == SECOND, "the age is that of the last mark that moved"


def test_a_quiet_market_is_not_stale() -> None:
    """An unchanged mark over an unchanged index is believed."""
    feed = Feed()
    for second in range(1, 60):
        feed.send(mark("BTCUSDT", 100.0, second * SECOND, index=100.0))
    assert feed.reasons(60 * SECOND) == Reason(0)


@pytest.mark.parametrize("index", [94.0, 106.0])
def test_a_mark_far_from_its_index_is_implausible(index: float) -> None:
    """More than 5 % between mark and index: UNKNOWN (D4)."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND, index=index))
    assert feed.reasons(SECOND) == Reason.IMPLAUSIBLE


def test_an_older_mark_is_refused() -> None:
    """The price never moves backwards in the venue's time (D5)."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, 2 * SECOND))
    assert feed.send(mark("BTCUSDT", 90.0, SECOND, received_ns=3 * SECOND)) == "older"
    assert feed.quotes.values[feed.row] == 100.0


def test_a_replayed_mark_keeps_its_age() -> None:
    """A message that comes twice confirms nothing the second time (D6)."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND))
    feed.send(mark("BTCUSDT", 100.0, SECOND, received_ns=6 * SECOND))
    assert feed.reasons(7 * SECOND) == Reason.STALE


def test_a_mark_from_the_future_is_refused() -> None:
    """A venue time more than 5 s ahead of ours is no time."""
    feed = Feed()
    assert feed.send(mark("BTCUSDT", 100.0, 10 * SECOND, received_ns=SECOND)) == "future"


def test_late_delivery_counts_as_age() -> None:
    """A mark that took 8 s to arrive is stale on arrival, whatever the receive time says (N11)."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND, received_ns=9 * SECOND))
    assert feed.reasons(9 * SECOND) == Reason.STALE


def test_a_broken_stream_is_a_gap_for_all_marks_of_the_venue() -> None:
    """Gap and ready are the venue's; a symbol first met during the gap is in it too."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND))
    feed.quotes.gap("binance_usdm", is_open=True)
    other = feed.quotes.row("binance_usdm", "binance_usdm:ETHUSDT", 1.0)
    assert feed.reasons(SECOND) == Reason.GAP
    assert Reason.GAP in Reason(int(feed.quotes.reasons[other]))
    feed.quotes.gap("binance_usdm", is_open=False)
    assert feed.reasons(SECOND) == Reason(0)


def test_a_broken_stream_of_marks_leaves_asset_prices_alone() -> None:
    """Money without a position is in no danger of a mark: what it is worth comes another way."""
    feed = Feed()
    asset = feed.quotes.row("binance_usdm", "binance_usdm:BTC price", 3.0, is_mark=False)
    feed.quotes.gap("binance_usdm", is_open=True)
    feed.quotes.refresh(SECOND)
    assert Reason.GAP not in Reason(int(feed.quotes.reasons[asset]))


def test_a_fixed_price_never_ages() -> None:
    """A unit counted in itself is worth 1 for ever."""
    quotes = Quotes(0.05)
    row = quotes.fixed_row("one", 1.0)
    quotes.refresh(10**18)
    assert (quotes.values[row], quotes.reasons[row]) == (1.0, 0)


def test_rows_survive_growth() -> None:
    """A thousand symbols later the first one still has its price."""
    feed = Feed()
    feed.send(mark("BTCUSDT", 100.0, SECOND))
    for number in range(1000):
        feed.quotes.row("binance_usdm", f"binance_usdm:S{number}", 1.0)
    assert feed.quotes.values[feed.row] == 100.0
    assert feed.reasons(SECOND) == Reason(0)
