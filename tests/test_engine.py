"""The loop: what the book refuses is counted, and each turn is measured."""

from __future__ import annotations

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import ManualClock
from monitor.config import Config, Daemon
from monitor.domain.event import MarkPrice, PriceRejected
from monitor.domain.identity import InstrumentId
from monitor.engine import Engine
from monitor.inbox import Inbox
from monitor.names import Metrics
from monitor.thresholds import levels_for

BITCOIN = InstrumentId("bybit:BTCUSDT")


class Loop:
    """An engine over an empty book."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.metrics = Metrics()
        self.inbox = Inbox(self.metrics)
        self.book = LiveBook(BookSettings(("tiered",), levels_for(Config(Daemon(""), (), (), ()))))
        self.engine = Engine(self.book, self.inbox, self.clock, self.metrics, ())

    def mark(self, venue_ns: int) -> None:
        """A mark of a given venue time, in a turn of its own."""
        self.inbox.post(
            MarkPrice(BITCOIN, 1.0, 1.0, None, None, venue_ns, self.clock.monotonic_ns()),
        )
        self.engine.turn()

    def sample(self, name: str, **labels: str) -> float | None:
        """A metric now."""
        return self.metrics.registry.get_sample_value(name, labels)


def test_what_the_book_refuses_is_counted_once() -> None:
    """Prices that no venue can mean and marks that are late show in the metrics, each refusal once."""
    loop = Loop()
    loop.book.quotes.row("bybit", BITCOIN, 1.0)
    loop.inbox.post(PriceRejected(BITCOIN, "mark price missing", loop.clock.monotonic_ns()))
    now_ns = loop.clock.wall_ns()
    for venue_ns in (now_ns, now_ns - 1, now_ns - 2, now_ns + 1):
        loop.mark(venue_ns)
    loop.engine.turn()
    assert loop.sample("margind_price_rejected_total", reason="mark price missing") == 1.0
    assert loop.sample("margind_out_of_order_total", kind="mark older") == 2.0


def test_every_turn_is_measured() -> None:
    """Turn and sweep have a time each, whether or not something came."""
    loop = Loop()
    loop.engine.turn()
    loop.engine.turn()
    assert loop.sample("margind_turn_seconds_count") == 2.0
    assert loop.sample("margind_sweep_seconds_count") == 2.0
