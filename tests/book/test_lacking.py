"""Options in the live book: a model that knows none says so, and one that reads an index waits for it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.domain.assessment import Reason
from monitor.domain.event import Instruments, PoolFact
from monitor.domain.instrument import Instrument, Kind, OptionTerms
from tests.support.books import LEVELS, Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instrument, leg, mark, snapshot, wallet

NAME = "BTC-31000-C"
TERMS = OptionTerms(
    Decimal(31_000), True, 10**19, maintenance_rate=Decimal("0.03"), liquidation_rate=Decimal("0.002")
)
OPTION = msgspec.structs.replace(instrument(NAME), kind=Kind.OPTION, option=TERMS, index="BTCUSDT")


def desk_of(definition: Instrument, model: str) -> Desk:
    """10,000 USDT under one short option at 300, its index at 30,000."""
    desk = Desk()
    desk.book = LiveBook(BookSettings((model,), lambda *_: LEVELS))
    desk.book.declare(ACCOUNT, "desk", 0)
    desk.tell(Instruments("binance_usdm", (definition,), (), 0))
    told = snapshot(SECOND, [wallet("10000")], [leg(NAME, "-1", "0", leverage=None)])
    desk.tell(msgspec.structs.replace(told, pools=(PoolFact(CROSS, model, "USDT"),)))
    price = mark(NAME, 300.0, SECOND, index=30_000.0)
    desk.tell(msgspec.structs.replace(price, forward=30_000.0, volatility=0.6))
    return desk


def test_a_short_option_is_assessed_with_its_index() -> None:
    """The example of the venue's page, through the daemon's book; an option has no leverage to wait for."""
    desk = desk_of(OPTION, "bybit_options")
    assert desk.states(1)[CROSS].reasons == Reason(0)
    assert desk.book.assessor.figures[desk.row(CROSS)].maintenance_margin == pytest.approx(1_260)


@pytest.mark.parametrize(
    ("definition", "model", "reason", "words"),
    [
        (OPTION, "bybit_unified", Reason.UNSUPPORTED, "an option, of which bybit_unified knows nothing"),
        (msgspec.structs.replace(OPTION, index=""), "bybit_options", Reason.PARTIAL, "index price not told"),
    ],
)
def test_an_option_is_never_guessed(definition: Instrument, model: str, reason: Reason, words: str) -> None:
    """UNKNOWN, with the words and the name of the option."""
    desk = desk_of(definition, model)
    assert desk.states(1)[CROSS].reasons & reason
    missing = next(pool.missing for pool in desk.book.placing.pools.values())
    assert missing == f"{words}: {definition.id}"
