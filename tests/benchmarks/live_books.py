"""A live book as the daemon holds it: accounts of ten positions each, told by events."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import msgspec

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.assessment import RiskBand
from monitor.domain.event import AccountSnapshot, Instruments, MarkPrice, StreamReady
from monitor.domain.identity import AccountId, account_id
from tests.support import facts

LEGS = 10
SYMBOLS = [f"C{number}USDT" for number in range(200)]
EVERYWHERE = SYMBOLS[0]  # every account holds it
RATES = ("0.004", "0.005", "0.01", "0.025", "0.05", "0.1", "0.125", "0.15")
FLOORS = ("0", "50000", "250000", "1000000", "5000000", "20000000", "50000000", "100000000")
TIERS = [(floor, rate, rate) for floor, rate in zip(FLOORS, RATES, strict=True)]
LEVELS = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
NOW_NS = 100 * facts.SECOND


def live_book(pools: int, seed: int = 1) -> LiveBook:
    """An account a pool; every band is there, and nothing is UNKNOWN."""
    rng = Random(seed)
    book = LiveBook(BookSettings(("tiered",), lambda *_: LEVELS))
    definitions = tuple(facts.instrument(symbol, TIERS) for symbol in SYMBOLS)
    book.apply(Instruments("binance_usdm", definitions, (), NOW_NS), NOW_NS)
    for number in range(pools):
        account = account_id("binance_usdm", f"a{number}")
        book.declare(account, "desk", NOW_NS)
        book.apply(_snapshot(account, rng), NOW_NS)
        book.apply(StreamReady("binance_usdm", account, NOW_NS), NOW_NS)
    book.apply_prices([mark(symbol, 100.0, NOW_NS) for symbol in SYMBOLS], (), 0)
    bands = set(book.turn(NOW_NS, NOW_NS, None).view.band.tolist())
    assert bands >= set(range(RiskBand.LIQUIDATION)), "not all bands are there"
    assert RiskBand.UNKNOWN not in bands
    return book


def mark(symbol: str, price: float, at_ns: int) -> MarkPrice:
    """A mark of one symbol."""
    return facts.mark(symbol, price, at_ns)


def _snapshot(account: AccountId, rng: Random) -> AccountSnapshot:
    symbols = [EVERYWHERE, *rng.sample(SYMBOLS[1:], LEGS - 1)]
    legs = [
        facts.leg(symbol, f"{rng.uniform(-500, 500):.3f}", f"{rng.uniform(95, 105):.2f}")
        for symbol in symbols
    ]
    worth = sum(abs(leg.quantity) * 100 for leg in legs)
    lost = sum(leg.quantity * (leg.entry_price - 100) for leg in legs)
    amount = worth * Decimal("0.004") * Decimal(f"{rng.uniform(1, 8):.4f}") + lost
    told = facts.snapshot(NOW_NS, [facts.wallet(f"{amount:.2f}")], legs)
    return msgspec.structs.replace(told, account=account)
